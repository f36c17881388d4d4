"""Transport selection."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("TRN-01")
@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("family", [0, 1])
def test_both_transports_are_served_at_every_address(subject: Subject, tcp: bool, family: int):
    reply = subject.at(subject.addresses[family % len(subject.addresses)]).ask("www.plain.test.", tcp=tcp)
    assert reply.answer == ["www.plain.test. 3600 A 192.0.2.1"]


@line("TRN-02")
def test_each_connection_gets_its_own_answers(subject: Subject):
    with subject.connect() as first, subject.connect() as second:
        for talk, name in ((first, "a.any.wild.test."), (second, "b.any.wild.test."), (first, "c.any.wild.test.")):
            assert talk.ask(packet.query(name)).owners(0) == [(name, "A")]


@line("TRN-02", "TRN-01")
@pytest.mark.parametrize(
    "name", ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "alias-outside.plain.test."]
)
def test_udp_and_tcp_answer_alike(subject: Subject, name: str):
    assert subject.ask(name).wire[2:] == subject.ask(name, tcp=True).wire[2:]
