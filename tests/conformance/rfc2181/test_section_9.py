"""The TC bit: only where something required is missing."""

import pytest

from tests.conformance.lines import line
from tests.conformance.zonefiles import EXCHANGES
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


def addresses(reply: Reply) -> dict[tuple[str, str], int]:
    """How many records of each set are in the additional section."""
    return {key: reply.owners(2).count(key) for key in reply.owners(2)}


@line("QRY-20")
@pytest.mark.parametrize("edns", [False, True])
@pytest.mark.parametrize("size", [512, 700, 1000, 1231])
def test_additional_data_is_left_out_in_whole_sets_without_tc(talkative: Subject, edns: bool, size: int):
    reply = talkative.ask("mx.big.test.", "MX", edns=edns, size=size if edns else 1232)
    assert len(reply.answer) == EXCHANGES
    assert not reply.tc
    assert set(addresses(reply).values()) <= {1}


@line("QRY-20")
def test_over_tcp_all_additional_data_fits(talkative: Subject):
    reply = talkative.ask("mx.big.test.", "MX", tcp=True)
    assert {owner for owner, _ in reply.owners(2)} >= {f"mx{number}.big.test." for number in range(EXCHANGES)}


@line("QRY-21")
@pytest.mark.parametrize(
    ("octets", "size", "fits"), [(400, 512, True), (600, 512, False), (800, 1232, True), (2000, 1232, False)]
)
def test_tc_where_the_answer_does_not_fit(subject: Subject, octets: int, size: int, fits: bool):
    reply = subject.ask(f"t{octets}.big.test.", "TXT", edns=True, size=size)
    assert reply.tc is not fits
    assert len(reply.answer) == (octets // 200 if fits else 0)


@line("QRY-21")
def test_over_tcp_there_is_no_tc(subject: Subject):
    for octets in (400, 2000, 60000):
        assert not subject.ask(f"t{octets}.big.test.", "TXT", tcp=True).tc
