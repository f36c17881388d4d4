"""Transparency: what is not understood is served as it is."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

MIXED = packet.raw_name(b"Target", b"types", b"test")


@line("QRY-28")
@pytest.mark.parametrize(
    ("name", "rdtype", "rdatas"),
    [
        ("opaque", 65280, {b"\x0a\0\0\x01", b"\x0a\0\0\x02"}),
        ("empty", 65280, {b""}),
        ("case", 65281, {b"\x04TEST\x04test"}),
    ],
)
def test_unknown_types_are_served_octet_by_octet(subject: Subject, name: str, rdtype: int, rdatas: set[bytes]):
    reply = subject.ask(f"{name}.types.test.", rdtype)
    assert {record.rdata for record in reply.records[0]} == rdatas
    assert len(reply.answer) == len(rdatas)


@line("QRY-28")
@pytest.mark.parametrize("rdtype", [0, 65282, 65534, 65535, 300, 128 + 100])
def test_a_type_nobody_knows_is_nodata_where_it_is_not_there(subject: Subject, rdtype: int):
    assert subject.ask("opaque.types.test.", rdtype).is_nodata("types.test.")


@line("QRY-29")
@pytest.mark.parametrize(
    ("name", "rdtype", "before", "after"),
    [
        ("srv", "SRV", "000100020003", ""),
        ("dname", "DNAME", "", ""),
        ("rp", "RP", "", MIXED.hex()),
        ("afsdb", "AFSDB", "0001", ""),
        ("rt", "RT", "0001", ""),
        ("kx", "KX", "0001", ""),
        ("px", "PX", "0001", MIXED.hex()),
        ("svcb", "SVCB", "0001", "00010003026832"),
        ("https", "HTTPS", "0001", "00010003026832"),
        ("naptr", "NAPTR", "000100020175" + "07" + b"E2U+sip".hex() + "0e" + b"!^.*$!sip:x@y!".hex(), ""),
    ],
)
def test_names_in_rdata_keep_their_case(subject: Subject, name: str, rdtype: str, before: str, after: str):
    record = subject.ask(f"{name}.types.test.", rdtype).records[0][0]
    assert record.rdata == bytes.fromhex(before) + MIXED + bytes.fromhex(after)


@line("QRY-29")
@pytest.mark.parametrize(
    ("name", "rdtype", "text"),
    [
        ("", "NS", "Ns1.types.test."),
        ("ptr", "PTR", "Target.types.test."),
        ("mx", "MX", "10 Target.types.test."),
        ("cname", "CNAME", "Target.types.test."),
        ("hinfo", "HINFO", '"CPU" "OS"'),
        ("loc", "LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m"),
        ("caa", "CAA", '0 issue "ca.example"'),
        ("sshfp", "SSHFP", "1 1 0123456789abcdef0123456789abcdef01234567"),
        ("tlsa", "TLSA", "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        ("uri", "URI", '10 1 "https://example/"'),
    ],
)
def test_rdata_of_known_types_is_kept(subject: Subject, name: str, rdtype: str, text: str):
    answer = subject.ask(f"{name}.types.test.".lstrip("."), rdtype).records[0]
    assert [record.text for record in answer] == [text]
