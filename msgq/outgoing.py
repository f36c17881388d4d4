"""What a session sends: at once where the link has room, else in order, when it has."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgq.envelope import Frames
from msgq.link import Link


@dataclass(slots=True, eq=False)
class _Item:
    frames: Frames
    sent: asyncio.Future[bool] | None = None  # None: nobody waits
    on_sent: Callable[[], None] | None = None
    lasting: bool = False  # may go to the next broker if this one dies
    settled: bool = False

    def settle(self, *, sent: bool) -> None:
        """It is sent, or it never will be."""
        self.settled = True
        if sent and self.on_sent is not None:
            self.on_sent()
        if self.sent is not None and not self.sent.done():
            self.sent.set_result(sent)


class Outgoing:
    """The sending side of a session, over one link after the other."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._waiting: deque[_Item] = deque()

    def attach(self, link: Link, first: Sequence[Frames] = ()) -> None:
        """The session is registered: send, `first` before all that waits."""
        self._link = link
        self._waiting.extendleft(_Item(frames) for frames in reversed(first))
        self.flush()

    def detach(self) -> None:
        """The link is lost; what only made sense there is dropped."""
        self._link = None
        before, self._waiting = self._waiting, deque()
        for item in before:
            if item.lasting:
                self._waiting.append(item)
            else:
                item.settle(sent=False)

    def give_up_lasting(self) -> None:
        """The session closes: calls that were not sent yet will not be."""
        before, self._waiting = self._waiting, deque()
        for item in before:
            if item.lasting:
                item.settle(sent=False)
            else:
                self._waiting.append(item)

    def post(self, frames: Frames) -> None:
        """Send without waiting for it; dropped when there is no link, as the next registration tells all anew."""
        if self._link is not None:
            self._waiting.append(_Item(frames))
            self.flush()

    async def send(self, frames: Frames, *, lasting: bool = False, on_sent: Callable[[], None] | None = None) -> bool:
        """Wait until it is sent; `on_sent` is called at that very moment, before any answer can come.

        False: the link was lost first, or there is none and the message is not `lasting`.
        """
        if self._link is None and not lasting:
            return False
        sent: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        item = _Item(frames, sent, on_sent, lasting)
        self._waiting.append(item)
        self.flush()
        try:
            return await sent
        finally:
            if not item.settled:
                self._waiting.remove(item)

    def flush(self) -> None:
        """There may be room: send what waits."""
        while self._link is not None and self._waiting:
            item = self._waiting[0]
            if not self._link.send(item.frames):
                return
            self._waiting.popleft()
            item.settle(sent=True)
