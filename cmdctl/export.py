"""A zone as text on its way to a client: in pieces, from one snapshot, with bounded memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

from dns.name import Name
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cmdctl.errors import AnswerCut
from cmdctl.limits import EXPORT_BATCH
from cmdctl.zonedesk import ZoneDesk
from daemonkit.log import MessageLog
from datasrc.errors import DataSourceError
from datasrc.zonetext_writer import zone_lines

MEDIA_TYPE = "text/dns"  # RFC 4027

R = TypeVar("R")


class Export(Response):
    """The answer. No more than a batch of the zone is in memory, and one thread has the snapshot."""

    def __init__(self, desk: ZoneDesk, log: MessageLog, origin: Name, source: str | None) -> None:
        super().__init__(headers={"content-type": MEDIA_TYPE})
        self._desk = desk
        self._log = log
        self._zone = (origin, source)
        self._stack = ExitStack()
        self._thread = ThreadPoolExecutor(1, "export")
        self._lines: Iterator[str] = iter(())
        self._first = b""

    async def begin(self) -> None:
        """Find the zone and read its beginning; raises RequestError, DataSourceError before anything is sent."""
        try:
            await self._in_thread(self._open)
        except BaseException:
            self._end()
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the whole zone, or break off."""
        request = Request(scope, receive)
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        try:
            piece, self._first = self._first, b""
            while piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if await request.is_disconnected():
                    return
                piece = await self._in_thread(self._piece)
            await send({"type": "http.response.body", "body": b""})
        except DataSourceError as error:  # what was sent cannot be taken back: leaving it incomplete tells the client
            self._log.error("CMDCTL_EXPORT_BROKEN", zone=self._zone[0], reason=error)
            raise AnswerCut from error
        finally:
            self._end()

    def _open(self) -> None:
        _, finder = self._stack.enter_context(self._desk.finder(*self._zone))
        self._lines = zone_lines(finder.rrsets())
        self._first = self._piece()

    def _piece(self) -> bytes:
        return "".join(itertools.islice(self._lines, EXPORT_BATCH)).encode("ascii")

    def _end(self) -> None:
        """Give the snapshot back, in the thread that has it, without waiting."""
        self._thread.submit(self._stack.close)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, function: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)
