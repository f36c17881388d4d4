"""The TCP stream: pieces."""

import socket
import struct
import time

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject, frame
from tests.kit.dnsreply import Reply


@line("TRN-06")
def test_a_message_cut_anywhere_is_put_together(subject: Subject):
    message = frame(packet.query("www.plain.test."))
    with subject.connect() as talk:
        for place in range(1, len(message)):
            talk.write(message[:place])
            talk.write(message[place:])
            assert Reply.read(talk.read() or b"").answer == ["www.plain.test. 3600 A 192.0.2.1"]


@line("TRN-06")
def test_a_message_octet_by_octet_is_put_together(subject: Subject):
    with subject.connect() as talk:
        for octet in frame(packet.query("www.plain.test.")):
            talk.write(bytes([octet]))
            time.sleep(0.002)  # the point: each octet arrives alone
        assert Reply.read(talk.read() or b"").rcode == "NOERROR"


@line("TRN-06")
@pytest.mark.parametrize("step", [1, 3, 7, 20])
def test_two_messages_cut_at_odd_places_are_put_together(subject: Subject, step: int):
    stream = frame(packet.query("a.any.wild.test.")) + frame(packet.query("b.any.wild.test."))
    with subject.connect() as talk:
        for place in range(0, len(stream), step):
            talk.write(stream[place : place + step])
        owners = {Reply.read(talk.read() or b"").owners(0)[0][0] for _ in range(2)}
    assert owners == {"a.any.wild.test.", "b.any.wild.test."}


@line("TRN-07")
def test_length_and_message_arrive_in_one_segment(subject: Subject):
    """A socket returns what the first segment brought: length and message, not the length alone."""
    with subject.connect() as talk:
        for _ in range(20):
            talk.write(frame(packet.query("www.plain.test.")))
            piece = talk.sock.recv(65535)
            assert len(piece) == 2 + struct.unpack("!H", piece[:2])[0]


@line("TRN-07")
def test_answers_are_not_held_back_by_nagles_algorithm(subject: Subject):
    """Two answers in a row, while the client acknowledges late: at least the quickest round takes no 40 ms."""
    rounds = []
    with subject.connect() as talk:
        for _ in range(20):
            talk.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            began = time.monotonic()
            talk.write(frame(packet.query("www.plain.test.")))
            talk.write(frame(packet.query("multi.plain.test.")))
            assert talk.read()
            assert talk.read()
            rounds.append(time.monotonic() - began)
    assert min(rounds) < 0.04
