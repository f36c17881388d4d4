"""Extended errors in the protocol."""

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import NSID
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("EDE-01")
@pytest.mark.parametrize("name", ["elsewhere.invalid.", "www.broken.test.", "www.empty.test.", "www.closed.test."])
def test_the_response_code_is_the_same_without_edns(managed: Subject, name: str):
    with_edns, without = managed.ask(name, edns=True), managed.ask(name)
    assert with_edns.errors()
    assert (with_edns.rcode, with_edns.flags) == (without.rcode, without.flags)
    assert with_edns.counts[:3] == without.counts[:3]


@line("EDE-01")
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "t2000.big.test."])
def test_an_answer_without_an_error_has_none(subject: Subject, name: str):
    assert not subject.ask(name, "TXT", edns=True).errors()


@line("EDE-02")
def test_an_error_that_does_not_fit_gives_way_and_tc_tells(talkative: Subject):
    """The longest question and a long NSID leave no room for it in 512 octets."""
    short = talkative.ask("elsewhere.invalid.", options=[packet.option(packet.NSID)], size=512)
    assert (short.rcode, short.error_codes, short.tc) == ("REFUSED", {20}, False)
    name = packet.raw_name(b"x" * 63, b"y" * 63, b"z" * 63, b"u" * 61)
    long = talkative.ask(name, options=[packet.option(packet.NSID)], size=512)
    assert (long.rcode, long.error_codes, long.tc) == ("REFUSED", set(), True)
    assert long.opt is not None
    assert long.opt.values(packet.NSID) == [NSID.encode()]


@line("EDE-02")
def test_one_that_just_fits_stays(talkative: Subject):
    """One octet of the question after the other, there is one length from which on it is dropped."""
    codes = []
    for length in range(1, 62):
        name = packet.raw_name(b"x" * 63, b"y" * 63, b"z" * 63, b"u" * length)
        reply = talkative.ask(name, options=[packet.option(packet.NSID)], size=512)
        assert reply.tc is not bool(reply.error_codes)
        codes.append(bool(reply.error_codes))
    assert codes == sorted(codes, reverse=True)
    assert set(codes) == {True, False}
