"""Every well-formed question gets some answer."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

EXPECTED = ["www.plain.test. 3600 A 192.0.2.1"]


@line("HDR-18")
@pytest.mark.parametrize("flags", [packet.TC, packet.AA, packet.RA, packet.TC | packet.AA | packet.RA, *range(1, 16)])
def test_flags_and_codes_of_responses_do_not_keep_a_query_from_being_answered(subject: Subject, flags: int):
    assert subject.ask("www.plain.test.", flags=flags).answer == EXPECTED
    assert subject.ask("www.plain.test.", flags=flags, tcp=True).answer == EXPECTED


@line("HDR-19")
@pytest.mark.parametrize("flags", [packet.Z, packet.Z | packet.AD | packet.CD])
def test_an_unknown_header_flag_is_ignored(subject: Subject, flags: int):
    assert subject.ask("www.plain.test.", flags=flags).answer == EXPECTED
    assert subject.ask("www.plain.test.", flags=flags, edns=True).answer == EXPECTED


@line("HDR-06")
@pytest.mark.parametrize("tcp", [False, True])
def test_an_unknown_opcode_is_not_implemented_on_either_transport(subject: Subject, tcp: bool):
    message = packet.header(packet.opcode(15))
    if tcp:
        with subject.connect() as talk:
            talk.write(len(message).to_bytes(2) + message)
            wire = talk.read()
    else:
        wire = subject.send(message)
    assert wire is not None
    assert wire[3] & 0xF == 4


@line("QRY-28", "HDR-18")
def test_every_type_is_answered(subject: Subject):
    """All 65536, at a name that has one record: NODATA, that record, or an error that says why; never silence."""
    with subject.udp() as sock:
        for rdtype in range(0, 65536, 97):  # every 97th, and all that mean something, are in the next test
            message = packet.query("txtonly.plain.test.", rdtype)
            sock.send(message)
            wire = sock.recv(65535)
            assert wire[:2] == message[:2]


@line("QRY-28", "QRY-31")
def test_every_assigned_type_is_answered(subject: Subject):
    for rdtype in [*range(132), *range(245, 300), *range(32766, 32772), 65279, 65280, 65534, 65535]:
        message = packet.query("txtonly.plain.test.", rdtype)
        wire = subject.send(message)
        assert wire is not None
        assert wire[3] & 0xF in {0, 1, 4, 5}
