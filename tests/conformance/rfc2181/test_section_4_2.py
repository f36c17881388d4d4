"""The response goes to the port that asked."""

import socket

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import DEADLINE, Subject


@line("QRY-33")
def test_each_of_many_ports_gets_its_own_answer(subject: Subject):
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
    messages = [packet.query(f"x{number}.any.wild.test.") for number in range(20)]
    target = (subject.addresses[0], subject.port)
    try:
        for sock, message in zip(socks, messages, strict=True):
            sock.settimeout(DEADLINE)
            sock.sendto(message, target)
        for sock, message in zip(socks, messages, strict=True):
            wire, source = sock.recvfrom(65535)
            assert source == target
            assert wire[:2] + wire[12 : len(message)] == message[:2] + message[12:]
    finally:
        for sock in socks:
            sock.close()
