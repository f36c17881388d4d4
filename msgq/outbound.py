"""Messages to members: sent while the member's window is open, else queued, else dropped by the rule of their kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgq import envelope
from msgq.counts import Counts
from msgq.envelope import MEMBERSHIP, Frames, FromBroker
from msgq.peers import Kind, Peer, Waiting


@dataclass(frozen=True, slots=True)
class Send:
    """The broker is to send this now."""

    identity: bytes
    frames: Frames


@dataclass(frozen=True, slots=True)
class Watch:
    """The broker is to watch this process, and to say when it ends."""

    pid: int


Decision = Send | Watch


class Outbound:
    """Decides what goes out; `take` gives it."""

    def __init__(self, counts: Counts, roster: Callable[[], bytes]) -> None:
        """`roster` gives the payload of a Roster."""
        self._counts = counts
        self._roster = roster
        self._out: list[Decision] = []

    def take(self) -> list[Decision]:
        """What has been decided since the last time."""
        out, self._out = self._out, []
        return out

    def offer(self, peer: Peer, kind: Kind, header: FromBroker, payload: bytes = b"", *, number: int = 0) -> bool:
        """Send a message or queue it; False when there is no room and it is dropped."""
        message = Waiting(kind, (envelope.encode_header(header), payload), number)
        if peer.window_open and not peer.queue_length:
            self._send(peer, message)
            return True
        if peer.push(message):
            return True
        if isinstance(header, envelope.Event):
            peer.lost_topics[header.topic] = None
            self._counts.events_dropped += 1
        elif kind is Kind.OUTCOME:
            self._counts.outcomes_dropped += 1
        elif kind is Kind.NOTICE:
            self._counts.notices_dropped += 1
        return False

    def lose(self, peer: Peer, topic: str) -> None:
        """An event for this member did not even reach the broker."""
        peer.lost_topics[topic] = None
        self._tell_losses(peer)

    def stranger(self, identity: bytes, header: FromBroker) -> None:
        """Send to a connection that is not registered; it has no window, the socket's own limit holds."""
        self._out.append(Send(identity, (envelope.encode_header(header), b"")))

    def watch(self, pid: int) -> None:
        """Have a process watched."""
        self._out.append(Watch(pid))

    def flush(self, peer: Peer, wanted: Callable[[int], bool]) -> None:
        """The window may have opened: send what waits, but deliveries only while they are `wanted`."""
        while peer.window_open and (message := peer.pop()) is not None:
            if not message.number or wanted(message.number):
                self._send(peer, message)
        self._tell_losses(peer)

    def _tell_losses(self, peer: Peer) -> None:
        while peer.window_open and not peer.queue_length and peer.lost_topics:
            topic = next(iter(peer.lost_topics))
            del peer.lost_topics[topic]
            if topic == MEMBERSHIP:
                self.offer(peer, Kind.NOTICE, envelope.Roster(), self._roster())
            else:
                self.offer(peer, Kind.NOTICE, envelope.Lost(topic=topic))

    def _send(self, peer: Peer, message: Waiting) -> None:
        peer.count_sent(message)
        self._out.append(Send(peer.identity, message.frames))
