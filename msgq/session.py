"""A process's session on the bus: calls and their outcomes, commands to carry out, events, membership.

calls.py          the calls it waits for           connection.py  registration, with one broker after the other
answering.py      the commands it carries out      link.py        one connection
remembered.py     ... and has carried out          outgoing.py    what it sends
subscriptions.py  the events it hears              roster.py      who else is on the bus
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any, Final, TypeVar

from msgq import envelope
from msgq.address import check_address
from msgq.answering import Answering
from msgq.calls import PendingCall, PendingCalls
from msgq.connection import Connection
from msgq.envelope import MEMBERSHIP, Frames, FromBroker, FromMember, MemberEntry, MembershipChange
from msgq.errors import BusLost, DeadlineExceeded
from msgq.incoming import CommandHandler, EpochHandler, Event, EventHandler, Gap, GapHandler, IncomingCall, Request
from msgq.link import LinkFactory, ZmqLink
from msgq.roster import Roster
from msgq.subscriptions import Subscriptions

__all__ = ["Event", "Gap", "IncomingCall", "Request", "Session"]

START_TIMEOUT: Final = 10.0  # seconds to be registered; bob starts the broker before its clients
CALL_TIMEOUT: Final = 5.0  # seconds
PUBLISH_PATIENCE: Final = 1.0  # seconds an event waits for room before it counts as lost
CLOSE_GRACE: Final = 0.5  # seconds for handlers to finish
CLOSE_LINGER: Final = 0.2  # seconds for the last messages to go out

R = TypeVar("R")

_logger = logging.getLogger("msgq.session")


class Session:
    """One member on the bus, on the running asyncio loop.

    It lives through the death of the broker: each time it comes back the session connects afresh, registers and
    subscribes again, and calls the `on_epoch` handlers. Nothing here may be used from another thread.
    """

    def __init__(
        self, address: str, member: str, *, pid: int | None = None, connect: LinkFactory | None = None
    ) -> None:
        """`member` is `module/instance`; raises ProtocolError, and AddressError for an address that cannot work.

        `connect` replaces ZeroMQ (the broker's own session, and tests).
        """
        if connect is None:
            check_address(address)
            connect = partial(ZmqLink, address)
        token = secrets.token_hex(8)
        self._connection = Connection(
            connect, self, member=envelope.check_name("member", member), pid=pid or os.getpid(), token=token
        )
        self._outgoing = self._connection.outgoing
        self._calls = PendingCalls(token)
        self._answering = Answering(self._outgoing.send)
        self._subscriptions = Subscriptions()
        self._roster = Roster()
        self._sequences: Counter[str] = Counter()  # of the events published, by topic
        self._missed: dict[str, None] = {}  # topics of events that could not be sent
        self._on_epoch: list[EpochHandler] = []
        self._epochs = 0
        self._closed = False

    async def start(self, timeout: float = START_TIMEOUT) -> None:
        """Connect and register. Raises Refused when the name is taken by a live process, DeadlineExceeded."""
        try:
            async with asyncio.timeout(timeout):
                await self._connection.start()
        except TimeoutError:
            raise DeadlineExceeded(f"no broker in {timeout:g} seconds", maybe_done=False) from None
        finally:
            if not self._connection.ready:
                self._connection.close()

    async def close(self) -> None:
        """Leave the bus: running handlers get a moment to answer, waiting calls fail with BusLost. Repeatable."""
        if self._closed:
            return
        self._closed = True
        self._calls.lose("the session is closed", unsent_too=True)
        self._outgoing.give_up_lasting()
        await self._subscriptions.close()
        await self._answering.close(CLOSE_GRACE)
        self._connection.close(CLOSE_LINGER)

    @property
    def member(self) -> str:
        """The name its owner has on the bus."""
        return self._connection.member

    async def call(
        self, request: Request[R], to: str | None = None, *, timeout: float = CALL_TIMEOUT, call_id: str | None = None
    ) -> R:
        """Send a command and wait for its one outcome.

        `to` is a module or a member and defaults to the request's module. `timeout` in seconds covers everything, also
        waiting for a broker that is being restarted. `call_id` repeats an earlier call (`CallError.call_id`): if the
        recipient has done it, it gives the same outcome again. Raises CallError in its kinds, and ProtocolError for
        arguments over the limits or an answer that is not of the reply type.
        """
        changes = getattr(request, "changes", True)
        recipient = request.module if to is None else to
        payload = envelope.encode_payload(request)
        result = await self._call(recipient, request.command, payload, timeout, call_id, changes=changes)
        return envelope.decode_payload(result, request.reply)

    async def call_raw(
        self,
        module: str,
        command: str,
        arguments: dict[str, Any],
        *,
        timeout: float = CALL_TIMEOUT,
        call_id: str | None = None,
        changes: bool = True,
    ) -> Any:
        """The same for a command that is known by name only; `module` may name a member. Gives decoded JSON."""
        payload = envelope.encode_payload(arguments)
        return envelope.decode_payload(await self._call(module, command, payload, timeout, call_id, changes=changes))

    async def publish(self, topic: str, content: Any) -> None:
        """Tell the subscribers of a topic, itself aside. Never fails for the state of the bus: what is lost
        shows as a gap there.

        Raises ProtocolError for content over the limits.
        """
        payload = envelope.encode_payload(content)
        envelope.check_name("topic", topic)
        self._sequences[topic] += 1
        frames = _frames(envelope.Publish(topic=topic, sequence=self._sequences[topic]), payload)
        sent = False
        try:
            async with asyncio.timeout(PUBLISH_PATIENCE):
                sent = await self._outgoing.send(frames)
                await asyncio.sleep(0)  # who publishes in a loop must not keep its own process from hearing
        except TimeoutError:  # told below
            pass
        finally:
            if not sent:
                self._miss(topic)

    def subscribe(self, topic: str, handler: EventHandler, *, on_gap: GapHandler | None = None) -> None:
        """Hear a topic from now on; a handler's events are handled one after the other, in order.

        Calls made afterwards reach the broker after the subscription. `on_gap` is told when events
        were lost, anywhere on their way. Several handlers may hear one topic. Raises ProtocolError for too many topics.
        """
        envelope.check_name("topic", topic)
        if self._subscriptions.add(topic, handler, on_gap):
            self._outgoing.post(_frames(envelope.Subscribe(topic=topic)))

    def set_command_handler(self, handler: CommandHandler) -> None:
        """Answer commands with this: it gives what encode_payload takes, or raises Refused."""
        self._answering.handler = handler

    def on_epoch(self, callback: EpochHandler) -> None:
        """Call this after each re-registration: events may have been missed, state is to be re-read."""
        self._on_epoch.append(callback)

    def members(self, module: str | None = None) -> list[MemberEntry]:
        """Who is on the bus (of one module), lowest instance number first; the view of the broker, a moment old."""
        return self._roster.members(module)

    async def rename(self, member: str, timeout: float = CALL_TIMEOUT) -> None:
        """Take another name: a spare becomes `auth/1`. The same name: no-op.

        Raises Refused; DeadlineExceeded when the broker did not say so in time, the wish stands then.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._connection.rename(envelope.check_name("member", member))
        except TimeoutError:
            raise DeadlineExceeded(f"not renamed to {member} in {timeout:g} seconds") from None

    # Calls.

    async def _call(
        self, to: str, command: str, payload: bytes, timeout: float, call_id: str | None, *, changes: bool
    ) -> bytes:
        if self._closed:
            raise BusLost("the session is closed", maybe_done=False)
        envelope.check_name("recipient", to)
        envelope.check_name("command", command)
        deadline = asyncio.get_running_loop().time() + min(timeout, envelope.MAX_TIMEOUT)
        call = self._calls.start(call_id)
        header = envelope.Call(
            serial=call.serial, id=call.id, to=to, command=command, deadline=deadline, changes=changes
        )
        try:
            async with asyncio.timeout_at(deadline):
                await self._outgoing.send(_frames(header, payload), lasting=True, on_sent=call.mark_sent)
                return await call.outcome
        except TimeoutError:
            raise _out_of_time(call, f"{to} {command}", timeout) from None
        except asyncio.CancelledError:
            if call.sent:
                self._outgoing.post(_frames(envelope.Forget(serial=call.serial)))
            raise
        finally:
            self._calls.end(call)

    # What the connection tells.

    def registered(self, roster: list[MemberEntry]) -> Iterable[FromMember]:
        """The broker knows us: it must hear what we subscribe to, and we re-read what we may have missed."""
        self._roster.replace(roster)
        missed, self._missed = self._missed, {}
        self._epochs += 1
        if self._epochs > 1:
            for callback in self._on_epoch:
                _guarded(callback)
        yield from (envelope.Subscribe(topic=topic) for topic in self._subscriptions.topics)
        yield from (envelope.Missed(topic=topic) for topic in missed)

    def received(self, header: FromBroker, payload: bytes) -> None:
        """A message came."""
        if isinstance(header, envelope.Delivery):
            self._answering.deliver(header, payload)
        elif isinstance(header, envelope.Result):
            self._calls.answered(header, payload)
        elif isinstance(header, envelope.Outcome):
            self._calls.failed(header)
        elif isinstance(header, envelope.Event):
            self._heard(header, payload)
        elif isinstance(header, envelope.Lost):
            self._subscriptions.lose(header.topic)
        elif isinstance(header, envelope.Roster):
            self._roster.replace(envelope.decode_payload(payload, list[MemberEntry]))
            self._subscriptions.lose(MEMBERSHIP)

    def lost(self) -> None:
        """The broker is gone: what it had in hand has no outcome."""
        self._calls.lose("the broker died with the call in flight")
        self._answering.link_lost()
        self._missed |= dict.fromkeys(self._sequences)  # what it had not passed on is lost

    def _heard(self, header: envelope.Event, payload: bytes) -> None:
        if header.topic == MEMBERSHIP:
            self._roster.apply(envelope.decode_payload(payload, MembershipChange))
        self._subscriptions.hear(header, payload)

    def _miss(self, topic: str) -> None:
        """An event was not sent: say so to its subscribers as soon as may be."""
        if self._connection.ready:
            self._outgoing.post(_frames(envelope.Missed(topic=topic)))
        else:
            self._missed[topic] = None


def _frames(header: FromMember, payload: bytes = b"") -> Frames:
    return envelope.encode_header(header), payload


def _out_of_time(call: PendingCall, what: str, timeout: float) -> DeadlineExceeded:
    text = "no answer" if call.sent else "the bus did not take the call"
    return DeadlineExceeded(f"{what}: {text} in {timeout:g} seconds", call_id=call.id, maybe_done=call.sent)


def _guarded(callback: EpochHandler) -> None:
    try:
        callback()
    except Exception:  # the boundary: the session goes on
        _logger.exception("an epoch handler failed")
