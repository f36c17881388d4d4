"""Reading bodies: hostile JSON is refused with a reason, and nothing else happens."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmdctl.bodies import decode
from cmdctl.errors import RequestError
from cmdctl.limits import MAX_DEPTH


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    value: Any = None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"value": 1}',
        b'{"name": 1}',
        b'{"name": "a", "nam": "b"}',
        b'{"name": "\xff"}',
        b'{"name": "a", "value": ' + b"9" * 100_000 + b"}",
        b'{"name": "a", "value": 1e99999}',
        b'{"name": "a", "value": NaN}',
        b'{"name": "a", "value": ' + b"[" * 100_000,
        b'{"name": "a", "value": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
        b'{"name": "a", "value": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
        b"\xef\xbb\xbf{}",
        b"\0",
    ],
)
def test_what_is_wrong_is_refused_as_usage(data):
    """V60, V74."""
    with pytest.raises(RequestError) as caught:
        decode(data, Shape)
    assert caught.value.code == "usage"
    assert caught.value.status == 400


def test_brackets_in_text_are_no_nesting():
    assert decode(b'{"name": "' + b"[" * 1000 + b'\\"{"}', Shape).name == "[" * 1000 + '"{'


def test_depth_up_to_the_limit_is_taken():
    """V60."""
    inner = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert decode(b'{"name": "a", "value": ' + inner + b"}", Shape).name == "a"


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data):
    with contextlib.suppress(RequestError):
        decode(data, Shape)
