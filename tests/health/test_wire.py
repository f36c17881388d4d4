"""Broken responses are read as far as they go."""

from __future__ import annotations

import struct

import dns.flags
import dns.message
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health.engine.errors import MalformedMessage
from health.engine.wire import parse


def response(*texts: str) -> bytes:
    message = dns.message.make_response(dns.message.make_query("child.example.", "SOA", use_edns=True))
    for text in texts:
        owner, rdtype, rdata = text.split(None, 2)
        rrset = dns.rrset.RRset(dns.name.from_text(owner), dns.rdataclass.IN, dns.rdatatype.from_text(rdtype))
        rrset.add(dns.rdata.from_text("IN", rdtype, rdata), 60)
        message.answer.append(rrset)
    return message.to_wire()


SOA = "child.example. SOA a. b. 1 2 3 4 5"


def test_it_keeps_records_that_are_there_twice():
    found = parse(response(SOA, SOA, "child.example. SOA a. b. 2 2 3 4 5")).answer
    assert len(found) == 3


def test_it_reads_edns():
    found = parse(response(SOA))
    assert found.edns == 0
    assert found.opt is not None
    assert found.additional == []


@pytest.mark.parametrize(
    ("rdtype", "octets"),
    [
        ("DS", bytes.fromhex("0001080000")),  # digest type 0
        ("DS", bytes.fromhex("000108020102")),  # a digest too short
        ("AAAA", b"\x01\x02\x03"),
        ("SOA", b"\x00"),
        ("MX", b""),
    ],
)
def test_what_does_not_fit_its_type_is_kept_raw(rdtype, octets):
    message = dns.message.make_response(dns.message.make_query("child.example.", rdtype))
    generic = dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.from_text(rdtype), octets)
    message.answer.append(dns.rrset.from_rdata("child.example.", 60, generic))
    (found,) = parse(message.to_wire()).answer
    assert isinstance(found[0], dns.rdata.GenericRdata)
    assert found[0].data == octets


def test_records_after_the_break_are_lost_and_the_response_is_truncated():
    octets = response(SOA, SOA)
    found = parse(octets[:-20])
    assert len(found.answer) >= 1
    assert found.flags & dns.flags.TC


@pytest.mark.parametrize("octets", [b"", b"\x00" * 11, struct.pack("!HHHHHH", 1, 0x8000, 1, 0, 0, 0) + b"\xc0"])
def test_without_header_and_question_there_is_no_message(octets):
    with pytest.raises(MalformedMessage):
        parse(octets)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_octets_are_a_message_or_malformed(data):
    octets = bytearray(response(SOA, "child.example. NS ns1.child.example.", 'child.example. TXT "x y"'))
    for _ in range(data.draw(st.integers(1, 8))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
    except MalformedMessage:
        pass
