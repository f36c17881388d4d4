"""Extended errors in the protocol."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("EDE-01")
@pytest.mark.parametrize("name", ["elsewhere.invalid.", "www.broken.test.", "www.empty.test.", "www.closed.test."])
def test_the_response_code_is_the_same_without_edns(subject: Subject, name: str):
    with_edns, without = subject.ask(name, edns=True), subject.ask(name)
    assert with_edns.errors()
    assert (with_edns.rcode, with_edns.flags) == (without.rcode, without.flags)
    assert with_edns.counts[:3] == without.counts[:3]


@line("EDE-01")
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "t2000.big.test."])
def test_an_answer_without_an_error_has_none(subject: Subject, name: str):
    assert not subject.ask(name, "TXT", edns=True).errors()


@line("EDE-02")
@pytest.mark.parametrize("size", [512, 1232])
def test_an_error_that_does_not_fit_gives_way_before_the_question(subject: Subject, size: int):
    """No error text is long enough to be dropped at 512 octets: it is there, and the reply fits."""
    reply = subject.ask("x" * 63 + "." + "y" * 63 + "." + "z" * 63 + ".invalid.", edns=True, size=size)
    assert len(reply.wire) <= size
    assert reply.error_codes == {20}
