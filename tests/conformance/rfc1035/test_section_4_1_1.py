"""The header. tests.kit.dnsreply.demand_sound checks for each reply of this suite what every reply must keep."""

import itertools

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


@line("HDR-01", "HDR-04")
@pytest.mark.parametrize("ident", [0, 1, 0x7FFF, 0x8000, 0xFFFF])
@pytest.mark.parametrize("flags", [0, packet.RD])
def test_id_opcode_and_rd_are_copied_and_ra_is_not_set(subject: Subject, ident: int, flags: int):
    wire = subject.send(packet.query("www.plain.test.", flags=flags, ident=ident))
    assert wire is not None
    reply = Reply.read(wire)
    assert reply.ident == ident
    assert reply.flags == packet.QR | packet.AA | flags


@line("HDR-02", "HDR-19")
@pytest.mark.parametrize(
    "name", ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "elsewhere.invalid."]
)
def test_z_is_zero_whatever_it_was_in_the_query(subject: Subject, name: str):
    reply = subject.ask(name, flags=packet.Z)
    assert not reply.flags & packet.Z


@line("HDR-01", "HDR-02", "HDR-04")
def test_no_combination_of_flags_makes_a_wrong_header(subject: Subject):
    """All 256 combinations of the eight bits beside QR, opcode and the lower half of the response code."""
    bits = [packet.AA, packet.TC, packet.RD, packet.RA, packet.Z, packet.AD, packet.CD, 1]
    for chosen in itertools.product([0, 1], repeat=len(bits)):
        flags = sum(bit for bit, on in zip(bits, chosen, strict=True) if on)
        assert subject.ask("www.plain.test.", flags=flags).answer == ["www.plain.test. 3600 A 192.0.2.1"]


@line("HDR-05")
@pytest.mark.parametrize(
    "name", ["www.plain.test.", "nothing.plain.test.", "txtonly.plain.test.", "alias-outside.plain.test."]
)
def test_aa_is_set_for_names_of_our_zones(subject: Subject, name: str):
    assert subject.ask(name).aa


@line("HDR-05")
@pytest.mark.parametrize("name", ["www.sub.plain.test.", "away.plain.test.", "elsewhere.invalid."])
def test_aa_is_not_set_for_names_that_are_not_ours(subject: Subject, name: str):
    assert not subject.ask(name).aa


@line("HDR-06")
@pytest.mark.parametrize("opcode", [1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
def test_an_opcode_that_is_not_ours_is_not_implemented(subject: Subject, opcode: int):
    message = packet.query("www.plain.test.", flags=packet.opcode(opcode))
    wire = subject.send(message)
    assert wire is not None
    reply = Reply.read(wire)
    assert (reply.rcode, reply.opcode, reply.ident) == ("NOTIMP", opcode, int.from_bytes(message[:2]))
    assert not reply.answer
