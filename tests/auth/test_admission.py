"""Decisions on the header alone."""

from __future__ import annotations

import pytest

from auth.admission import Admission, admit
from tests.kit import dnspacket as packet


@pytest.mark.parametrize("length", range(12))
def test_less_than_a_header_is_dropped(length):
    assert admit(b"\0" * length) is Admission.DROP


@pytest.mark.parametrize("opcode", range(16))
def test_a_response_is_dropped_whatever_its_opcode(opcode):
    assert admit(packet.header(packet.QR | packet.opcode(opcode), qd=1)) is Admission.DROP


@pytest.mark.parametrize("opcode", range(16))
def test_only_known_opcodes_are_read(opcode):
    expected = Admission.READ if opcode in (0, 4, 5) else Admission.NOTIMP
    assert admit(packet.header(packet.opcode(opcode), qd=1)) is expected


@pytest.mark.parametrize("opcode", [0, 4, 5])
def test_several_questions_are_refused_unread(opcode):
    assert admit(packet.header(packet.opcode(opcode), qd=2)) is Admission.FORMERR


def test_no_question_is_read_for_the_sake_of_opt():
    assert admit(packet.header(qd=0)) is Admission.READ
