"""Ordinary packets with something wrong at every place."""

import struct

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import LARGEST, Subject, frame
from tests.kit.dnsreply import Reply

OPTIONS = [packet.option(packet.NSID), packet.option(packet.COOKIE, bytes(8)), packet.option(packet.KEEPALIVE)]
SEEDS = [
    packet.query("www.plain.test.", additional=[packet.opt()]),
    packet.query("a.r3.dname.test.", "TXT", additional=[packet.opt(*OPTIONS, flags=packet.DO)]),
    packet.query("www.sub.plain.test.", additional=[packet.tsig("unknown.key.")]),
    packet.query("version.bind.", "TXT", rdclass=packet.CH),
    packet.query("plain.test.", "SOA", flags=packet.opcode(packet.UPDATE), additional=[packet.opt()]),
    packet.query("plain.test.", "SOA", flags=packet.opcode(packet.NOTIFY)),
]
IDS = ["query", "query with options", "signed", "chaos", "update", "notify"]


def assert_right_or_silent(message: bytes, wire: bytes | None) -> None:
    """A reply that can be read and belongs to the message; silence for what is no request."""
    is_request = len(message) >= packet.HEADER_LENGTH and not message[2] & 0x80
    assert (wire is not None) is is_request
    if wire is not None:
        reply = Reply.read(wire)
        assert reply.ident == int.from_bytes(message[:2])
        assert not reply.flags & (packet.RA | packet.Z | packet.AD | packet.CD)


@line("HDR-10", "HDR-03")
@pytest.mark.parametrize("seed", SEEDS, ids=IDS)
def test_every_flipped_bit_is_survived(subject: Subject, seed: bytes):
    """One packet for each bit; those that still are requests get a sound reply, the others none."""
    with subject.udp() as sock:
        for place in range(2, len(seed)):
            for bit in range(8):
                message = seed[:place] + bytes([seed[place] ^ 1 << bit]) + seed[place + 1 :]
                if message[2] & 0x80:
                    continue  # a response by now: other tests show that it gets no reply
                sock.send(message)
                assert_right_or_silent(message, sock.recv(LARGEST))


@line("HDR-10")
@pytest.mark.parametrize("seed", SEEDS, ids=IDS)
def test_every_beginning_of_a_message_is_survived(subject: Subject, seed: bytes):
    for length in range(len(seed)):
        assert_right_or_silent(seed[:length], subject.send(seed[:length]))


@line("HDR-10")
@pytest.mark.parametrize("seed", SEEDS, ids=IDS)
def test_every_octet_left_out_or_doubled_is_survived(subject: Subject, seed: bytes):
    with subject.udp() as sock:
        for place in range(packet.HEADER_LENGTH, len(seed)):
            for message in (seed[:place] + seed[place + 1 :], seed[:place] + seed[place : place + 1] + seed[place:]):
                sock.send(message)
                assert_right_or_silent(message, sock.recv(LARGEST))


@line("HDR-10", "TRN-13")
def test_a_query_full_of_records_is_refused_at_once(subject: Subject):
    """65535 octets of records that all point at one name (CVE-2023-4408): refused by its counts."""
    record = b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 0, 0)
    count = (65535 - len(packet.query("www.plain.test."))) // len(record)
    for where in ("an", "ns", "ar"):
        message = packet.header(qd=1, **{where: count}) + packet.question("www.plain.test.") + record * count
        with subject.connect() as talk:
            talk.write(frame(message))
            assert Reply.read(talk.read() or b"").rcode == "FORMERR"
            assert talk.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
