"""Monitoring counts TCP as it counts UDP."""

import pytest

from tests.conformance.lines import line
from tests.kit.launch_auth import AuthProcess


@line("TRN-17")
@pytest.mark.parametrize("tcp", [False, True])
def test_queries_over_either_transport_are_counted(default_process: AuthProcess, tcp: bool):
    counter = f"request.{'tcp' if tcp else 'udp'}"
    before = default_process.counters()[counter]
    default_process.subject.ask("www.plain.test.", tcp=tcp)
    assert default_process.counters()[counter] == before + 1
