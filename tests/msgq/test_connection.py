"""A connection over links that a test plays: registration, patience, garbage, names."""

from __future__ import annotations

import asyncio

import pytest

from msgq import connection, envelope
from msgq.connection import Connection
from msgq.envelope import MemberEntry
from msgq.errors import BusLost, Refused
from tests.msgq.contract import PATIENCE, until


class PlayedLink:
    """A link whose other end is the test."""

    def __init__(self, identity, owner):
        self.identity, self.owner = identity, owner
        self.room, self.closed = True, False
        self.sent = []

    def send(self, frames):
        assert not self.closed
        if self.room:
            self.sent.append(envelope.decode_from_member(frames[0]))
        return self.room

    def close(self, linger=0.0):
        self.closed = True

    def hear(self, header, payload=b""):
        self.owner.link_received([envelope.encode_header(header), payload])

    def welcome(self, *members):
        self.owner.link_opened()
        self.hear(envelope.Welcome(), envelope.encode_payload([MemberEntry(member, 1) for member in members]))


class Owner:
    def __init__(self):
        self.links = []
        self.rosters, self.received_headers, self.losses = [], [], 0
        self.first = []

    def connect(self, identity, owner):
        self.links.append(PlayedLink(identity, owner))
        return self.links[-1]

    @property
    def link(self):
        return self.links[-1]

    def registered(self, roster):
        self.rosters.append(roster)
        return self.first

    def received(self, header, payload):
        self.received_headers.append(header)

    def lost(self):
        self.losses += 1


@pytest.fixture
def owner():
    return Owner()


@pytest.fixture
def made(owner, monkeypatch):
    monkeypatch.setattr(connection, "CONFLICT_RETRY", 0.01)
    monkeypatch.setattr(connection, "REFUSED_RETRY", 0.01)
    return Connection(owner.connect, owner, member="a/0", pid=7, token="0" * 16)


async def ready(made, owner):
    starting = asyncio.create_task(made.start())
    await until(lambda: owner.links)
    owner.link.welcome("a/0")
    await starting
    return owner.link


@pytest.mark.asyncio
async def test_it_registers_and_says_what_must_be_said_first(made, owner):
    owner.first = [envelope.Subscribe(topic="news")]
    link = await ready(made, owner)
    assert link.identity.startswith(b"a/0.7.")
    assert link.sent == [envelope.Register(member="a/0", pid=7, token="0" * 16), envelope.Subscribe(topic="news")]
    assert made.ready
    assert [[entry.member for entry in roster] for roster in owner.rosters] == [["a/0"]]


@pytest.mark.asyncio
async def test_identities_are_never_used_twice(made, owner):
    await ready(made, owner)
    for _ in range(3):
        owner.link.owner.link_ended()
        owner.link.welcome("a/0")
    assert len({link.identity for link in owner.links}) == 4
    assert owner.losses == 3
    assert [link.closed for link in owner.links] == [True, True, True, False]


@pytest.mark.asyncio
async def test_a_link_that_ends_before_registration_is_replaced_without_a_word(made, owner):
    starting = asyncio.create_task(made.start())
    await until(lambda: owner.links)
    owner.link.owner.link_opened()
    owner.link.owner.link_ended()
    assert owner.losses == 0
    owner.link.welcome("a/0")
    await starting


@pytest.mark.asyncio
async def test_a_conflict_is_tried_again_for_a_while(made, owner):
    starting = asyncio.create_task(made.start())
    await until(lambda: owner.links)
    owner.link.owner.link_opened()
    for attempt in range(1, 4):
        await until(lambda attempt=attempt: len(owner.link.sent) == attempt)
        owner.link.hear(envelope.Rejected(code="conflict", text="taken"))
    await until(lambda: len(owner.link.sent) == 4)
    owner.link.hear(envelope.Welcome(), b"[]")
    await starting


@pytest.mark.asyncio
@pytest.mark.parametrize("code", ["refused", "unavailable"])
async def test_another_rejection_ends_the_start(made, owner, code):
    starting = asyncio.create_task(made.start())
    await until(lambda: owner.links)
    owner.link.owner.link_opened()
    owner.link.hear(envelope.Rejected(code=code, text="no"))
    with pytest.raises(Refused, match="no"):
        await starting


@pytest.mark.asyncio
async def test_who_was_registered_once_never_gives_up(made, owner, monkeypatch):
    monkeypatch.setattr(connection, "CONFLICT_PATIENCE", 0.0)
    await ready(made, owner)
    owner.link.owner.link_ended()
    owner.link.owner.link_opened()
    for attempt in range(1, 4):
        await until(lambda attempt=attempt: len(owner.link.sent) == attempt)
        owner.link.hear(envelope.Rejected(code="unavailable", text="full"))
    await until(lambda: len(owner.link.sent) == 4)
    owner.link.hear(envelope.Welcome(), b"[]")
    assert made.ready


@pytest.mark.asyncio
async def test_a_registration_waits_for_room(made, owner):
    starting = asyncio.create_task(made.start())
    await until(lambda: owner.links)
    owner.link.room = False
    owner.link.owner.link_opened()
    assert owner.link.sent == []
    owner.link.room = True
    await until(lambda: owner.link.sent)
    owner.link.hear(envelope.Welcome(), b"[]")
    await starting


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "frames",
    [[], [b""], [b"{}", b""], [b"\xff", b""], [b'{"type":"welcome"}', b"{}"], [b'{"type":"leave"}', b""], [b""] * 3],
)
async def test_garbage_from_the_broker_is_ignored(made, owner, frames, caplog):
    starting = asyncio.create_task(made.start())
    await until(lambda: owner.links)
    link = owner.link
    link.owner.link_opened()
    link.owner.link_received(frames)
    assert not made.ready
    link.hear(envelope.Welcome(), b"[]")
    await starting
    link.owner.link_received(frames if frames != [b'{"type":"welcome"}', b"{}"] else [b"{", b""])
    assert made.junk == 2
    assert made.ready


@pytest.mark.asyncio
async def test_what_waited_for_room_on_a_lost_link_is_not_sent_on_the_next(made, owner):
    link = await ready(made, owner)
    link.room = False
    made.outgoing.post((envelope.encode_header(envelope.Subscribe(topic="old")), b""))
    link.owner.link_ended()
    owner.link.welcome("a/0")
    assert [type(header) for header in owner.link.sent] == [envelope.Register]


@pytest.mark.asyncio
async def test_a_broker_that_does_not_know_us_is_left(made, owner):
    await ready(made, owner)
    owner.link.hear(envelope.Stranger())
    assert owner.losses == 1
    owner.link.welcome("a/0")
    assert made.ready


@pytest.mark.asyncio
async def test_what_was_taken_is_told_at_half_the_window(made, owner):
    link = await ready(made, owner)
    for number in range(envelope.WINDOW_MESSAGES):
        link.hear(envelope.Result(serial=number), b"x" * 100)
    consumed = [header for header in link.sent if isinstance(header, envelope.Consumed)]
    assert [header.messages for header in consumed] == [32, 64]
    assert consumed[0].bytes > 3200
    link.hear(envelope.Result(serial=1), b"x" * (envelope.WINDOW_BYTES // 2))
    assert link.sent[-1].messages == 66


@pytest.mark.asyncio
async def test_a_wish_that_is_refused_after_the_broker_died_leaves_the_old_name(made, owner, monkeypatch):
    monkeypatch.setattr(connection, "CONFLICT_PATIENCE", 0.0)
    await ready(made, owner)
    renaming = asyncio.create_task(made.rename("a/1"))
    await until(lambda: isinstance(owner.link.sent[-1], envelope.Rename))
    owner.link.owner.link_ended()
    owner.link.owner.link_opened()
    assert owner.link.sent == [envelope.Register(member="a/1", pid=7, token="0" * 16)]
    owner.link.hear(envelope.Rejected(code="conflict", text="taken"))
    with pytest.raises(Refused, match="taken"):
        await renaming
    owner.link.owner.link_opened()
    assert owner.link.sent == [envelope.Register(member="a/0", pid=7, token="0" * 16)]


@pytest.mark.asyncio
async def test_a_second_wish_replaces_the_first(made, owner):
    await ready(made, owner)
    first = asyncio.create_task(made.rename("a/1"))
    await until(lambda: isinstance(owner.link.sent[-1], envelope.Rename))
    second = asyncio.create_task(made.rename("a/2"))
    with pytest.raises(Refused):
        await first
    owner.link.hear(envelope.Renamed(member="a/1"))
    assert not second.done()
    owner.link.hear(envelope.Renamed(member="a/2"))
    await asyncio.wait_for(second, PATIENCE)
    assert made.member == "a/2"


@pytest.mark.asyncio
async def test_closing_says_goodbye_and_ends_what_waits(made, owner):
    link = await ready(made, owner)
    renaming = asyncio.create_task(made.rename("a/1"))
    await until(lambda: isinstance(link.sent[-1], envelope.Rename))
    made.close()
    assert isinstance(link.sent[-1], envelope.Leave)
    assert link.closed
    with pytest.raises(BusLost):
        await renaming
    assert not made.ready
