"""DNSKEY sets, signatures that do not fit, and zones that no validator would believe."""

import pytest

from tests.conformance import chains
from tests.conformance.lines import line
from tests.conformance.signed import CHAINS, ask, needs_signer, types
from tests.kit.dnsclient import Subject
from tests.kit.dnspacket import DO


@line("DSV-18")
@pytest.mark.parametrize("size", [512, 1232])
def test_a_dnskey_set_that_does_not_fit_is_not_sent_in_part(subject: Subject, size: int):
    reply = ask(subject, chains.KEYS, "DNSKEY", size=size, tcp=False)
    assert reply.tc
    assert len(reply.records[0]) in (0, chains.KEYS_OF_THE_SET)
    whole = ask(subject, chains.KEYS, "DNSKEY")
    assert [record.type for record in whole.records[0]] == ["DNSKEY"] * chains.KEYS_OF_THE_SET + ["RRSIG"]


@line("DSV-21")
@pytest.mark.parametrize(
    ("name", "rdtype", "section", "expected"),
    [("www.", "A", 0, ["A", "RRSIG"]), ("", "SOA", 0, ["SOA", "RRSIG"]), ("www.", "MX", 1, ["SOA", "RRSIG", "NSEC"])],
)
def test_what_no_validator_would_believe_is_served_as_it_is(
    subject: Subject, name: str, rdtype: str, section: int, expected: list[str]
):
    """Signatures that nobody made, and that have expired."""
    reply = ask(subject, f"{name}{chains.KEYS}", rdtype)
    assert reply.rcode == "NOERROR"
    assert types(reply.owners(section)) == expected


@line("DSV-03")
@needs_signer
@pytest.mark.parametrize("zone", CHAINS)
def test_the_signatures_of_additional_records_may_be_missing_and_set_no_tc(talkative: Subject, zone: str):
    """Of all sizes: where the answer and its signature fit, there is no TC, whatever of the rest is there."""
    added = set()
    for size in range(512, 1232, 16):
        reply = talkative.ask(f"x.wild.{zone}", "MX", edns=True, edns_flags=DO, size=size)
        if not reply.tc:
            assert types(reply.owners(0)) == ["MX", "RRSIG"]
            added.add(tuple(types(reply.owners(2))))
    assert added == {("A",), ("A", "RRSIG")}
