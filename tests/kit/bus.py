"""A bus within one event loop: the real session over the real routing, without sockets, threads or processes.

    bus = FakeBus()
    auth = await bus.member("auth/0", answer_commands)
    client = await bus.member("cmdctl/0")
    await client.call(...)
    bus.kill_broker(); bus.start_broker(); bus.stop_broker(); bus.resume_broker(); bus.kill_member(auth)
    await bus.close()

It keeps the contract of the real one: tests/msgq/contract.py runs on both.
"""

from __future__ import annotations

import itertools

from msgq.envelope import Frames
from msgq.exchange import Exchange, LocalLink
from msgq.incoming import CommandHandler
from msgq.link import SEND_LIMIT, LinkOwner
from msgq.session import Session

ADDRESS = "ipc:///nowhere"


class FakeBus:
    """One broker and its members."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = Exchange()
        self.stopped = False
        self._pids = itertools.count(1000)
        self._links: set[FakeLink] = set()
        self._sessions: list[Session] = []
        self._pid_of: dict[Session, int] = {}
        self._link_of: dict[int, FakeLink] = {}

    def session(self, member: str) -> Session:
        """A session that is not started yet; every one counts as a process of its own."""
        pid = next(self._pids)

        def connect(identity: bytes, owner: LinkOwner) -> FakeLink:
            link = FakeLink(self, identity, owner)
            self._link_of[pid] = link
            return link

        session = Session(ADDRESS, member, pid=pid, connect=connect)
        self._sessions.append(session)
        self._pid_of[session] = pid
        return session

    async def member(self, member: str, handler: CommandHandler | None = None) -> Session:
        """A session on the bus."""
        session = self.session(member)
        if handler is not None:
            session.set_command_handler(handler)
        await session.start()
        return session

    def kill_broker(self) -> None:
        """The broker is gone, with all it had in hand."""
        if self.exchange is not None:
            exchange, self.exchange = self.exchange, None
            self.stopped = False
            for link in self._links:
                link.held.clear()
            exchange.close()

    def start_broker(self) -> None:
        """A new broker, which knows nobody."""
        self.exchange = Exchange()
        for link in tuple(self._links):
            link.connect()

    def stop_broker(self) -> None:
        """The broker does nothing, as under SIGSTOP."""
        self.stopped = True

    def resume_broker(self) -> None:
        """It goes on, with what has come meanwhile."""
        self.stopped = False
        for link in tuple(self._links):
            link.release()

    def kill_member(self, session: Session) -> None:
        """The member's process is gone without a word; bob has told the broker."""
        pid = self._pid_of[session]
        self._link_of[pid].cut()
        if self.exchange is not None:
            self.exchange.died(pid)

    async def close(self) -> None:
        """Close every session, and the broker."""
        for session in self._sessions:
            await session.close()
        self.kill_broker()

    def add(self, link: FakeLink) -> None:
        """A link is open."""
        self._links.add(link)

    def drop(self, link: FakeLink) -> None:
        """A link is closed."""
        self._links.discard(link)


class FakeLink:
    """A link to whatever broker there is, now or later."""

    def __init__(self, bus: FakeBus, identity: bytes, owner: LinkOwner) -> None:
        self.held: list[Frames] = []  # sent to a broker that is stopped
        self._bus = bus
        self._identity = identity
        self._owner = owner
        self._inner: LocalLink | None = None
        self._refused = False
        bus.add(self)
        self.connect()

    def connect(self) -> None:
        """There may be a broker."""
        if self._inner is None and self._bus.exchange is not None:
            self._inner = self._bus.exchange.link(self._identity, self._owner)

    def send(self, frames: Frames) -> bool:
        """As Link.send: what a stopped broker does not take is held, to a limit."""
        if self._inner is None or len(self.held) >= SEND_LIMIT:
            self._refused = True
            return False
        if self._bus.stopped:
            self.held.append(frames)
            return True
        return self._inner.send(frames)

    def release(self) -> None:
        """The broker goes on."""
        held, self.held = self.held, []
        if self._inner is not None:
            for frames in held:
                self._inner.send(frames)
        if self._refused:
            self._refused = False
            self._owner.link_writable()

    def cut(self) -> None:
        """The process at this end is no more: it hears nothing and says nothing."""
        if self._inner is not None:
            self._inner.close()
        self._inner = None
        self._bus.drop(self)

    def close(self, linger: float = 0.0) -> None:
        """As Link.close."""
        self.cut()
