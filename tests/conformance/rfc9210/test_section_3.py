"""TCP is not second class."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("TRN-03")
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "elsewhere.invalid."])
def test_a_small_question_is_answered_over_tcp_though_udp_would_do(subject: Subject, name: str):
    """From an address that has not asked over UDP before."""
    with subject.at("127.0.0.1").connect(source="127.8.7.6") as talk:
        assert talk.ask(packet.query(name)).rcode in {"NOERROR", "NXDOMAIN", "REFUSED"}
