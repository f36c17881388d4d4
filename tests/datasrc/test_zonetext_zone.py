from __future__ import annotations

import gc
import io

import dns.name
import pytest
from dns.rdatatype import RdataType

from datasrc.findings import MAX_KEPT_PER_CODE, Code, Finding
from datasrc.zonetext_zone import PROGRESS_EVERY, read_zone
from tests.datasrc.reading import ORIGIN, zone

HEAD = "$TTL 60\n@ SOA ns h 7 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"


def sets(text: str) -> list[tuple[str, int, int, int]]:
    """Owner, type, TTL and number of records of each set."""
    gathered, _ = zone(text)
    return [
        (str(rrset.name.relativize(ORIGIN)), rrset.rdtype, rrset.ttl, len(rrset.rdatas)) for rrset in gathered.rrsets()
    ]


def test_records_become_sets_in_canonical_order_the_soa_first():
    text = HEAD + "b.a A 192.0.2.2\n*.a A 192.0.2.3\na A 192.0.2.4\nB.A AAAA ::1\n@ A 192.0.2.5\n\\000.a A 192.0.2.6\n"
    assert [(name, rdtype) for name, rdtype, _, _ in sets(text)] == [
        ("@", RdataType.SOA), ("@", RdataType.A), ("@", RdataType.NS), ("a", RdataType.A), ("\\000.a", RdataType.A),
        ("*.a", RdataType.A), ("b.a", RdataType.A), ("B.A", RdataType.AAAA), ("ns", RdataType.A),
    ]  # fmt: skip


def test_serial_and_number_of_records_are_known():
    gathered, codes = zone(HEAD)
    assert (gathered.serial, gathered.records, codes) == (7, 3, [])
    assert zone("$TTL 60\n@ NS ns")[0].serial is None


def test_records_outside_of_the_zone_are_skipped_with_a_warning_zon_02():
    gathered, codes = zone(HEAD + "x. A 192.0.2.2\nxexample.org. A 192.0.2.2\norg. A 192.0.2.2\na A 192.0.2.2\n")
    assert codes == [("out-of-zone", 5), ("out-of-zone", 6), ("out-of-zone", 7)]
    assert gathered.records == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A 192.0.2.9", "A 192.0.2.9"),
        ("TXT a b", 'TXT "a" "b"'),
        ("NS x.net.", "NS X.NET."),
        ("MX 1 x.net.", "TYPE15 \\# 9 0001 0158 034e4554 00"),
    ],
)
def test_duplicates_are_merged_with_a_warning_zon_04(one, other):
    gathered, codes = zone(HEAD + f"d {one}\nd {other}\n")
    assert codes == [("duplicate", 6)]
    assert gathered.records == 4


def test_of_many_records_a_duplicate_is_found_too():
    text = HEAD + "".join(f"m A 192.0.2.{number}\n" for number in range(40)) + "m A 192.0.2.3\nm A 192.0.2.39\n"
    gathered, codes = zone(text)
    assert (gathered.records, codes) == (43, [("duplicate", 45), ("duplicate", 46)])


def test_names_that_differ_in_case_where_case_counts_are_no_duplicates():
    assert zone(HEAD + "d TXT a\nd TXT A\n")[1] == []


def test_different_ttls_of_a_set_become_the_lowest_with_a_warning_zon_05():
    text = HEAD + "t 90 A 192.0.2.2\nt 30 A 192.0.2.3\nt 120 A 192.0.2.4\n"
    assert zone(text)[1] == [("ttl-differs", 6), ("ttl-differs", 7)]
    assert ("t", 1, 30, 3) in sets(text)


def test_signatures_of_different_types_are_sets_of_their_own():
    signature = "RRSIG {} 8 3 60 20300101000000 20200101000000 1 example.org. AAAA"
    text = HEAD + f"s 60 A 192.0.2.2\ns 60 AAAA ::1\ns 60 {signature.format('A')}\ns 90 {signature.format('AAAA')}\n"
    gathered, codes = zone(text)
    assert codes == []
    assert [(rrset.covers, rrset.ttl) for rrset in gathered.rrsets() if rrset.rdtype == RdataType.RRSIG] == [
        (1, 60),
        (28, 90),
    ]


def test_the_case_of_an_owner_is_that_of_its_first_record_zon_17():
    gathered, _ = zone(HEAD + "Www A 192.0.2.2\nwWw A 192.0.2.3\nwWw TXT x\n")
    assert [str(rrset.name) for rrset in gathered.rrsets()][-2:] == ["Www.example.org.", "wWw.example.org."]


def test_a_set_has_the_place_of_its_first_record():
    gathered, _ = zone(HEAD + "a A 192.0.2.2\nb A 192.0.2.2\na A 192.0.2.3\n")
    assert [str(gathered.place(rrset)) for rrset in gathered.rrsets()] == ["z:2", "z:3", "z:5", "z:6", "z:4"]


def test_a_text_with_errors_is_not_checked_for_what_it_lacks():
    assert zone("$TTL 60\n@ SOA x\n@ NS ns\n")[1] == [("bad-rdata", 2)]


def test_findings_are_reported_as_they_come_and_kept_up_to_a_limit():
    heard: list[Finding] = []
    text = HEAD + "".join(f"x{number}. A 192.0.2.2\n" for number in range(1000))
    _, findings = read_zone(io.BytesIO(text.encode()), "z", ORIGIN, report=heard.append)
    assert heard == findings.kept
    assert len(heard) == MAX_KEPT_PER_CODE
    assert (findings.errors, findings.warnings) == (0, 1000)
    assert findings.left_out == {Code.OUT_OF_ZONE: 1000 - MAX_KEPT_PER_CODE}


def test_progress_tells_records_and_octets():
    heard: list[tuple[int, int]] = []
    text = (HEAD + "$GENERATE 1-25000 h$ A 192.0.2.1\n").encode()
    read_zone(io.BytesIO(text), "z", ORIGIN, progress=lambda records, octets: heard.append((records, octets)))
    assert heard == [(PROGRESS_EVERY, len(text)), (2 * PROGRESS_EVERY, len(text))]


def test_the_root_zone_can_be_read():
    text = "$TTL 60\n. SOA ns.a. h.a. 1 7200 3600 1209600 300\n. NS ns.a.\na. NS ns.a.\nns.a. A 192.0.2.1\n"
    gathered, codes = zone(text, dns.name.root)
    assert (codes, gathered.records) == ([], 4)


@pytest.mark.parametrize("extra", ["www A 192.0.2.1", "mail MX 10 nowhere", "www A 192.0.2.300"])
def test_what_was_read_is_freed_as_soon_as_nobody_has_it(extra: str) -> None:
    """Each zone was circular garbage of a hundred blocks of memory, for a collector that comes late or never."""
    text = f"$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n{extra}\n".encode()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            read_zone(io.BytesIO(text), "example.zone", ORIGIN)
        garbage = gc.collect()
    finally:
        gc.enable()
    assert garbage < 20
