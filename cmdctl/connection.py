"""One connection at the door: uvicorn's HTTP/1.1 protocol, plus who is there and what uvicorn does not bound.

The peer travels to the application as `scope["state"]["peer"]`. Refusals that come before there is a request are JSON
like all others.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import h11
import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from cmdctl.answers import error_document
from cmdctl.errors import RequestError
from cmdctl.limits import HEAD_SECONDS, MAX_CONNECTIONS, MAX_HEAD, WRITE_SECONDS
from cmdctl.peer import peer_of

GUEST = "guest"  # in the state of a connection over TCP: its guests.Guest
BREAK_OFF = "break_off"  # in the state of every connection: what ends it behind what was written already
_END_OF_HEAD = re.compile(rb"\n\r?\n")


class DoorProtocol(H11Protocol):
    """One connection. It is closed when no whole request head arrives for HEAD_SECONDS, whatever trickles in,
    and cut off when its client does not read for WRITE_SECONDS."""

    def __init__(
        self,
        refused: Callable[[], object],
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`refused` is called for each request that is refused here."""
        super().__init__(config, server_state, app_state, _loop)
        self._count_refused = refused
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Note who is there; one connection too many is told so and closed."""
        super().connection_made(transport)
        try:
            peer = peer_of(transport.get_extra_info("socket"))
        except OSError:  # it is gone already
            transport.abort()
            return
        self.app_state = {**self.app_state, "peer": peer, BREAK_OFF: transport.close}
        if GUEST not in self.app_state and len(self.connections) > MAX_CONNECTIONS:  # guests were counted before
            self._refuse(RequestError("unavailable", f"more than {MAX_CONNECTIONS} connections at once"))
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self._head_came()
        self._client_reads()
        if GUEST in self.app_state:
            self.app_state[GUEST].gone()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Watch that a request head does not trickle in for ever."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_came()
        elif self._head_timer is None and not self.transport.is_closing():
            self._await_head()

    def handle_events(self) -> None:
        """Look at what came, but at no head that is too long: the library bounds one only that comes in pieces."""
        if self._head_too_long():
            self._refuse(RequestError("too-large", f"the head of the request is longer than {MAX_HEAD} bytes"))
        else:
            super().handle_events()

    def on_response_complete(self) -> None:
        """Watch that the end of the answer is read."""
        self._head_came()
        if self.transport.get_write_buffer_size():
            self._await_reading()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._client_reads()

    def cut_off(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what is no HTTP."""
        self._refuse(RequestError("usage", msg))

    def _head_too_long(self) -> bool:
        if self.conn.their_state is not h11.IDLE:
            return False
        waiting, _ = self.conn.trailing_data
        return len(waiting) > MAX_HEAD and _END_OF_HEAD.search(waiting, 0, MAX_HEAD) is None

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_late)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(RequestError("timeout", f"no whole request within {HEAD_SECONDS:g} s"))

    def _await_reading(self) -> None:
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(WRITE_SECONDS, self._unread)

    def _client_reads(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _unread(self) -> None:
        """Cut off a client that does not take its answer; closing would wait for it for ever."""
        self._write_timer = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _refuse(self, error: RequestError) -> None:
        """Answer if no answer has begun, and close."""
        self._count_refused()
        self._head_came()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = msgspec.json.encode(error_document(error))
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            for event in (
                h11.Response(status_code=error.status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                if data := self.conn.send(event):
                    self.transport.write(data)
        self.transport.close()
