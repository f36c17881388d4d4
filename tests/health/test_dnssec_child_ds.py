"""Scenarios of DNSSEC15 to DNSSEC18, written from the specification."""

import base64

import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from tests.health.signed import (
    APEX,
    KEY,
    STRANGER,
    by_a_stranger,
    drop,
    ds_text,
    expired,
    not_yet_valid,
    set_ds,
    set_rdata,
    signed,
    unsigned,
    unverifiable,
    with_ds,
    wrong,
)
from tests.health.stage import ONE, PARENTS, TWO, ZONE, check
from tests.health.test_dnssec_delegation import given
from tests.kit.internet import arguments, tags
from tests.kit.internet_behaviour import edited, loses, no_aa, says, silent, to
from tests.kit.internet_signing import key, resign

DELETE = {"CDS": "0 0 0 00", "CDNSKEY": "0 3 0 AA=="}
CASES = ["dnssec15", "dnssec16", "dnssec17", "dnssec18"]
OTHER = key(number=1)  # a second key of the zone
PLAIN = key(flags=256)
NOT_FOR_ZONES = key(flags=1)


def key_text(of):
    """The CDNSKEY rdata for a key."""
    found = of.dnskey
    return f"{found.flags} {found.protocol} {int(found.algorithm)} {base64.b64encode(found.key).decode()}"


def put(zone, cds=(), cdnskey=(), by=(KEY,)):
    """Let the zone have these CDS and CDNSKEY records, signed."""
    for rdtype, texts in (("CDS", cds), ("CDNSKEY", cdnskey)):
        set_rdata(zone, rdtype, *texts)
        if texts:
            resign(zone, APEX, rdtype, by)


def with_child(*keys, cds=None, cdnskey=None, **options):
    """The signed stage with CDS and CDNSKEY at both servers; those for the first key unless others are given."""
    made = signed(*(keys or (KEY,)))
    first = (keys or (KEY,))[0]
    put(
        made.zone,
        [ds_text(first)] if cds is None else cds,
        [key_text(first)] if cdnskey is None else cdnskey,
        **options,
    )
    return made


@pytest.mark.parametrize(
    ("case", "expected"),
    [("dnssec15", {"DS15_HAS_CDS_AND_CDNSKEY"}), ("dnssec16", set()), ("dnssec17", set()), ("dnssec18", set())],
)
def test_proper_records_are_well(case, expected):
    made = with_child()
    assert tags(check(made.internet, case)) == expected
    made.internet.behave(TWO, loses(1))
    assert tags(check(made.internet, case)) == expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [("dnssec15", {"DS15_NO_CDS_CDNSKEY"}), ("dnssec16", set()), ("dnssec17", set()), ("dnssec18", set())],
)
def test_a_zone_without_these_records_is_well(case, expected):
    assert tags(check(signed().internet, case)) == expected


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("behaviour", [silent, no_aa, says(dns.rcode.SERVFAIL)])
def test_where_no_reply_is_usable_nothing_is_said(case, behaviour):
    made = with_child(cds=[DELETE["CDS"]], cdnskey=[DELETE["CDNSKEY"]], by=[STRANGER])
    for address in (ONE, TWO):
        for rdtype in ("CDS", "CDNSKEY"):
            made.internet.behave(address, to(rdtype, behaviour))
    assert tags(check(made.internet, case)) == set()


# --- DNSSEC15


@pytest.mark.parametrize(
    ("cds", "cdnskey", "expected"),
    [
        ([ds_text(KEY)], [], {"DS15_HAS_CDS_NO_CDNSKEY"}),
        ([], [key_text(KEY)], {"DS15_HAS_CDNSKEY_NO_CDS"}),
        ([ds_text(KEY), ds_text(KEY, "SHA384")], [key_text(KEY)], {"DS15_HAS_CDS_AND_CDNSKEY"}),
        ([ds_text(KEY), ds_text(OTHER)], [key_text(OTHER), key_text(KEY)], {"DS15_HAS_CDS_AND_CDNSKEY"}),
        ([DELETE["CDS"]], [DELETE["CDNSKEY"]], {"DS15_HAS_CDS_AND_CDNSKEY"}),
        ([ds_text(KEY)], [key_text(OTHER)], {"DS15_HAS_CDS_AND_CDNSKEY", "DS15_MISMATCH_CDS_CDNSKEY"}),
        ([ds_text(KEY), ds_text(OTHER)], [key_text(KEY)], {"DS15_HAS_CDS_AND_CDNSKEY", "DS15_MISMATCH_CDS_CDNSKEY"}),
        ([ds_text(KEY)], [key_text(KEY), key_text(OTHER)], {"DS15_HAS_CDS_AND_CDNSKEY", "DS15_MISMATCH_CDS_CDNSKEY"}),
        ([DELETE["CDS"]], [key_text(KEY)], {"DS15_HAS_CDS_AND_CDNSKEY", "DS15_MISMATCH_CDS_CDNSKEY"}),
        ([ds_text(KEY)], [DELETE["CDNSKEY"]], {"DS15_HAS_CDS_AND_CDNSKEY", "DS15_MISMATCH_CDS_CDNSKEY"}),
        (
            [f"{KEY.tag} 13 2 {'00' * 32}"],
            [key_text(KEY)],
            {"DS15_HAS_CDS_AND_CDNSKEY", "DS15_MISMATCH_CDS_CDNSKEY"},
        ),
    ],
)
def test_which_records_there_are_and_whether_they_agree_is_told(cds, cdnskey, expected):
    entries = check(with_child(cds=cds, cdnskey=cdnskey).internet, "dnssec15")
    assert tags(entries) == expected
    assert all(entry.arguments == {"ns_ip_list": [ONE, TWO]} for entry in entries)


@pytest.mark.parametrize(
    ("cds", "cdnskey", "expected"),
    [
        ([ds_text(KEY, "SHA384")], [key_text(KEY)], {"DS15_INCONSISTENT_CDS"}),
        ([ds_text(OTHER)], [key_text(OTHER)], {"DS15_INCONSISTENT_CDS", "DS15_INCONSISTENT_CDNSKEY"}),
        ([], [key_text(KEY)], {"DS15_INCONSISTENT_CDS", "DS15_HAS_CDNSKEY_NO_CDS"}),
        ([ds_text(KEY)], [], {"DS15_INCONSISTENT_CDNSKEY", "DS15_HAS_CDS_NO_CDNSKEY"}),
        ([], [], {"DS15_INCONSISTENT_CDS", "DS15_INCONSISTENT_CDNSKEY"}),
    ],
)
def test_servers_may_disagree(cds, cdnskey, expected):
    made = with_child()
    put(made.two(), cds, cdnskey)
    assert tags(check(made.internet, "dnssec15")) == expected | {"DS15_HAS_CDS_AND_CDNSKEY"}


def test_the_order_of_records_does_not_matter():
    made = with_child(cds=[ds_text(KEY), ds_text(OTHER)], cdnskey=[key_text(KEY), key_text(OTHER)])
    put(made.two(), [ds_text(OTHER), ds_text(KEY)], [key_text(OTHER), key_text(KEY)])
    assert tags(check(made.internet, "dnssec15")) == {"DS15_HAS_CDS_AND_CDNSKEY"}


# --- DNSSEC16 and DNSSEC17: what they have in common

PAIRS = [("dnssec16", "CDS"), ("dnssec17", "CDNSKEY")]
SIGNATURE_TAGS = {
    "CDS": {
        unsigned: "DS16_CDS_UNSIGNED",
        by_a_stranger: "DS16_CDS_SIGNED_BY_UNKNOWN_DNSKEY",
        wrong: "DS16_CDS_INVALID_RRSIG",
        expired: "DS16_CDS_INVALID_RRSIG",
        not_yet_valid: "DS16_CDS_INVALID_RRSIG",
        unverifiable: None,
    },
    "CDNSKEY": {
        unsigned: "DS17_CDNSKEY_UNSIGNED",
        by_a_stranger: "DS17_CDNSKEY_SIGNED_BY_UNKNOWN_DNSKEY",
        wrong: "DS17_CDNSKEY_INVALID_RRSIG",
        expired: "DS17_CDNSKEY_INVALID_RRSIG",
        not_yet_valid: "DS17_CDNSKEY_INVALID_RRSIG",
        unverifiable: None,
    },
}
NOT_BY_THE_KEY = {"CDS": "DS16_CDS_NOT_SIGNED_BY_CDS", "CDNSKEY": "DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY"}
KEYS_NOT_BY_THE_KEY = {"CDS": "DS16_DNSKEY_NOT_SIGNED_BY_CDS", "CDNSKEY": "DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY"}
WITHOUT_KEYS = {"CDS": "DS16_CDS_WITHOUT_DNSKEY", "CDNSKEY": "DS17_CDNSKEY_WITHOUT_DNSKEY"}
DELETED = {"CDS": "DS16_DELETE_CDS", "CDNSKEY": "DS17_DELETE_CDNSKEY"}
MIXED = {"CDS": "DS16_MIXED_DELETE_CDS", "CDNSKEY": "DS17_MIXED_DELETE_CDNSKEY"}
NO_KEY = {"CDS": "DS16_CDS_MATCHES_NO_DNSKEY", "CDNSKEY": "DS17_CDNSKEY_MATCHES_NO_DNSKEY"}
NO_ZONE_KEY = {"CDS": "DS16_CDS_MATCHES_NON_ZONE_DNSKEY", "CDNSKEY": "DS17_CDNSKEY_IS_NON_ZONE"}
NO_SEP = {"CDS": "DS16_CDS_MATCHES_NON_SEP_DNSKEY", "CDNSKEY": "DS17_CDNSKEY_IS_NON_SEP"}


def text_of(rdtype, of):
    return ds_text(of) if rdtype == "CDS" else key_text(of)


def expect(entries, *found):
    """Exactly these tags, each with its key tag (None for those without), all at the second server."""
    assert {(entry.tag, entry.arguments.get("keytag")) for entry in entries} == set(found)
    assert all(entry.arguments["ns_ip_list"] == [TWO] for entry in entries)


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
@pytest.mark.parametrize("spoil", list(SIGNATURE_TAGS["CDS"]))
def test_what_is_wrong_with_the_signature_is_told(case, rdtype, spoil):
    made = with_child()
    spoil(made.two(), rdtype)
    tag = SIGNATURE_TAGS[rdtype][spoil]
    signer = {unsigned: None, by_a_stranger: STRANGER.tag}.get(spoil, KEY.tag)
    found = [(tag, signer)] if tag else []
    if spoil in (unsigned, by_a_stranger, unverifiable):
        found.append((NOT_BY_THE_KEY[rdtype], KEY.tag))
    expect(check(made.internet, case), *found)


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_records_without_keys_are_told(case, rdtype):
    made = with_child()
    drop(made.two(), "DNSKEY")
    expect(check(made.internet, case), (WITHOUT_KEYS[rdtype], None))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
@pytest.mark.parametrize("behaviour", [silent, no_aa, says(dns.rcode.SERVFAIL)])
def test_a_server_that_does_not_tell_keys_is_left_out(case, rdtype, behaviour):
    made = with_child()
    unsigned(made.two(), rdtype)
    made.internet.behave(TWO, to("DNSKEY", behaviour))
    expect(check(made.internet, case))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_a_record_that_deletes_is_told(case, rdtype):
    made = with_child()
    put(made.two(), cds=[DELETE["CDS"]], cdnskey=[DELETE["CDNSKEY"]])
    expect(check(made.internet, case), (DELETED[rdtype], None))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_the_signature_over_a_record_that_deletes_is_judged(case, rdtype):
    made = with_child()
    zone = made.two()
    put(zone, cds=[DELETE["CDS"]], cdnskey=[DELETE["CDNSKEY"]])
    wrong(zone, rdtype)
    expect(check(made.internet, case), (DELETED[rdtype], None), (SIGNATURE_TAGS[rdtype][wrong], KEY.tag))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_a_record_that_deletes_stands_alone(case, rdtype):
    made = with_child()
    put(made.two(), cds=[DELETE["CDS"], ds_text(KEY)], cdnskey=[DELETE["CDNSKEY"], key_text(KEY)])
    expect(check(made.internet, case), (MIXED[rdtype], None))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_a_record_for_no_key_is_told(case, rdtype):
    made = with_child()
    put(made.two(), cds=[ds_text(KEY), ds_text(STRANGER)], cdnskey=[key_text(KEY), key_text(STRANGER)])
    expect(check(made.internet, case), (NO_KEY[rdtype], STRANGER.tag))


def test_a_cds_with_another_digest_is_for_no_key():
    made = with_child()
    put(made.two(), cds=[f"{KEY.tag} 13 2 {'00' * 32}"], cdnskey=[key_text(KEY)])
    expect(check(made.internet, "dnssec16"), (NO_KEY["CDS"], KEY.tag))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_a_record_for_a_key_that_is_not_for_zones_is_told(case, rdtype):
    made = with_child(KEY, NOT_FOR_ZONES)
    texts = [text_of(rdtype, KEY), text_of(rdtype, NOT_FOR_ZONES)]
    put(made.two(), **{rdtype.lower(): texts})
    expect(check(made.internet, case), (NO_ZONE_KEY[rdtype], NOT_FOR_ZONES.tag))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_a_record_for_a_key_without_sep_is_told(case, rdtype):
    made = with_child(KEY, PLAIN)
    put(made.two(), **{rdtype.lower(): [text_of(rdtype, PLAIN)]}, by=[KEY, PLAIN])
    expect(check(made.internet, case), (NO_SEP[rdtype], PLAIN.tag))


@pytest.mark.parametrize(("case", "rdtype"), PAIRS)
def test_a_record_for_a_key_that_does_not_sign_is_told(case, rdtype):
    made = with_child(KEY, OTHER)
    zone = made.two()
    put(zone, **{rdtype.lower(): [text_of(rdtype, OTHER)]}, by=[KEY])
    resign(zone, APEX, "DNSKEY", [KEY])
    expect(check(made.internet, case), (NOT_BY_THE_KEY[rdtype], OTHER.tag), (KEYS_NOT_BY_THE_KEY[rdtype], OTHER.tag))


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\1\x0d\2", b"\0\1\x0d\0" + bytes(3)])
@pytest.mark.parametrize(("case", "rdtype"), [(case, rdtype) for case in CASES for rdtype in ("CDS", "CDNSKEY")])
def test_a_broken_record_stops_no_case(octets, case, rdtype):
    made = with_child()
    number = dns.rdatatype.from_text(rdtype)

    def edit(reply):
        reply.answer = [dns.rrset.from_rdata(APEX, 60, dns.rdata.GenericRdata(dns.rdataclass.IN, number, octets))]

    made.internet.behave(TWO, to(rdtype, edited(edit), ZONE))
    check(made.internet, case)


# --- DNSSEC18


@pytest.mark.parametrize(
    ("rdtype", "tag"), [("CDS", "DS18_NO_MATCH_CDS_RRSIG_DS"), ("CDNSKEY", "DS18_NO_MATCH_CDNSKEY_RRSIG_DS")]
)
class TestTrust:
    """From DS to the records of a type."""

    def test_records_not_signed_by_a_key_with_ds_are_told(self, rdtype, tag):
        made = with_child(KEY, OTHER)
        resign(made.two(), APEX, rdtype, [OTHER])
        expect(check(made.internet, "dnssec18"), (tag, None))

    def test_records_without_signature_are_told(self, rdtype, tag):
        made = with_child()
        unsigned(made.two(), rdtype)
        expect(check(made.internet, "dnssec18"), (tag, None))

    def test_one_ds_that_leads_there_is_enough(self, rdtype, tag):
        made = with_child(KEY, OTHER)
        set_ds(made, ds_text(STRANGER), ds_text(KEY), ds_text(OTHER))
        resign(made.two(), APEX, rdtype, [OTHER])
        expect(check(made.internet, "dnssec18"))

    def test_a_ds_that_matches_no_key_leads_nowhere(self, rdtype, tag):
        made = with_child()
        set_ds(made, ds_text(STRANGER))
        assert arguments(check(made.internet, "dnssec18"), tag) == [{"ns_ip_list": [ONE, TWO]}]

    def test_without_ds_nothing_is_said(self, rdtype, tag):
        made = with_child(by=[STRANGER])
        set_ds(made)
        expect(check(made.internet, "dnssec18"))

    def test_one_parent_server_with_ds_is_enough(self, rdtype, tag):
        made = with_child()
        made.internet.behave(PARENTS[0], with_ds())
        unsigned(made.two(), rdtype)
        expect(check(made.internet, "dnssec18"), (tag, None))

    def test_without_keys_nothing_is_said(self, rdtype, tag):
        made = with_child(by=[STRANGER])
        drop(made.zone, "DNSKEY")
        expect(check(made.internet, "dnssec18"))

    def test_given_ds_count(self, rdtype, tag):
        made = with_child()
        expect(check(made.internet, "dnssec18", undelegated=given(ds_text(KEY))))
        assert tag in tags(check(made.internet, "dnssec18", undelegated=given(ds_text(STRANGER))))
        expect(check(made.internet, "dnssec18", undelegated=given()))
