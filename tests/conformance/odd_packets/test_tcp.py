"""Odd packets over TCP: what comes of them, and of a good query after them on the same connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conformance.lines import line
from tests.conformance.odd_packets.rows import NAME
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Conversation, Subject, frame
from tests.kit.dnsreply import Reply


@dataclass(frozen=True)
class TcpRow:
    """One odd thing to do over TCP."""

    ident: str
    sent: str
    answered: str
    act: Callable[[Conversation], None]

    def __str__(self) -> str:
        return f"{self.ident} {self.sent}"


def row(ident: str, sent: str, answered: str, act: Callable[[Conversation], None]) -> TcpRow:
    """One row; the first three arguments are read from the source by tests.conformance.lines."""
    return TcpRow(ident, sent, answered, act)


def closed_after(stream: bytes) -> Callable[[Conversation], None]:
    """The connection is closed and nothing is answered."""

    def act(talk: Conversation) -> None:
        talk.write(stream)
        assert talk.is_closed()

    return act


def answered_with(message: bytes, rcode: str) -> Callable[[Conversation], None]:
    """One reply, and the connection goes on."""

    def act(talk: Conversation) -> None:
        talk.write(frame(message))
        reply = Reply.read(talk.read() or b"")
        assert reply.rcode == rcode
        assert not reply.answer
        assert talk.ask(packet.query(NAME)).rcode == "NOERROR"

    return act


def fifty_at_once(talk: Conversation) -> None:
    """All are answered."""
    messages = [packet.query(NAME) for _ in range(50)]
    talk.write(b"".join(map(frame, messages)))
    assert {(talk.read() or b"")[:2] for _ in messages} == {message[:2] for message in messages}


def dribbled(talk: Conversation) -> None:
    """An octet each 10 ms."""
    for octet in frame(packet.query(NAME)):
        talk.write(bytes([octet]))
        time.sleep(0.01)  # the row is about slowness
    assert Reply.read(talk.read() or b"").rcode == "NOERROR"


def half_closed(talk: Conversation) -> None:
    """The client says that it will send no more."""
    talk.write(frame(packet.query(NAME)))
    talk.finish()
    assert Reply.read(talk.read() or b"").rcode == "NOERROR"
    assert talk.is_closed()


def kept_alive(talk: Conversation) -> None:
    """The option comes back with a time-out."""
    reply = talk.ask(packet.query(NAME, additional=[packet.opt(packet.option(packet.KEEPALIVE))]))
    assert reply.opt is not None
    (timeout,) = reply.opt.values(packet.KEEPALIVE)
    assert int.from_bytes(timeout) > 0


ROWS = [
    row("ODD-T01", "a length of 0", "closed", closed_after(b"\0\0")),
    row("ODD-T02", "5 octets", "closed", closed_after(frame(b"12345"))),
    row("ODD-T03", "QR=1", "closed", closed_after(frame(packet.query(NAME, flags=packet.QR)))),
    row(
        "ODD-T04",
        "a header that announces a question",
        "FORMERR, stays open",
        answered_with(packet.header(qd=1), "FORMERR"),
    ),
    row("ODD-T05", "50 queries in one write", "50 answers", fifty_at_once),
    row("ODD-T06", "an octet each 10 ms", "the answer", dribbled),
    row("ODD-T07", "a query, then half-closed", "the answer", half_closed),
    row(
        "ODD-T08",
        "AXFR, not permitted",
        "REFUSED, stays open",
        answered_with(packet.query("plain.test.", "AXFR"), "REFUSED"),
    ),
    row("ODD-T09", "keepalive", "the answer with a time-out", kept_alive),
    row(
        "ODD-T10",
        "two OPT",
        "FORMERR, stays open",
        answered_with(packet.query(NAME, additional=[packet.opt()] * 2), "FORMERR"),
    ),
    row(
        "ODD-T11",
        "AXFR of a zone that is not ours",
        "NOTAUTH, stays open",
        answered_with(packet.query("elsewhere.invalid.", "AXFR"), "NOTAUTH"),
    ),
]


@line("TRN-04", "TRN-06", "TRN-11")
@pytest.mark.parametrize("odd", ROWS, ids=str)
def test_an_odd_thing_over_tcp_gets_the_answer_of_its_row(subject: Subject, odd: TcpRow):
    with subject.connect() as talk:
        odd.act(talk)
    assert subject.ask(NAME, tcp=True).rcode == "NOERROR"
