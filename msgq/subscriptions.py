"""Events that come to a session: gaps are found by sequence number, handlers run one event after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from typing import Final

from msgq import envelope
from msgq.errors import ProtocolError
from msgq.incoming import Event, EventHandler, Gap, GapHandler

QUEUE_EVENTS: Final = 1024  # waiting for one handler; more are dropped, which it is told as a gap
QUEUE_BYTES: Final = 32 * 1024 * 1024
SOURCES: Final = 4096  # publishers times topics whose last number is kept

_logger = logging.getLogger("msgq.session")


class Subscription:
    """One handler of one topic, with the events that wait for it and the task that runs it."""

    def __init__(self, topic: str, handler: EventHandler, on_gap: GapHandler | None) -> None:
        self.topic = topic
        self._handler = handler
        self._on_gap = on_gap
        self._queue: deque[Event | Gap] = deque()
        self._bytes = 0
        self._overflowed = 0
        self._task: asyncio.Task[None] | None = None

    def put(self, item: Event | Gap) -> None:
        """Queue an event or a gap, or count it as lost."""
        size = _size(item)
        if len(self._queue) >= QUEUE_EVENTS or self._bytes + size > QUEUE_BYTES:
            self._overflowed += 1
            return
        self._queue.append(item)
        self._bytes += size
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop the handler and forget what waits."""
        self._queue.clear()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._queue or self._overflowed:
                if self._queue:
                    item = self._queue.popleft()
                    self._bytes -= _size(item)
                else:
                    item, self._overflowed = Gap(self.topic, "", self._overflowed), 0
                await self._handle(item)
        finally:
            self._task = None

    async def _handle(self, item: Event | Gap) -> None:
        try:
            if isinstance(item, Event):
                await self._handler(item)
            elif self._on_gap is not None:
                await self._on_gap(item)
        except Exception:  # the boundary: the next event is to be heard all the same
            _logger.exception("a handler of topic %s failed", self.topic)


class Subscriptions:
    """All subscriptions of a session."""

    def __init__(self) -> None:
        self._by_topic: dict[str, list[Subscription]] = {}
        self._last: OrderedDict[tuple[str, str], int] = OrderedDict()  # (source, topic) to the last number heard

    @property
    def topics(self) -> list[str]:
        """What the session wants to hear."""
        return list(self._by_topic)

    def add(self, topic: str, handler: EventHandler, on_gap: GapHandler | None) -> bool:
        """Add a handler; True when it is the first of its topic. Raises ProtocolError for too many topics."""
        first = topic not in self._by_topic
        if first and len(self._by_topic) >= envelope.MAX_TOPICS:
            raise ProtocolError(f"a session hears {envelope.MAX_TOPICS} topics at most")
        self._by_topic.setdefault(topic, []).append(Subscription(topic, handler, on_gap))
        return first

    def hear(self, header: envelope.Event, payload: bytes) -> None:
        """An event came."""
        lost = self._lost_before(header)
        if lost:
            self._put(header.topic, Gap(header.topic, header.publisher, lost))
        self._put(header.topic, Event(header.topic, header.publisher, header.sequence, payload))

    def lose(self, topic: str) -> None:
        """Events are lost that no number tells of."""
        self._put(topic, Gap(topic, "", 0))

    async def close(self) -> None:
        """Stop all handlers."""
        for subscriptions in self._by_topic.values():
            for subscription in subscriptions:
                await subscription.close()

    def _lost_before(self, header: envelope.Event) -> int:
        key = (header.source, header.topic)
        last = self._last.pop(key, None)
        self._last[key] = header.sequence
        if len(self._last) > SOURCES:
            self._last.popitem(last=False)
        return 0 if last is None else max(0, header.sequence - last - 1)

    def _put(self, topic: str, item: Event | Gap) -> None:
        for subscription in self._by_topic.get(topic, ()):
            subscription.put(item)


def _size(item: Event | Gap) -> int:
    return len(item.payload) if isinstance(item, Event) else 0
