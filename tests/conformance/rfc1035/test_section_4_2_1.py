"""UDP usage: 512 octets."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("EDN-09", "QRY-21")
@pytest.mark.parametrize(("octets", "fits"), [(400, True), (600, False), (2000, False), (60000, False)])
def test_without_opt_nothing_exceeds_512_octets(subject: Subject, octets: int, fits: bool):
    reply = subject.ask(f"t{octets}.big.test.", "TXT")
    assert len(reply.wire) <= 512
    assert reply.tc is not fits
    assert bool(reply.answer) is fits
