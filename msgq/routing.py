"""The broker's mind: who is on the bus, what is in flight, and what is to be sent to whom. No socket, no clock.

    receive(identity, frames, now)   ─┐
    gone(identity), died(pid)         ├─> [Send(identity, frames), Watch(pid), ...]
    expire(now)                      ─┘

    peers.py     the members, each with its window and its queue
    flights.py   the calls without an outcome
    outbound.py  what is sent now, queued or dropped

Each call gets exactly one Result or Outcome, except where its caller is gone, forgot it, or has its own queue full.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal

from msgq import envelope
from msgq.counts import Counts
from msgq.envelope import BROKER, MAX_TIMEOUT, MEMBERSHIP, FromMember, MemberEntry, MembershipChange, OutcomeKind
from msgq.errors import ProtocolError, RefusalCode
from msgq.flights import Flight, Flights
from msgq.outbound import Decision, Outbound
from msgq.peers import Budget, Kind, Members, Peer

MAX_MEMBERS: Final = 256

_IDENTITY = re.compile(rb"(?P<member>[A-Za-z0-9_/-]{1,80})\.(?P<pid>[0-9]{1,10})\.[0-9]{1,10}")


class Routing:
    """Tables and rules; every public method that changes them gives what is to be sent because of it."""

    def __init__(self, token: str) -> None:
        """`token` marks the events of this broker; its successor has another."""
        self.counts = Counts()
        self.members = Members()
        self.flights = Flights()
        self._token = token
        self._budget = Budget()
        self._outbound = Outbound(self.counts, lambda: envelope.encode_payload(self.roster()))
        self._membership_sequence = 0
        self._handlers: dict[type, Callable[[Peer, Any, bytes, float], None]] = {
            envelope.Register: self._on_register_again,
            envelope.Leave: self._on_leave,
            envelope.Rename: self._on_rename,
            envelope.Subscribe: self._on_subscribe,
            envelope.Unsubscribe: self._on_unsubscribe,
            envelope.Call: self._on_call,
            envelope.Forget: self._on_forget,
            envelope.Answer: self._on_answer,
            envelope.Refusal: self._on_refusal,
            envelope.Publish: self._on_publish,
            envelope.Missed: self._on_missed,
            envelope.Consumed: self._on_consumed,
        }

    @property
    def queued_bytes(self) -> int:
        """Bytes in all queues."""
        return self._budget.used

    def roster(self) -> list[MemberEntry]:
        """Who is on the bus."""
        return [MemberEntry(peer.member, peer.pid) for peer in self.members]

    def receive(self, identity: bytes, frames: list[bytes], now: float, *, sender_pid: int = 0) -> list[Decision]:
        """A message came in. `sender_pid` is who the kernel says sent it, 0 where it does not say."""
        try:
            header, payload = _split(frames)
        except ProtocolError:
            self.counts.junk += 1
            return []
        peer = self.members.of_identity(identity)
        if peer is not None:
            self._handlers[type(header)](peer, header, payload, now)
        elif isinstance(header, envelope.Register):
            self._register(identity, header, sender_pid)
        else:
            self.counts.junk += 1
            self._outbound.stranger(identity, envelope.Stranger())
        return self._outbound.take()

    def gone(self, identity: bytes) -> list[Decision]:
        """The connection has ended without a word."""
        peer = self.members.of_identity(identity)
        if peer is not None:
            self._remove(peer, "died")
        return self._outbound.take()

    def died(self, pid: int) -> list[Decision]:
        """The process has ended, it is said; if it has not it hears that it must register again."""
        for peer in self.members.of_pid(pid):
            self._remove(peer, "died")
            self._outbound.stranger(peer.identity, envelope.Stranger())
        return self._outbound.take()

    def expire(self, now: float) -> list[Decision]:
        """Give the calls whose time has run out their outcome, and room in the queues they wait in."""
        expired = self.flights.expired(now)
        for flight in expired:
            self._run_out(flight)
        numbers = {flight.number for flight in expired}
        for recipient in {flight.recipient.identity: flight.recipient for flight in expired}.values():
            recipient.discard(numbers)
        return self._outbound.take()

    # Membership.

    def _register(self, identity: bytes, header: envelope.Register, sender_pid: int) -> None:
        refusal = self._registration_refusal(identity, header, sender_pid)
        if refusal is not None:
            self.counts.rejections += 1
            self._outbound.stranger(identity, refusal)
            return
        before = self.members.named(header.member)
        if before is not None:  # the same session on a new connection; what was given to the old one is lost
            self._remove(before, "left")
        peer = Peer(identity, header.member, header.pid, header.token, self._budget)
        self.members.add(peer)
        self.counts.registrations += 1
        self._outbound.offer(peer, Kind.NOTICE, envelope.Welcome(), envelope.encode_payload(self.roster()))
        self._outbound.watch(peer.pid)
        self._announce("joined", peer.member, peer)

    def _registration_refusal(
        self, identity: bytes, header: envelope.Register, sender_pid: int
    ) -> envelope.Rejected | None:
        parts = _IDENTITY.fullmatch(identity)
        if parts is None or parts["member"].decode() != header.member or int(parts["pid"]) != header.pid:
            return envelope.Rejected(code="refused", text="the connection's identity is not that of the member")
        if sender_pid and sender_pid != header.pid:
            return envelope.Rejected(
                code="refused", text=f"process {sender_pid} may not register as process {header.pid}"
            )
        holder = self.members.named(header.member)
        if holder is not None:
            return None if holder.token == header.token and holder.pid == header.pid else _taken(holder)
        if len(self.members) >= MAX_MEMBERS:
            return envelope.Rejected(code="unavailable", text=f"there are {MAX_MEMBERS} members already")
        return None

    def _on_register_again(self, _peer: Peer, _header: envelope.Register, _payload: bytes, _now: float) -> None:
        self.counts.junk += 1

    def _on_leave(self, peer: Peer, _header: envelope.Leave, _payload: bytes, _now: float) -> None:
        self._remove(peer, "left")

    def _on_rename(self, peer: Peer, header: envelope.Rename, _payload: bytes, _now: float) -> None:
        holder = self.members.named(header.member)
        if holder is not None and holder is not peer:
            self.counts.rejections += 1
            self._outbound.offer(peer, Kind.NOTICE, _taken(holder))
            return
        before = peer.member
        self.members.rename(peer, header.member)
        self._outbound.offer(peer, Kind.NOTICE, envelope.Renamed(member=peer.member))
        if holder is None:
            self._announce("left", before, peer)
            self._announce("joined", peer.member, peer)

    def _remove(self, peer: Peer, change: Literal["left", "died"]) -> None:
        self.members.remove(peer)
        peer.clear()
        for flight in self.flights.of_caller(peer):
            self.flights.end(flight)
        for flight in self.flights.of_recipient(peer):
            self.counts.recipient_died += 1
            self._end(flight, "recipient-died", f"{peer.member} (process {peer.pid}) {change} with the call in hand")
        self._announce(change, peer.member, peer)

    def _announce(self, change: Literal["joined", "left", "died"], member: str, about: Peer) -> None:
        self._membership_sequence += 1
        content = envelope.encode_payload(MembershipChange(change, member, about.pid))
        header = envelope.Event(
            topic=MEMBERSHIP, publisher=BROKER, source=self._token, sequence=self._membership_sequence
        )
        for peer in self.members:
            if peer is not about:
                self._outbound.offer(peer, Kind.EVENT, header, content)

    # Calls.

    def _on_call(self, caller: Peer, header: envelope.Call, payload: bytes, now: float) -> None:
        if header.serial in caller.calls:
            self.counts.junk += 1
            return
        self.counts.calls += 1
        recipient = self.members.recipient(header.to)
        if header.deadline <= now:
            self.counts.deadlines += 1
            self._tell(caller, header.serial, "deadline", "time had run out before the call reached the bus")
        elif header.deadline > now + MAX_TIMEOUT:
            self._refuse(caller, header.serial, "usage", f"a call may last {MAX_TIMEOUT:.0f} seconds at most")
        elif not self.flights.has_room(caller):
            self._refuse(caller, header.serial, "unavailable", "too many calls are in flight")
        elif recipient is None:
            self.counts.no_recipient += 1
            self._tell(caller, header.serial, "no-recipient", f"nobody called {header.to} is on the bus")
        else:
            self._deliver(self.flights.start(header.serial, caller, recipient, header.deadline), header, payload)

    def _deliver(self, flight: Flight, header: envelope.Call, payload: bytes) -> None:
        delivery = envelope.Delivery(
            number=flight.number,
            id=header.id,
            caller=flight.caller.member,
            command=header.command,
            deadline=flight.deadline,
            changes=header.changes,
        )
        if not self._outbound.offer(flight.recipient, Kind.COMMAND, delivery, payload, number=flight.number):
            self.flights.end(flight)
            text = f"{flight.recipient.member} does not take commands: its queue is full"
            self._refuse(flight.caller, flight.serial, "unavailable", text)

    def _on_answer(self, peer: Peer, header: envelope.Answer, payload: bytes, now: float) -> None:
        flight = self._landing(peer, header.number, now)
        if flight is not None:
            self.counts.answers += 1
            self.flights.end(flight)
            self._outbound.offer(flight.caller, Kind.OUTCOME, envelope.Result(serial=flight.serial), payload)

    def _on_refusal(self, peer: Peer, header: envelope.Refusal, _payload: bytes, now: float) -> None:
        flight = self._landing(peer, header.number, now)
        if flight is not None:
            self.counts.refusals += 1
            self._end(flight, "refused", header.text, header.code)

    def _landing(self, peer: Peer, number: int, now: float) -> Flight | None:
        """The call that this answer is for, if it is in time and from the one who was asked."""
        flight = self.flights.get(number)
        if flight is None or flight.recipient is not peer:
            self.counts.late_answers += 1
            return None
        if flight.deadline <= now:
            self._run_out(flight)
            return None
        return flight

    def _on_forget(self, peer: Peer, header: envelope.Forget, _payload: bytes, _now: float) -> None:
        flight = self.flights.get(peer.calls.get(header.serial, 0))
        if flight is not None:
            self.flights.end(flight)
            flight.recipient.discard({flight.number})

    def _run_out(self, flight: Flight) -> None:
        self.counts.deadlines += 1
        self._end(flight, "deadline", f"{flight.recipient.member} did not answer in time")

    def _end(self, flight: Flight, kind: OutcomeKind, text: str, code: RefusalCode = "failed") -> None:
        self.flights.end(flight)
        self._tell(flight.caller, flight.serial, kind, text, code)

    def _refuse(self, caller: Peer, serial: int, code: RefusalCode, text: str) -> None:
        self.counts.unavailable += code == "unavailable"
        self._tell(caller, serial, "refused", text, code)

    def _tell(self, caller: Peer, serial: int, kind: OutcomeKind, text: str, code: RefusalCode = "failed") -> None:
        self._outbound.offer(caller, Kind.OUTCOME, envelope.Outcome(serial=serial, kind=kind, text=text, code=code))

    # Events.

    def _on_subscribe(self, peer: Peer, header: envelope.Subscribe, _payload: bytes, _now: float) -> None:
        if len(peer.topics) < envelope.MAX_TOPICS:
            peer.topics.add(header.topic)
        else:
            self.counts.junk += 1

    def _on_unsubscribe(self, peer: Peer, header: envelope.Unsubscribe, _payload: bytes, _now: float) -> None:
        peer.topics.discard(header.topic)

    def _on_publish(self, publisher: Peer, header: envelope.Publish, payload: bytes, _now: float) -> None:
        if header.topic == MEMBERSHIP:
            self.counts.junk += 1
            return
        self.counts.events += 1
        event = envelope.Event(
            topic=header.topic, publisher=publisher.member, source=publisher.token, sequence=header.sequence
        )
        for peer in self._subscribers(publisher, header.topic):
            self.counts.deliveries += self._outbound.offer(peer, Kind.EVENT, event, payload)

    def _on_missed(self, publisher: Peer, header: envelope.Missed, _payload: bytes, _now: float) -> None:
        for peer in self._subscribers(publisher, header.topic):
            self._outbound.lose(peer, header.topic)

    def _subscribers(self, publisher: Peer, topic: str) -> list[Peer]:
        return [peer for peer in self.members if topic in peer.topics and peer is not publisher]

    # Flow.

    def _on_consumed(self, peer: Peer, header: envelope.Consumed, _payload: bytes, now: float) -> None:
        if not peer.consume(header.messages, header.bytes):
            self.counts.junk += 1
            return
        self._outbound.flush(peer, lambda number: self._still_wanted(number, now))

    def _still_wanted(self, number: int, now: float) -> bool:
        flight = self.flights.get(number)
        if flight is None:
            return False
        if flight.deadline <= now:
            self._run_out(flight)
            return False
        return True


def _split(frames: list[bytes]) -> tuple[FromMember, bytes]:
    """Header and payload of a message; raises ProtocolError."""
    if len(frames) != envelope.FRAMES:
        raise ProtocolError(f"a message has two frames, not {len(frames)}")
    header = envelope.decode_from_member(frames[0])
    envelope.check_payload_size(len(frames[1]))
    return header, frames[1]


def _taken(holder: Peer) -> envelope.Rejected:
    return envelope.Rejected(code="conflict", text=f"{holder.member} is process {holder.pid}, which is alive")
