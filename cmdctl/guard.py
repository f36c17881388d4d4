"""What every request passes before a route sees it: who, from where, how big; and what becomes of what a route raises.

connection -> Guard -> router -> route
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cmdctl.answers import error_answer
from cmdctl.errors import RequestError
from cmdctl.limits import MAX_BODY, MAX_HEAD
from cmdctl.peer import Peer, Policy, user_name
from daemonkit.counters import Counters
from daemonkit.log import MessageLog

# The name our clients give this end. A browser that was talked into sending here gives another, or an Origin.
HOSTS = ("localhost", "")
READING = ("GET", "HEAD")
READS = "reads"  # set in the state of a request by a route that finds that it changes nothing
MAX_NAMES = 1000  # users whose names are remembered


class Guard:
    """The outermost application."""

    def __init__(self, app: ASGIApp, policy: Policy, log: MessageLog, counters: Counters) -> None:
        self._app = app
        self._policy = policy
        self._log = log
        self._counters = counters
        self._names: dict[int, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        outcome = _Outcome(send)
        self._counters.add("requests")
        try:
            await self._pass(scope)
            await self._app(scope, receive, outcome.send)
        except RequestError as error:
            await self._refuse(error, scope, receive, outcome)
            return
        except ClientDisconnect:
            return
        except Exception as error:
            self._counters.add("failures")
            self._log.exception("CMDCTL_INTERNAL_ERROR", error, method=scope["method"], path=scope["path"])
            if not outcome.complete:  # begun: breaking the connection tells the client that the rest is missing
                raise
        self._audit(scope, outcome.status)

    async def _pass(self, scope: Scope) -> None:
        """Raise RequestError for a request that may not pass; complete the scope of one that may."""
        peer: Peer = scope["state"]["peer"]
        scope["path"] = scope["raw_path"].decode("ascii")
        scope["state"]["author"] = await self._name(peer)
        if not self._policy.permits(peer):
            raise RequestError("refused", f"{scope['state']['author']} may not give orders to this suite")
        if _head_size(scope) > MAX_HEAD:  # uvicorn bounds only a head that comes in pieces
            raise RequestError("too-large", f"the head of the request is longer than {MAX_HEAD} bytes")
        headers = Headers(scope=scope)
        if _host(headers.get("host", "")) not in HOSTS:
            raise RequestError("refused", "the Host of a request must be localhost")
        if "origin" in headers:
            raise RequestError("refused", "requests from web pages are refused")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            raise RequestError("too-large", f"the body is longer than {MAX_BODY} bytes")

    async def _name(self, peer: Peer) -> str:
        if peer.uid not in self._names:
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            self._names[peer.uid] = await asyncio.to_thread(user_name, peer.uid)
        return self._names[peer.uid]

    async def _refuse(self, error: RequestError, scope: Scope, receive: Receive, outcome: _Outcome) -> None:
        self._counters.add("refused")
        self._log.warning(
            "CMDCTL_REQUEST_REFUSED",
            method=scope["method"],
            path=scope["path"],
            peer=scope["state"]["peer"],
            reason=error.message,
        )
        await error_answer(error, _CLOSE)(scope, receive, outcome.send)

    def _audit(self, scope: Scope, status: int | None) -> None:
        author, method, path = scope["state"].get("author", "?"), scope["method"], scope["path"]
        if method in READING or scope["state"].get(READS):
            self._log.debug("CMDCTL_READ", author=author, method=method, path=path, status=status)
        elif status is None or status >= HTTPStatus.BAD_REQUEST:
            self._log.info("CMDCTL_CHANGE_FAILED", author=author, method=method, path=path, status=status)
        else:
            self._log.info("CMDCTL_CHANGE", author=author, method=method, path=path, status=status)


# What was not read of a refused request must not be taken for the next one.
_CLOSE = {"connection": "close"}


class _Outcome:
    """Remembers what was sent."""

    def __init__(self, send: Callable[[Message], object]) -> None:
        self._send: Send = send  # type: ignore[assignment]
        self.status: int | None = None
        self.complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)
        await self._send(message)


def _host(value: str) -> str:
    return value.partition(":")[0].lower()


def _head_size(scope: Scope) -> int:
    fields = sum(len(name) + len(value) for name, value in scope["headers"])
    return fields + len(scope["raw_path"]) + len(scope["query_string"])
