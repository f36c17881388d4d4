"""Each check has an example that it finds and one that it leaves alone."""

from __future__ import annotations

import dns.name
import pytest
from dns.rdatatype import RdataType

from datasrc.checks import check_zone
from datasrc.findings import ERRORS, Code, Finding, Place, Severity
from datasrc.records import RRset
from tests.datasrc.reading import ORIGIN, zone

SOA = "@ SOA ns h 1 7200 3600 1209600 300\n"
HEAD = "$TTL 60\n" + SOA + "@ NS ns\nns A 192.0.2.1\n"  # four lines


def signature(owner: str, covered: str, algorithm: int = 13) -> str:
    return f"{owner} RRSIG {covered} {algorithm} 2 60 20300101000000 20200101000000 1 @ AAAA\n"


SIGNED_SETS = [("@", "DNSKEY"), ("@", "NS"), ("@", "SOA"), ("@", "NSEC"), ("ns", "A")]
SIGNED = (
    HEAD + "@ DNSKEY 257 3 13 AAAA\n@ NSEC ns SOA\nx NS ns.x.net.\n"
    + "".join(signature(owner, covered) for owner, covered in SIGNED_SETS)
)  # fmt: skip  # twelve lines

ONE_FINDING = [
    # The apex.
    ("no-soa", "$TTL 60\n@ NS ns\nns A 192.0.2.1\n", None),
    ("several-soa", HEAD + "@ SOA ns h 2 7200 3600 1209600 300\n", 5),
    ("soa-not-at-apex", HEAD + "a SOA ns h 2 7200 3600 1209600 300\n", 5),
    ("no-apex-ns", "$TTL 60\n" + SOA + "ns A 192.0.2.1\n", 2),
    ("soa-rname", "$TTL 60\n@ SOA ns h@example.org. 1 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n", 2),
    ("soa-timers", HEAD.replace(" 7200 3600 ", " 7200 7201 "), 2),
    ("soa-timers", HEAD.replace(" 7200 3600 ", " 7200 0 "), 2),
    ("soa-timers", HEAD.replace("1209600", "10799"), 2),
    ("soa-timers", HEAD.replace(" 300\n", " 86401\n"), 2),
    # Aliases.
    ("cname-and-other-data", HEAD + "a CNAME ns\na A 192.0.2.2\n", 5),
    ("cname-and-other-data", HEAD + "a CNAME ns\na DNAME b.net.\n", 5),
    ("cname-and-other-data", HEAD + "@ CNAME x.net.\n", 5),
    ("several-cname", HEAD + "a CNAME ns\na CNAME x.net.\n", 6),
    ("several-dname", HEAD + "a DNAME x.net.\na DNAME y.net.\n", 6),
    ("dname-and-ns", HEAD + "a DNAME x.net.\na NS y.net.\n", 5),
    ("below-dname", HEAD + "a DNAME x.net.\nb.a A 192.0.2.2\n", 6),
    ("below-dname", HEAD + "a DNAME x.net.\nb.a A 192.0.2.2\nb.a TXT x\n", 6),
    ("below-dname", HEAD + "a DNAME x.net.\nb.a NS ns.b.a\n", 6),
    ("cname-loop", HEAD + "a CNAME a\n", 5),
    ("cname-loop", HEAD + "a CNAME b\nb CNAME c\nc CNAME a\n", 5),
    ("cname-loop", HEAD + "z CNAME a\na CNAME b\nb CNAME a\n", 6),
    # Delegations.
    ("missing-glue", HEAD + "a NS ns.a\n", 5),
    ("missing-glue", HEAD + "a NS ns.a\na NS x.net.\n* A 192.0.2.2\n", 5),
    ("missing-glue", HEAD + "a NS a\n", 5),
    ("missing-glue", HEAD + "a NS ns.b.a\na NS b.a\nb.a A 192.0.2.2\n", 5),
    ("occluded", HEAD + "a NS x.net.\nb.a TXT x\n", 6),
    ("occluded", HEAD + "a NS x.net.\nb.a A 192.0.2.2\n", 6),
    ("occluded", HEAD + "a NS x.net.\na MX 1 x.net.\n", 5),
    ("occluded", HEAD + "a NS x.net.\na A 192.0.2.2\n", 6),
    ("occluded", HEAD + "a NS x.net.\nb.a NS y.net.\n", 6),
    ("ds-without-ns", HEAD + "a DS 1 8 2 " + "00" * 32 + "\na A 192.0.2.2\n", 5),
    ("ds-without-ns", HEAD + "@ DS 1 8 2 " + "00" * 32 + "\n", 5),
    # Targets.
    ("target-without-address", HEAD + "@ NS ns2\n", 3),
    ("target-without-address", HEAD + "@ MX 1 mail\nmail TXT x\n", 5),
    ("target-without-address", HEAD + "@ MX 1 ns.example.org\n", 5),
    ("target-without-address", HEAD + "_x._tcp SRV 1 2 3 ent\na.ent A 192.0.2.2\n", 5),
    ("target-without-address", HEAD + "a NS ns.b\nc.b A 192.0.2.2\n*.b TXT x\n", 5),
    ("target-without-address", HEAD + "@ MX 1 x.b\nb A 192.0.2.2\n* A 192.0.2.3\n", 5),
    ("target-is-cname", HEAD + "@ NS alias\nalias CNAME x.net.\n", 3),
    ("target-is-cname", HEAD + "@ MX 1 alias\nalias CNAME x.net.\n", 5),
    ("target-is-cname", HEAD + "@ MX 1 any.w\n*.w CNAME x.net.\n", 5),
    ("target-below-dname", HEAD + "@ MX 1 m.d\nd DNAME x.net.\n", 5),
    ("target-is-address", HEAD + "@ MX 1 192.0.2.1\n", 5),
    ("target-is-address", HEAD + "a NS 192.0.2.1.\n", 5),
    # Where types have their place.
    ("wildcard-ns", HEAD + "*.w NS x.net.\n", 5),
    ("wildcard-dname", HEAD + "*.w DNAME x.net.\n", 5),
    ("not-at-apex", HEAD + "a DNSKEY 256 3 8 AAAA\n", 5),
    ("not-at-apex", HEAD + "a CDS 1 8 2 " + "00" * 32 + "\n", 5),
    ("not-at-apex", HEAD + "a NSEC3PARAM 1 0 0 -\n", 5),
    ("nsec3param-ignored", HEAD + "@ NSEC3PARAM 2 0 0 -\n", 5),
    ("nsec3-iterations", HEAD + "@ NSEC3PARAM 1 0 1 -\n", 5),
    ("nsec3-iterations", HEAD + "@ NSEC3PARAM 1 0 101 -\n", 5),
    ("nsec3param-ignored", HEAD + "@ NSEC3PARAM 1 1 0 -\n", 5),
    ("rrsig-without-set", HEAD + "a RRSIG A 8 3 60 20300101000000 20200101000000 1 example.org. AAAA\n", 5),
    ("rrset-without-signature", HEAD + "@ DNSKEY 256 3 13 AAAA\n", 5),
    ("rrset-without-signature", SIGNED + "@ DNSKEY 256 3 8 AAAA\n", 5),
    ("rrset-without-signature", SIGNED.replace("ns RRSIG A 13", "ns RRSIG A 8"), 4),
    ("rrset-without-signature", SIGNED + "a TXT x\na A 192.0.2.2\n" + signature("a", "TXT"), 14),
    ("rrset-without-signature", SIGNED + "a NS x.net.\na DS 1 8 2 " + "00" * 32 + "\n", 14),
    ("rrset-without-signature", SIGNED + "a NS x.net.\na NSEC @ NS\n", 14),
    ("rrset-without-signature", SIGNED + "*.a CNAME x.net.\n", 13),
    ("origin-repeated", HEAD + "www.example.org A 192.0.2.2\n", 5),
    (
        "rrset-too-large",
        HEAD + "".join(f'a TXT "{number:03}{"x" * 250}"\n' for number in range(260)),
        5,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "line"), ONE_FINDING)
def test_what_is_wrong_is_found_once_at_its_place(code, text, line):
    assert zone(text)[1] == [(code, line)]


SOUND = [
    HEAD,
    # CNAME beside what DNSSEC adds.
    HEAD + "a CNAME ns\na NSEC b CNAME NSEC\na RRSIG CNAME 8 3 60 20300101000000 20200101000000 1 example.org. AAAA\n",
    # A delegation with glue of all kinds; below it only addresses that are needed.
    HEAD + "a NS ns.a\na NS a\na NS ns.b\nns.a A 192.0.2.2\na AAAA ::1\nb NS ns.b\nns.b A 192.0.2.3\n",
    HEAD + "a NS x.net.\na DS 1 8 2 " + "00" * 32 + "\n",
    # What lies in another delegated part is not judged.
    HEAD + "a NS x.net.\n@ MX 1 mail.a\nb NS ns.a\n",
    # Targets elsewhere, "no service", and addresses by a wildcard.
    HEAD + "@ MX 0 .\n_x._tcp SRV 0 0 0 .\nb MX 1 mail.net.\n@ NS ns.net.\n",
    HEAD + "@ MX 1 any.w\n*.w A 192.0.2.2\n",
    # A DNAME at the apex hides all but the apex.
    "$TTL 60\n" + SOA + "@ NS ns.net.\n@ DNAME x.net.\n",
    # CNAME chains that end.
    HEAD + "a CNAME b\nb CNAME c\nc CNAME d\nd A 192.0.2.2\ne CNAME b\n",
    # An asterisk that is no wildcard.
    HEAD + "a.*.b NS x.net.\nx*.b DNAME x.net.\n",
    # Apex types at the apex, and CDS where a zone is signalled.
    HEAD + "@ DNSKEY 0 3 8 AAAA\n@ CDS 0 0 0 00\n@ NSEC3PARAM 1 0 0 -\n@ CSYNC 1 0 A\n",
    HEAD + "_dsboot.x.net._signal.ns CDS 1 8 2 " + "00" * 32 + "\n",
    HEAD + "@ NS 1.2.0.192.in-addr.arpa.\n@ MX 1 1.2.3.mail.net.\n",
    # Signed, but for what has no authority; with a key more that signs nothing of a zone, and with two algorithms.
    SIGNED,
    SIGNED + "a NS ns.a\nns.a A 192.0.2.2\na DS 1 8 2 " + "00" * 32 + "\n" + signature("a", "DS"),
    SIGNED + "@ DNSKEY 0 3 8 AAAA\n",
    SIGNED + "@ DNSKEY 385 3 8 AAAA\n" + signature("@", "DNSKEY", 8),  # revoked: it signs the keys alone
    SIGNED.replace("AAAA\n@ NS", "AAAA\n@ DNSKEY 256 3 8 AAAA\n@ NS")
    + "".join(signature(owner, covered, 8) for owner, covered in SIGNED_SETS),
    # Lookalikes of below and repeated.
    HEAD + "a NS x.net.\nba A 192.0.2.2\nzb.ba TXT x\n\\000.ba TXT x\n",
    HEAD + "org A 192.0.2.2\nexample A 192.0.2.2\n",
]


@pytest.mark.parametrize("text", SOUND)
def test_what_is_sound_is_left_alone(text):
    assert zone(text)[1] == []


def test_in_a_domain_of_one_label_names_may_repeat_it():
    text = "$TTL 60\n" + SOA + "@ NS ns\nns A 192.0.2.1\ncom NS x.net.\nwww.com A 192.0.2.1\n"
    assert zone(text, dns.name.from_text("com."))[1] == [("occluded", 6)]


def test_every_code_of_a_zone_check_has_an_example():
    shown = {code for code, _, _ in ONE_FINDING}
    codes = list(Code)
    of_zone = {
        *codes[codes.index(Code.NO_SOA) : codes.index(Code.SEVERAL_DNAME) + 1],
        *codes[codes.index(Code.MISSING_GLUE) : codes.index(Code.RRSET_TOO_LARGE) + 1],
    }
    assert {code.value for code in of_zone} == shown


def test_errors_are_what_design_and_conformance_call_so():
    of_text = (
        "syntax bad-name bad-ttl bad-rdata unknown-type meta-type class-mismatch no-owner no-ttl bad-directive "
        "bad-include bad-generate unreadable too-many-errors"
    )
    of_zone = "no-soa several-soa soa-not-at-apex no-apex-ns cname-and-other-data several-cname several-dname"
    assert {code.value for code in ERRORS} == {*of_text.split(), *of_zone.split()}


def found(*rrsets: RRset) -> list[Finding]:
    findings: list[Finding] = []
    check_zone(ORIGIN, rrsets, findings.append)
    return findings


def test_a_stored_zone_is_checked_by_its_sets_alone():
    soa = RRset(ORIGIN, RdataType.SOA, 60, (b"\x00\x00" + bytes(20),))
    ns = RRset(ORIGIN, RdataType.NS, 60, (b"\x02ns\x07example\x03org\x00",))
    findings = found(soa, ns)
    assert [(finding.code, finding.where) for finding in findings] == [
        (Code.SOA_TIMERS, "example.org. SOA"),
        (Code.TARGET_WITHOUT_ADDRESS, "example.org. NS"),
    ]
    assert str(findings[1]) == (
        "example.org. NS: warning: the target ns.example.org. has no address [target-without-address]"
    )


def test_an_empty_zone_lacks_soa_and_ns():
    assert [finding.code for finding in found()] == [Code.NO_SOA, Code.NO_APEX_NS]


def test_meta_types_and_malformed_data_in_a_stored_zone_are_found():
    findings = found(
        RRset(ORIGIN, RdataType.SOA, 60, (b"\x00",)),
        RRset(ORIGIN, RdataType.NS, 60, (b"\x02n",)),
        RRset(ORIGIN, RdataType.OPT, 60, (b"",)),
        RRset(ORIGIN, RdataType.NSEC3PARAM, 60, (b"\x01",)),
        RRset(ORIGIN, RdataType.MX, 60, (b"", b"\x00\x01\x3f")),
    )
    assert {finding.code for finding in findings} >= {Code.BAD_RDATA, Code.META_TYPE}


def test_a_finding_says_where_as_far_as_it_is_known():
    assert str(Finding(Code.NO_SOA, "text")) == "error: text [no-soa]"
    assert str(Finding(Code.OCCLUDED, "text", Place("f", 3), ORIGIN)) == "f:3: warning: text [occluded]"
    assert str(Finding(Code.OCCLUDED, "text", None, ORIGIN)) == "example.org.: warning: text [occluded]"
    assert Code.OCCLUDED.severity is Severity.WARNING
