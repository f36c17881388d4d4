"""What every request passes before a route sees it: who, from where, how big; and what becomes of what a route raises.

connection -> Guard -> router -> Operation (may they?) -> endpoint

Changes are in the audit log before they are made, and their outcome, and refusals, before the answer leaves.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cmdctl.answers import ACCOUNTS_UNREADABLE, error_answer
from cmdctl.audit import Audit
from cmdctl.connection import BREAK_OFF, GUEST
from cmdctl.errors import AnswerCut, RequestError
from cmdctl.limits import MAX_BODY
from cmdctl.peer import Peer, Policy, RemotePeer, user_name
from cmdctl.pools import Work
from cmdctl.recording import KEEPING, READING, READS, WHY, Keeping, Recorder, path_of
from cmdctl.roles import Caller
from cmdctl.routing import ROUTE
from cmdctl.store import StoreFailed
from daemonkit.counters import Counters
from daemonkit.durations import Durations
from daemonkit.log import MessageLog

# The name our clients give the UNIX socket. A browser that was talked into sending here gives another, or an Origin.
HOSTS = ("localhost", "")
LOGGED = "logged"  # set in the state of a request whose end is in the log already
MAX_NAMES = 1000  # users whose names are remembered
REQUEST_ID = b"x-request-id"
ID_OCTETS = 8
REQUEST = "request"  # the family of durations: from the head of a request to the end of its answer
NO_ROUTE = "none"  # its label for requests that no route has seen


class Remote(Protocol):
    """What is known of the door on TCP."""

    def knows_host(self, host: str) -> bool:
        """Whether a request may be for this host."""

    async def caller(self, authorization: str | None, address: str) -> Caller:
        """On whose behalf a request is made; raises RequestError."""


@dataclass(slots=True)
class Gatekeeping:
    """What the guard decides by. Configuration replaces what is in here."""

    policy: Policy
    remote: Remote | None = None
    audit: Audit | None = None


class Guard:
    """The outermost application."""

    def __init__(
        self,
        app: ASGIApp,
        keeping: Gatekeeping,
        store_work: Work,
        log: MessageLog,
        counters: Counters,
        durations: Durations,
    ) -> None:
        self._app = app
        self._keeping = keeping
        self._log = log
        self._counters = counters
        self._durations = durations
        self._names: dict[int, str] = {}
        self.recorder = Recorder(lambda: keeping.audit, store_work, log, counters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        began = time.perf_counter()
        try:
            await self._handle(scope, receive, send)
        finally:
            self._durations.note(REQUEST, scope["state"].get(ROUTE, NO_ROUTE), time.perf_counter() - began)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["request"] = secrets.token_hex(ID_OCTETS)
        scope["state"][KEEPING] = Keeping(self.recorder, scope)
        outcome = _Outcome(scope, send, self._tell)
        self._counters.add("requests")
        await self.recorder.tell_left_out()
        try:
            await self._pass(scope)
            await self._app(scope, receive, outcome.send)
        except RequestError as error:
            await self._refuse(error, scope, receive, outcome)
        except StoreFailed as error:  # before there was a route
            self._log.error("CMDCTL_STORE_FAILED", reason=error)
            await self._refuse(RequestError("unavailable", ACCOUNTS_UNREADABLE), scope, receive, outcome)
        except ClientDisconnect:
            await self._client_went(scope)
        except AnswerCut:  # who raised it has told
            await _break_off(scope, receive)
        except Exception as error:  # noqa: BLE001 - a defect, which is told in the log; the next request is answered
            self._counters.add("failures")
            self._log.exception("CMDCTL_INTERNAL_ERROR", error, method=scope["method"], path=path_of(scope))
            if not outcome.complete:
                await _break_off(scope, receive)

    async def _pass(self, scope: Scope) -> None:
        """Raise RequestError for a request that may not pass; complete the scope of one that may."""
        peer: Peer | RemotePeer = scope["state"]["peer"]
        scope["path"] = scope["raw_path"].decode("ascii")
        headers = Headers(scope=scope)
        if isinstance(peer, Peer):
            await self._local(scope, peer)
        if "origin" in headers:
            raise RequestError("refused", "requests from web pages are refused")
        self._check_host(headers.get("host", ""), peer)
        if (
            "transfer-encoding" in headers and "content-length" in headers
        ):  # whoever stands before us may take the other
            raise RequestError("usage", "a request has a Content-Length or a Transfer-Encoding, not both")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            raise RequestError("too-large", f"the body is longer than {MAX_BODY} bytes")
        if isinstance(peer, RemotePeer):
            await self._remote(scope, peer, headers.get("authorization"))

    async def _local(self, scope: Scope, peer: Peer) -> None:
        """Who the kernel says it is."""
        name = scope["state"]["author"] = await self._name(peer)
        role = self._keeping.policy.role_of(peer)
        if role is None:
            raise RequestError("refused", f"{name} may not give orders to this suite")
        scope["state"]["caller"] = Caller(name, role)

    async def _remote(self, scope: Scope, peer: RemotePeer, authorization: str | None) -> None:
        """Who the credentials say it is; nobody comes in without."""
        assert self._keeping.remote is not None
        caller = await self._keeping.remote.caller(authorization, peer.address)
        scope["state"]["caller"] = caller
        scope["state"]["author"] = caller.name
        if GUEST in scope["state"]:
            scope["state"][GUEST].known = True

    def _check_host(self, given: str, peer: Peer | RemotePeer) -> None:
        host = _host(given)
        if isinstance(peer, Peer):
            if host not in HOSTS:
                raise RequestError("refused", "the Host of a request must be localhost")
        elif self._keeping.remote is None or not self._keeping.remote.knows_host(host):
            raise RequestError("refused", f"this suite is not {given[:80]!r}: see cmdctl.host_names")

    async def _name(self, peer: Peer) -> str:
        if peer.uid not in self._names:
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            self._names[peer.uid] = await asyncio.to_thread(user_name, peer.uid)
        return self._names[peer.uid]

    async def _refuse(self, error: RequestError, scope: Scope, receive: Receive, outcome: _Outcome) -> None:
        self._counters.add("refused")
        scope["state"][WHY] = error.message
        scope["state"][LOGGED] = True
        if self.recorder.takes(scope):
            self._log.warning(
                "CMDCTL_REQUEST_REFUSED",
                method=scope["method"],
                path=path_of(scope),
                peer=scope["state"]["peer"],
                reason=error.message,
            )
        headers = {"www-authenticate": 'Bearer, Basic realm="bobdns"'} if error.code == "unauthenticated" else {}
        await error_answer(error, {**headers, **_CLOSE})(scope, receive, outcome.send)

    async def _client_went(self, scope: Scope) -> None:
        """A change that was begun has not been made: its request did not come to its end."""
        if scope["state"][KEEPING].begun is not None:
            scope["state"][WHY] = "the client went away in the middle of its request"
            await self.recorder.keep(scope, HTTPStatus.BAD_REQUEST)

    async def _tell(self, scope: Scope, status: int) -> None:
        """Log what was asked for and how it ended, and have it kept in the audit log."""
        state = scope["state"]
        author, method, path = state.get("author", "?"), scope["method"], path_of(scope)
        reads = method in READING or bool(state.get(READS))
        if state.get(LOGGED):
            pass
        elif reads:
            self._log.debug("CMDCTL_READ", author=author, method=method, path=path, status=status)
        elif status >= HTTPStatus.BAD_REQUEST:
            self._log.info("CMDCTL_CHANGE_FAILED", author=author, method=method, path=path, status=status)
        else:
            self._log.info("CMDCTL_CHANGE", author=author, method=method, path=path, status=status)
        await self.recorder.keep(scope, status)


# What was not read of a refused request must not be taken for the next one.
_CLOSE = {"connection": "close"}


async def _break_off(scope: Scope, receive: Receive) -> None:
    """End the connection in the middle of an answer, which tells the client that the rest is missing."""
    scope["state"][BREAK_OFF]()
    while (await receive())["type"] != "http.disconnect":  # uvicorn complains of what ends before that
        pass


class _Outcome:
    """Tells how a request ended before its answer leaves."""

    def __init__(self, scope: Scope, send: Send, tell: Callable[[Scope, int], Awaitable[None]]) -> None:
        self._scope = scope
        self._send = send
        self._tell = tell
        self.complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._tell(self._scope, message["status"])
            identity = self._scope["state"]["request"].encode()
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID, identity)]
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)
        await self._send(message)


def _host(value: str) -> str:
    """The host without its port; of an IPv6 address without the brackets, of a name without the final dot."""
    if value.startswith("["):
        return value[1:].partition("]")[0].lower()
    return value.partition(":")[0].lower().removesuffix(".")
