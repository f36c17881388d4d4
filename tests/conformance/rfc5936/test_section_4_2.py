"""AXFR is not for UDP."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-30")
@pytest.mark.parametrize("name", ["plain.test.", "www.plain.test.", "elsewhere.invalid."])
@pytest.mark.parametrize("edns", [False, True])
def test_axfr_over_udp_gives_no_data(subject: Subject, name: str, edns: bool):
    reply = subject.ask(name, "AXFR", edns=edns)
    assert reply.rcode in {"FORMERR", "NOTIMP", "REFUSED", "NOTAUTH"}
    assert reply.counts[:3] == (1, 0, 0)
