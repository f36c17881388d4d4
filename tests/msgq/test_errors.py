"""The outcomes of a call say what they must."""

from __future__ import annotations

import pytest

from msgq.errors import (
    REFUSAL_CODES,
    BusError,
    BusLost,
    CallError,
    DeadlineExceeded,
    NoRecipient,
    RecipientDied,
    Refused,
)


@pytest.mark.parametrize(
    ("kind", "maybe_done"), [(NoRecipient, False), (RecipientDied, True), (DeadlineExceeded, True), (BusLost, True)]
)
def test_an_outcome_says_whether_the_call_may_have_been_carried_out(kind, maybe_done):
    error = kind("text", call_id="id")
    assert (error.maybe_done, error.call_id, str(error)) == (maybe_done, "id", "text")
    assert kind("text", maybe_done=not maybe_done).maybe_done is not maybe_done
    assert isinstance(error, CallError)
    assert isinstance(error, BusError)


@pytest.mark.parametrize("code", sorted(REFUSAL_CODES))
def test_a_refusal_has_one_of_the_codes(code):
    refused = Refused(code, "no")
    assert (refused.code, str(refused), refused.maybe_done) == (code, "no", False)
    assert repr(refused) == f"Refused({code!r}, 'no')"


def test_an_unknown_refusal_code_is_a_bug_of_the_one_who_refuses():
    with pytest.raises(ValueError, match="nope"):
        Refused("nope", "no")  # type: ignore[arg-type]
