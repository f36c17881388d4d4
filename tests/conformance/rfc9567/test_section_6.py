"""To whom errors are to be reported: to nobody, for there is no option that names an agent."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

NAMES = ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "elsewhere.invalid."]
SENT = [[], [packet.option(packet.REPORT_CHANNEL)], [packet.option(packet.REPORT_CHANNEL, packet.name("agent.test."))]]


@line("ERP-01")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sent", SENT, ids=["unasked", "asked", "with an agent"])
@pytest.mark.parametrize("tcp", [False, True])
def test_no_agent_is_named(subject: Subject, name: str, sent: list[bytes], tcp: bool):
    reply = subject.ask(name, options=sent, edns=True, tcp=tcp)
    assert reply.opt is not None
    assert reply.opt.values(packet.REPORT_CHANNEL) == []


@line("ERP-01")
@pytest.mark.parametrize("name", ["www.empty.test.", "www.broken.test.", "www.closed.test."])
def test_no_agent_is_named_beside_an_error(managed: Subject, name: str):
    reply = managed.ask(name, edns=True)
    assert reply.errors()
    assert reply.opt is not None
    assert reply.opt.values(packet.REPORT_CHANNEL) == []
