"""Standard records: character-strings, and what goes into the additional section."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit.dnsclient import Subject


@line("QRY-22")
@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("plain.test.", "NS", {("ns1.plain.test.", "A"), ("ns1.plain.test.", "AAAA"), ("ns2.other.test.", "A")}),
        ("plain.test.", "MX", {("mail.plain.test.", "A"), ("mail.plain.test.", "AAAA"), ("mail.other.test.", "A")}),
        ("_sip._tcp.plain.test.", "SRV", {("mail.plain.test.", "A"), ("mail.plain.test.", "AAAA")}),
    ],
)
def test_addresses_of_targets_are_added_where_policy_allows(
    talkative: Subject, name: str, rdtype: str, expected: set[tuple[str, str]]
):
    assert set(talkative.ask(name, rdtype).owners(2)) >= expected


@line("QRY-22")
def test_nothing_is_added_below_a_cut_or_out_of_our_zones(talkative: Subject):
    reply = talkative.ask("alias-outside.plain.test.")
    assert not {owner for owner, _ in reply.owners(2)} - {"ns1.plain.test.", "ns2.other.test."}


@line("ZON-16")
def test_character_strings_are_served_as_they_were_written(subject: Subject):
    assert subject.ask("txt.types.test.", "TXT").records[0][0].rdata == b"\x03one\x00\x05three"


@line("ZON-16")
@pytest.mark.parametrize(
    ("owner", "rdtype", "rdata"),
    [("longest", "TXT", b"\xff" + b"x" * 255), ("shortest", "TXT", b"\x00"), ("hinfo", "HINFO", b"\x00\x00")],
)
def test_character_strings_of_0_and_255_octets_load(loaded: Loaded, owner: str, rdtype: str, rdata: bytes):
    assert loaded.subject.ask(f"{owner}.strings.test.", rdtype).records[0][0].rdata == rdata


@line("ZON-16")
@pytest.mark.parametrize("zone", ["string256.test", "txt-empty.test", "caa-no-tag.test"])
def test_a_string_too_long_or_missing_is_refused_with_its_place(loaded: Loaded, zone: str):
    loaded.assert_refused(zone, line=5)
