"""RDATA: canonical form, packing."""

from __future__ import annotations

import dns.exception
import dns.rdata
import dns.rdataclass
import pytest
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.SOA import SOA
from hypothesis import given
from hypothesis import strategies as st

from datasrc.rdata import canonical, count, normal_form, pack, soa_data, soa_serial, type_fault, unpack
from tests.datasrc.zonemaking import wire

SAMPLES = [
    ("NS", "Ns.Example."),
    ("CNAME", "Ns.Example."),
    ("SOA", "Ns.Example. HostMaster.Example. 1 2 3 4 5"),
    ("PTR", "Ns.Example."),
    ("MX", "10 Ns.Example."),
    ("RP", "Ns.Example. Txt.Example."),
    ("AFSDB", "1 Ns.Example."),
    ("RT", "1 Ns.Example."),
    ("PX", "1 Ns.Example. X.Example."),
    ("KX", "1 Ns.Example."),
    ("SRV", "1 2 3 Ns.Example."),
    ("DNAME", "Ns.Example."),
    ("NAPTR", '1 2 "S" "SIP+D2U" "!^.*$!sip:Info@Example.Com!" Ns.Example.'),
    ("RRSIG", "A 13 2 3600 20300101000000 20200101000000 1 Example. AAAA"),
    ("TXT", '"Ns.Example."'),
    ("NSEC", "Ns.Example. A NS"),
    ("CAA", '0 issue "Ca.Example"'),
    ("HTTPS", "1 Svc.Example. alpn=h2"),
    ("HINFO", "PC Unix"),
]


@pytest.mark.parametrize(("kind", "text"), SAMPLES)
def test_the_canonical_form_is_that_of_dnspython(kind: str, text: str) -> None:
    rdata = dns.rdata.from_text("IN", kind, text, relativize=False)
    number = RdataType.from_text(kind)
    assert canonical(number, wire(kind, text)) == rdata.to_digestable()


@given(rdtype=st.integers(1, 65535), rdata=st.binary(max_size=60))
def test_no_octets_make_the_canonical_form_fail(rdtype: int, rdata: bytes) -> None:
    form = canonical(rdtype, rdata)
    assert form.lower() == rdata.lower()
    assert canonical(rdtype, form) == form
    soa_serial(rdata)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_packed_rdata_is_unpacked_as_it_was(rdatas: list[bytes]) -> None:
    blob = pack(rdatas)
    assert unpack(blob) == tuple(rdatas)
    assert count(blob) == len(rdatas)


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=4), st.data())
def test_a_blob_that_was_cut_is_never_taken_for_another_set(rdatas: list[bytes], data: st.DataObject) -> None:
    blob = pack(rdatas)
    end = data.draw(st.integers(0, len(blob) - 1))
    starts = {len(pack(rdatas[:number])) for number in range(1, len(rdatas))}
    if end in starts:
        assert len(unpack(blob[:end])) < len(rdatas)
    else:
        with pytest.raises(ValueError, match="RDATA"):
            unpack(blob[:end])


def test_of_equal_records_the_first_stays() -> None:
    first, second = wire("NS", "Ns.Example."), wire("NS", "ns.example.")
    assert normal_form(2, (first, second)) == (first,)
    assert normal_form(2, (second, first)) == (second,)
    assert normal_form(16, (b"\x01B", b"\x01a", b"\x01B")) == (b"\x01B", b"\x01a")


@pytest.mark.parametrize("rdtype", [0, 41, 128, 249, 250, 251, 252, 253, 254, 255, 65536, -1])
def test_meta_types_are_never_stored(rdtype: int) -> None:
    assert type_fault(rdtype, 0)


@pytest.mark.parametrize("rdtype", [1, 40, 42, 127, 256, 65280, 65535])
def test_other_types_are(rdtype: int) -> None:
    assert not type_fault(rdtype, 0)


LABEL = b"\x3f" + b"x" * 63
NUMBERS = bytes(range(20))


@pytest.mark.parametrize(
    "rdata",
    [
        b"\x00\x00" + NUMBERS,
        b"\x02ns\x00\x01h\x07example\x00" + NUMBERS,
        b"\x02ns\x00\x09h@example\x03org\x00" + b"\xff" * 20,
        LABEL * 3 + b"\x3d" + b"y" * 61 + b"\x00\x00" + NUMBERS,
        LABEL * 3 + b"\x3e" + b"y" * 62 + b"\x00\x00" + NUMBERS,  # 256 octets
        b"\x00" + LABEL * 3 + b"\x3e" + b"y" * 62 + b"\x00" + NUMBERS,
        b"\x02ns\x00\x01h\x00" + NUMBERS[1:],
        b"\x02ns\x00\x01h\x00" + NUMBERS + b"z",
        b"\x40" + b"x" * 64 + b"\x00\x00" + NUMBERS,
        b"\x02ns\x00",
        b"\x05ns",
        b"",
    ],
)
def test_an_soa_says_what_dnspython_reads(rdata: bytes) -> None:
    try:
        soa = dns.rdata.from_wire(dns.rdataclass.IN, RdataType.SOA, rdata, 0, len(rdata))
    except dns.exception.DNSException:
        assert soa_data(rdata) is None
        return
    assert isinstance(soa, SOA)
    found = soa_data(rdata)
    assert found == (soa.rname.labels[0], soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum)
