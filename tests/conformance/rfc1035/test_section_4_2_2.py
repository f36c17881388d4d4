"""TCP usage."""

import struct

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject, frame
from tests.kit.dnsreply import Reply


@line("TRN-12")
def test_connections_that_stall_hold_up_nobody(subject: Subject):
    with subject.connect() as silent, subject.connect() as half:
        half.write(b"\x00\x40\x12")
        assert subject.ask("www.plain.test.", tcp=True).rcode == "NOERROR"
        assert subject.ask("www.plain.test.").rcode == "NOERROR"
        assert silent.ask(packet.query("www.plain.test.")).rcode == "NOERROR"


@line("TRN-13")
def test_a_reply_of_nearly_64_kilobytes_comes_whole(subject: Subject):
    reply = subject.ask("t60000.big.test.", "TXT", tcp=True)
    assert len(reply.wire) > 60000
    assert len(reply.answer) == 300


@line("TRN-13")
@pytest.mark.parametrize("octets", [13, 512, 4096, 65535])
def test_a_query_of_any_length_is_read_whole(subject: Subject, octets: int):
    """Filled up by an EDNS option that nobody knows; too short for that, it is a header and an octet."""
    if octets < 64:
        message = packet.header(qd=1) + b"\x00"
    else:
        bare = packet.query("www.plain.test.", additional=[packet.opt(packet.option(65001))])
        padding = packet.option(65001, b"\0" * (octets - len(bare)))
        message = packet.query("www.plain.test.", additional=[packet.opt(padding)])
    assert len(message) == octets
    with subject.connect() as talk:
        talk.write(frame(message))
        wire = talk.read()
        assert wire is not None
        assert Reply.read(wire).rcode == ("FORMERR" if octets < 64 else "NOERROR")
        assert talk.ask(packet.query("www.plain.test.")).rcode == "NOERROR"


@line("TRN-13")
def test_the_length_counts_the_message_alone(subject: Subject):
    with subject.connect() as talk:
        talk.write(frame(packet.query("www.plain.test.")))
        (length,) = struct.unpack("!H", talk.sock.recv(2, 0x100))  # MSG_WAITALL
        assert len(Reply.read(talk.sock.recv(length, 0x100)).wire) == length


@line("TRN-14")
def test_the_connection_stays_open_for_the_client_to_close(subject: Subject):
    with subject.connect() as talk:
        assert talk.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
        assert not talk.is_closed(within=0.5)
        assert talk.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
