"""Scenarios of DNSSEC03 and DNSSEC10, written from the specification."""

import dns.dnssec
import dns.flags
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest

from tests.health.signed import (
    APEX,
    KEY,
    STRANGER,
    UNVERIFIABLE,
    by_a_stranger,
    change,
    expired,
    not_yet_valid,
    set_rdata,
    signed,
    unsigned,
    unverifiable,
    wrong,
)
from tests.health.stage import AT_ONE, AT_TWO, NS1, NS2, ONE, TWO, ZONE, check, stage
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_behaviour import answers_with, edited, empty, loses, no_aa, says, silent, to
from tests.kit.internet_signing import resign, secure, sign, unsign

HASHED = dns.name.from_text(dns.dnssec.nsec3_hash(APEX, "", 0, 1), APEX)
LEGAL = {
    "DS03_LEGAL_HASH_ALGO",
    "DS03_NSEC3_OPT_OUT_DISABLED",
    "DS03_LEGAL_ITERATION_VALUE",
    "DS03_LEGAL_EMPTY_SALT",
}


def hashed(parameters="1 0 0 -"):
    """The signed stage with NSEC3."""
    return signed(nsec3=parameters)


def spoilt(behaviour, rdtype, nsec3=None):
    """The signed stage, where the second server answers so to queries for a type."""
    made = signed(nsec3=nsec3)
    made.internet.behave(TWO, to(rdtype, behaviour, ZONE))
    return made.internet


# --- DNSSEC03


def test_nsec3_as_recommended_is_well():
    entries = check(hashed().internet, "dnssec03")
    assert tags(entries) == LEGAL
    assert all(entry.arguments == {"ns_list": [AT_ONE, AT_TWO]} for entry in entries)


def test_a_lost_packet_changes_nothing():
    made = hashed()
    made.internet.behave(TWO, loses(1))
    assert tags(check(made.internet, "dnssec03")) == LEGAL
    assert tags(check(made.internet, "dnssec10")) == {"DS10_HAS_NSEC3"}


@pytest.mark.parametrize(
    ("parameters", "instead", "tag", "more"),
    [
        ("1 0 10 -", "DS03_LEGAL_ITERATION_VALUE", "DS03_ILLEGAL_ITERATION_VALUE", {"int": 10}),
        ("1 0 0 abcd", "DS03_LEGAL_EMPTY_SALT", "DS03_ILLEGAL_SALT_LENGTH", {"int": 2}),
        ("1 1 0 -", "DS03_NSEC3_OPT_OUT_DISABLED", "DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD", {}),
    ],
)
def test_other_parameters_are_told(parameters, instead, tag, more):
    entries = check(hashed(parameters).internet, "dnssec03")
    assert tags(entries) == (LEGAL - {instead}) | {tag}
    assert arguments(entries, tag) == [{**more, "ns_list": [AT_ONE, AT_TWO]}]


def test_another_hash_is_told():
    made = hashed()
    change(made.zone, "NSEC3", lambda nsec3: nsec3.replace(algorithm=2), name=HASHED)
    entries = check(made.internet, "dnssec03")
    assert arguments(entries, "DS03_ILLEGAL_HASH_ALGO") == [{"algo_num": 2, "ns_list": [AT_ONE, AT_TWO]}]
    assert "DS03_LEGAL_HASH_ALGO" not in tags(entries)


def test_unassigned_flags_are_told_one_by_one():
    made = hashed()
    change(made.zone, "NSEC3", lambda nsec3: nsec3.replace(flags=0b10000010), name=HASHED)
    entries = check(made.internet, "dnssec03")
    assert [a["int"] for a in arguments(entries, "DS03_UNASSIGNED_FLAG_USED")] == [0, 6]
    assert "DS03_NSEC3_OPT_OUT_DISABLED" in tags(entries)


@pytest.mark.parametrize("origin", ["test", "."])
def test_opt_out_is_usual_at_the_top(origin):
    internet = Internet()
    internet.zone("test", {"ns1.test": [ONE]})
    secure(internet, origin, nsec3="1 1 0 -")
    assert "DS03_NSEC3_OPT_OUT_ENABLED_TLD" in tags(check(internet, "dnssec03", domain=origin))


@pytest.mark.parametrize(
    ("parameters", "tag"),
    [
        ("1 0 1 -", "DS03_INCONSISTENT_ITERATION"),
        ("1 1 0 -", "DS03_INCONSISTENT_NSEC3_FLAGS"),
        ("1 0 0 ab", "DS03_INCONSISTENT_SALT_LENGTH"),
    ],
)
def test_servers_may_disagree_on_parameters(parameters, tag):
    made = hashed()
    sign(made.two(), [KEY], nsec3=parameters)
    assert {found for found in tags(check(made.internet, "dnssec03")) if "INCONSISTENT" in found} == {tag}


def test_servers_may_disagree_on_the_hash():
    made = hashed()
    change(made.two(), "NSEC3", lambda nsec3: nsec3.replace(algorithm=2), name=HASHED)
    entries = check(made.internet, "dnssec03")
    assert tags(entries) >= {"DS03_INCONSISTENT_HASH_ALGO"}
    assert arguments(entries, "DS03_ILLEGAL_HASH_ALGO")[0]["ns_list"] == [AT_TWO]


@pytest.mark.parametrize(("case", "tag"), [("dnssec03", "DS03_NO_DNSSEC_SUPPORT"), ("dnssec10", "DS10_ZONE_NO_DNSSEC")])
def test_an_unsigned_zone_is_told(case, tag):
    entries = check(stage(), case)
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns_list": [AT_ONE, AT_TWO]}]


@pytest.mark.parametrize(
    ("case", "tag"), [("dnssec03", "DS03_SERVER_NO_DNSSEC_SUPPORT"), ("dnssec10", "DS10_SERVER_NO_DNSSEC")]
)
def test_one_unsigned_server_is_told(case, tag):
    made = hashed()
    unsign(made.two())
    assert arguments(check(made.internet, case), tag) == [{"ns_list": [AT_TWO]}]


@pytest.mark.parametrize("behaviour", [silent, no_aa, says(dns.rcode.REFUSED)])
def test_servers_without_usable_keys_are_left_out(behaviour):
    internet = spoilt(behaviour, "DNSKEY", nsec3="1 0 0 -")
    assert tags(check(internet, "dnssec03")) == LEGAL
    assert arguments(check(internet, "dnssec10"), "DS10_HAS_NSEC3") == [{"ns_list": [AT_ONE]}]


@pytest.mark.parametrize(
    ("behaviour", "tag"),
    [
        (silent, "DS03_NO_RESPONSE_NSEC_QUERY"),
        (no_aa, "DS03_ERROR_RESPONSE_NSEC_QUERY"),
        (says(dns.rcode.SERVFAIL), "DS03_ERROR_RESPONSE_NSEC_QUERY"),
    ],
)
def test_no_usable_answer_to_nsec_is_told(behaviour, tag):
    entries = check(spoilt(behaviour, "NSEC", nsec3="1 0 0 -"), "dnssec03")
    assert tags(entries) == LEGAL | {tag}
    assert arguments(entries, tag) == [{"ns_list": [AT_TWO]}]


def test_a_zone_without_nsec3_is_told():
    entries = check(signed().internet, "dnssec03")
    assert arguments(entries, "DS03_NO_NSEC3") == [{"ns_list": [AT_ONE, AT_TWO]}]
    assert tags(entries) == {"DS03_NO_NSEC3"}


def test_one_server_without_nsec3_is_told():
    made = hashed()
    sign(made.two(), [KEY])
    entries = check(made.internet, "dnssec03")
    assert arguments(entries, "DS03_SERVER_NO_NSEC3") == [{"ns_list": [AT_TWO]}]
    assert tags(entries) == LEGAL | {"DS03_SERVER_NO_NSEC3"}


def double(rdtype):
    """Twice the records of a type in the authority section, the second under another name."""

    def edit(reply):
        for rrset in [each for each in reply.authority if each.rdtype == dns.rdatatype.from_text(rdtype)]:
            other = dns.name.Name((b"0" * 32, *rrset.name.labels[1:]))
            reply.authority.append(dns.rrset.from_rdata_list(other, rrset.ttl, list(rrset)))

    return edited(edit)


def test_several_nsec3_are_told():
    entries = check(spoilt(double("NSEC3"), "NSEC", nsec3="1 0 0 -"), "dnssec03")
    assert tags(entries) == LEGAL | {"DS03_ERR_MULT_NSEC3"}
    assert arguments(entries, "DS03_ERR_MULT_NSEC3") == [{"ns_list": [AT_TWO]}]


# --- DNSSEC10


@pytest.mark.parametrize(
    ("parameters", "tag"), [(None, "DS10_HAS_NSEC"), ("1 0 0 -", "DS10_HAS_NSEC3"), ("1 1 5 abcd", "DS10_HAS_NSEC3")]
)
def test_proper_denial_is_well(parameters, tag):
    entries = check(signed(nsec3=parameters).internet, "dnssec10")
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns_list": [AT_ONE, AT_TWO]}]


def two(entries, tag, **more):
    """The tag is there, once, for the second server alone."""
    assert arguments(entries, tag) == [{**more, "ns_list": [AT_TWO]}]


USELESS = [silent, no_aa, says(dns.rcode.SERVFAIL)]


@pytest.mark.parametrize("behaviour", USELESS)
@pytest.mark.parametrize(
    ("nsec3", "rdtype", "tag", "shape"),
    [
        (None, "NSEC", "DS10_NSEC_QUERY_RESPONSE_ERR", "DS10_INCONSISTENT_NSEC"),
        (None, "NSEC3PARAM", "DS10_NSEC3PARAM_QUERY_RESPONSE_ERR", "DS10_INCONSISTENT_NSEC"),
        ("1 0 0 -", "NSEC", "DS10_NSEC_QUERY_RESPONSE_ERR", "DS10_INCONSISTENT_NSEC3"),
        ("1 0 0 -", "NSEC3PARAM", "DS10_NSEC3PARAM_QUERY_RESPONSE_ERR", "DS10_INCONSISTENT_NSEC3"),
    ],
)
def test_no_usable_answer_is_told(behaviour, nsec3, rdtype, tag, shape):
    entries = check(spoilt(behaviour, rdtype, nsec3=nsec3), "dnssec10")
    two(entries, tag)
    two(entries, shape)
    assert tags(entries) == {tag, shape, "DS10_HAS_NSEC" if nsec3 is None else "DS10_HAS_NSEC3"}


NSEC_RECORD = f"60 IN NSEC {ZONE}. SOA NS DNSKEY NSEC RRSIG"


@pytest.mark.parametrize(
    ("nsec3", "rdtype", "answer", "expected"),
    [
        (None, "NSEC", [f"{ZONE} 60 IN A {ONE}"], {"DS10_NSEC_GIVES_ERR_ANSWER", "DS10_INCONSISTENT_NSEC"}),
        (None, "NSEC", [f"x.{ZONE} {NSEC_RECORD}"], {"DS10_NSEC_MISMATCHES_APEX"}),
        (None, "NSEC", [f"{ZONE} {NSEC_RECORD}", f"{ZONE} {NSEC_RECORD} A"], {"DS10_ERR_MULT_NSEC"}),
        (
            "1 0 0 -",
            "NSEC3PARAM",
            [f"{ZONE} 60 IN A {ONE}"],
            {"DS10_NSEC3PARAM_GIVES_ERR_ANSWER", "DS10_INCONSISTENT_NSEC3"},
        ),
        ("1 0 0 -", "NSEC3PARAM", [f"x.{ZONE} 60 IN NSEC3PARAM 1 0 0 -"], {"DS10_NSEC3PARAM_MISMATCHES_APEX"}),
        (
            "1 0 0 -",
            "NSEC3PARAM",
            [f"{ZONE} 60 IN NSEC3PARAM 1 0 0 -", f"{ZONE} 60 IN NSEC3PARAM 1 0 1 -"],
            {"DS10_ERR_MULT_NSEC3PARAM"},
        ),
    ],
)
def test_a_wrong_answer_is_told(nsec3, rdtype, answer, expected):
    entries = check(spoilt(answers_with(*answer), rdtype, nsec3=nsec3), "dnssec10")
    assert tags(entries) == expected | {"DS10_HAS_NSEC" if nsec3 is None else "DS10_HAS_NSEC3"}
    for tag in expected:
        two(entries, tag)


def without_soa(reply):
    reply.authority = [rrset for rrset in reply.authority if rrset.rdtype != dns.rdatatype.SOA]


def with_foreign_soa(reply):
    without_soa(reply)
    reply.authority.append(dns.rrset.from_text("example.", 60, "IN", "SOA", "a. b. 1 2 3 4 5"))


@pytest.mark.parametrize(("nsec3", "rdtype", "kind"), [(None, "NSEC3PARAM", "NSEC"), ("1 0 0 -", "NSEC", "NSEC3")])
@pytest.mark.parametrize(
    ("edit", "what", "more"),
    [(without_soa, "MISSING_SOA", {}), (with_foreign_soa, "WRONG_SOA", {"domain": "example"})],
)
def test_a_denial_without_the_zone_s_soa_is_told(nsec3, rdtype, kind, edit, what, more):
    entries = check(spoilt(edited(edit), rdtype, nsec3=nsec3), "dnssec10")
    tags_of = {
        ("NSEC", "MISSING_SOA"): "DS10_NSEC_NODATA_MISSING_SOA",
        ("NSEC", "WRONG_SOA"): "DS10_NSEC_NODATA_WRONG_SOA",
        ("NSEC3", "MISSING_SOA"): "DS10_NSEC3_NODATA_MISSING_SOA",
        ("NSEC3", "WRONG_SOA"): "DS10_NSEC3_NODATA_WRONG_SOA",
    }
    two(entries, tags_of[kind, what], **more)
    assert tags(entries) == {tags_of[kind, what], f"DS10_HAS_{kind}"}


@pytest.mark.parametrize(
    ("nsec3", "rdtype", "kind", "tag"),
    [
        (None, "NSEC3PARAM", "NSEC", "DS10_ERR_MULT_NSEC"),
        ("1 0 0 -", "NSEC", "NSEC3", "DS10_ERR_MULT_NSEC3"),
    ],
)
def test_several_denying_records_are_told(nsec3, rdtype, kind, tag):
    entries = check(spoilt(double(kind), rdtype, nsec3=nsec3), "dnssec10")
    two(entries, tag)
    assert tags(entries) == {tag, f"DS10_{kind}_MISSING_SIGNATURE", f"DS10_HAS_{kind}"}


def renamed(kind):
    """The denying record, and its signature, under another name."""

    def edit(reply):
        found = (dns.rdatatype.from_text(kind), dns.rdatatype.RRSIG)
        for rrset in [r for r in reply.authority if r.rdtype in found and r.covers != dns.rdatatype.SOA]:
            rrset.name = dns.name.Name((b"0" * 32, *APEX.labels))

    return edited(edit)


@pytest.mark.parametrize(
    ("nsec3", "rdtype", "kind", "tag"),
    [
        (None, "NSEC3PARAM", "NSEC", "DS10_NSEC_MISMATCHES_APEX"),
        ("1 0 0 -", "NSEC", "NSEC3", "DS10_NSEC3_MISMATCHES_APEX"),
    ],
)
def test_a_denying_record_of_another_name_is_told(nsec3, rdtype, kind, tag):
    entries = check(spoilt(renamed(kind), rdtype, nsec3=nsec3), "dnssec10")
    two(entries, tag)
    assert f"DS10_HAS_{kind}" in tags(entries)


def set_types(zone, kind, types):
    """Give the denying record of the apex this list of types, signed."""
    name = APEX if kind == "NSEC" else HASHED

    def edit(rdata):
        text = rdata.to_text()
        fields = text.split()[: 1 if kind == "NSEC" else 5]
        return dns.rdata.from_text("IN", kind, " ".join([*fields, *types.split()]))

    change(zone, kind, edit, name=name)
    resign(zone, name, kind, [KEY])


@pytest.mark.parametrize(
    ("kind", "types", "good"),
    [
        ("NSEC", "SOA NS DNSKEY NSEC RRSIG", True),
        ("NSEC", "SOA NS DNSKEY NSEC RRSIG MX TXT TYPE65280", True),
        ("NSEC", "NS DNSKEY NSEC RRSIG", False),
        ("NSEC", "SOA DNSKEY NSEC RRSIG", False),
        ("NSEC", "SOA NS NSEC RRSIG", False),
        ("NSEC", "SOA NS DNSKEY RRSIG", False),
        ("NSEC", "SOA NS DNSKEY NSEC", False),
        ("NSEC", "SOA NS DNSKEY NSEC RRSIG NSEC3PARAM", False),
        ("NSEC", "SOA NS DNSKEY NSEC RRSIG NSEC3", False),
        ("NSEC3", "SOA NS DNSKEY NSEC3PARAM RRSIG", True),
        ("NSEC3", "NS DNSKEY NSEC3PARAM RRSIG", False),
        ("NSEC3", "SOA DNSKEY NSEC3PARAM RRSIG", False),
        ("NSEC3", "SOA NS NSEC3PARAM RRSIG", False),
        ("NSEC3", "SOA NS DNSKEY RRSIG", False),
        ("NSEC3", "SOA NS DNSKEY NSEC3PARAM", False),
        ("NSEC3", "SOA NS DNSKEY NSEC3PARAM RRSIG NSEC", False),
        ("NSEC3", "SOA NS DNSKEY NSEC3PARAM RRSIG NSEC3", False),
    ],
)
def test_the_list_of_types_is_judged(kind, types, good):
    made = signed(nsec3=None if kind == "NSEC" else "1 0 0 -")
    set_types(made.two(), kind, types)
    entries = check(made.internet, "dnssec10")
    bad = {"NSEC": "DS10_NSEC_ERR_TYPE_LIST", "NSEC3": "DS10_NSEC3_ERR_TYPE_LIST"}[kind]
    assert tags(entries) == {f"DS10_HAS_{kind}"} | (set() if good else {bad})


NSEC_TAGS = [
    (unsigned, {"DS10_NSEC_MISSING_SIGNATURE"}),
    (by_a_stranger, {"DS10_NSEC_RRSIG_NO_DNSKEY", "DS10_NSEC_NO_VERIFIED_SIGNATURE"}),
    (expired, {"DS10_NSEC_RRSIG_EXPIRED", "DS10_NSEC_NO_VERIFIED_SIGNATURE"}),
    (not_yet_valid, {"DS10_NSEC_RRSIG_NOT_YET_VALID", "DS10_NSEC_NO_VERIFIED_SIGNATURE"}),
    (wrong, {"DS10_NSEC_RRSIG_VERIFY_ERROR", "DS10_NSEC_NO_VERIFIED_SIGNATURE"}),
    (unverifiable, {"DS10_ALGO_NOT_SUPPORTED_BY_ZM"}),
]
NSEC3_TAGS = [
    (unsigned, {"DS10_NSEC3_MISSING_SIGNATURE"}),
    (by_a_stranger, {"DS10_NSEC3_RRSIG_NO_DNSKEY", "DS10_NSEC3_NO_VERIFIED_SIGNATURE"}),
    (expired, {"DS10_NSEC3_RRSIG_EXPIRED", "DS10_NSEC3_NO_VERIFIED_SIGNATURE"}),
    (not_yet_valid, {"DS10_NSEC3_RRSIG_NOT_YET_VALID", "DS10_NSEC3_NO_VERIFIED_SIGNATURE"}),
    (wrong, {"DS10_NSEC3_RRSIG_VERIFY_ERROR", "DS10_NSEC3_NO_VERIFIED_SIGNATURE"}),
    (unverifiable, {"DS10_ALGO_NOT_SUPPORTED_BY_ZM"}),
]


@pytest.mark.parametrize(
    ("kind", "spoil", "expected"),
    [("NSEC", *row) for row in NSEC_TAGS] + [("NSEC3", *row) for row in NSEC3_TAGS],
)
def test_what_is_wrong_with_the_signature_is_told(kind, spoil, expected):
    made = signed(nsec3=None if kind == "NSEC" else "1 0 0 -")
    spoil(made.two(), kind, APEX if kind == "NSEC" else HASHED)
    entries = check(made.internet, "dnssec10")
    assert tags(entries) == expected | {f"DS10_HAS_{kind}"}
    for tag in expected:
        (found,) = arguments(entries, tag)
        assert found.pop("ns_list", None) == [AT_TWO] or found.pop("ns_ip_list") == [TWO]
        assert found.get("keytag") in (None, STRANGER.tag if spoil is by_a_stranger else KEY.tag)
        if spoil is unverifiable:
            assert (found["algo_num"], found["algo_mnemo"]) == (UNVERIFIABLE, "ECC-GOST")


def test_one_good_signature_beside_a_bad_one_is_verification_enough():
    made = signed()
    resign(made.two(), APEX, "NSEC", [KEY, STRANGER])
    entries = check(made.internet, "dnssec10")
    assert tags(entries) == {"DS10_HAS_NSEC", "DS10_NSEC_RRSIG_NO_DNSKEY"}


def test_servers_may_disagree_on_nsec_and_nsec3():
    made = signed()
    sign(made.two(), [KEY], nsec3="1 0 0 -")
    entries = check(made.internet, "dnssec10")
    assert tags(entries) == {"DS10_INCONSISTENT_NSEC_NSEC3"}
    assert arguments(entries, "DS10_INCONSISTENT_NSEC_NSEC3") == [{"ns_list_nsec": [AT_ONE], "ns_list_nsec3": [AT_TWO]}]


def test_one_server_may_have_both():
    made = signed()
    zone = made.two()
    set_rdata(zone, "NSEC3PARAM", "1 0 0 -")
    resign(zone, APEX, "NSEC3PARAM", [KEY])
    entries = check(made.internet, "dnssec10")
    assert tags(entries) == {"DS10_MIXED_NSEC_NSEC3"}
    two(entries, "DS10_MIXED_NSEC_NSEC3")


def nothing(query, _reply):
    reply = empty(query)
    reply.flags |= dns.flags.AA
    return reply


def test_a_server_with_keys_and_no_denial_is_told():
    made = signed()
    made.internet.behave(TWO, to("NSEC", nothing, ZONE), to("NSEC3PARAM", nothing, ZONE))
    entries = check(made.internet, "dnssec10")
    assert tags(entries) == {"DS10_HAS_NSEC", "DS10_EXPECTED_NSEC_NSEC3_MISSING"}
    two(entries, "DS10_EXPECTED_NSEC_NSEC3_MISSING")


def test_a_hash_nobody_knows_is_left_to_dnssec03():
    made = hashed()
    change(made.zone, "NSEC3", lambda nsec3: nsec3.replace(algorithm=2), name=HASHED)
    resign(made.zone, HASHED, "NSEC3", [KEY])
    assert tags(check(made.internet, "dnssec10")) == {"DS10_HAS_NSEC3"}


def test_servers_that_only_the_parent_knows_are_asked():
    internet = stage({NS1: [ONE]}, delegation={NS2: [TWO]}, records="ns2 60 IN A 192.0.2.12")
    internet.serve(internet.zones[APEX], [TWO])
    assert arguments(check(internet, "dnssec10"), "DS10_ZONE_NO_DNSSEC") == [{"ns_list": [AT_ONE, AT_TWO]}]
