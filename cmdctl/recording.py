"""Which requests are kept in the audit log, when, and which are only counted.

Guard -> Recorder -> Audit

A change is kept before it is made, as begun, and completed with its outcome: what was cut short in between is there and
says that its outcome is not known. Users and tokens are in the same database: there the deed and its entry are one
transaction. What cannot be kept is not done, but for orders that whoever is at the machine needs then.

What a client can make us write is bounded: of one origin, or author, so many refusals a minute are kept. How many were
not is told by an entry of its own when the minute is over, before the next request is looked at: who reads has it.
"""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Literal

from starlette.types import Scope

from cmdctl.accounts import Note
from cmdctl.audit import BEGUN, NOTHING, Audit, Changed, Entry, Refusals, insert, is_refusal
from cmdctl.errors import RequestError
from cmdctl.limits import KNOWN_REFUSALS_A_MINUTE, MAX_AUDIT_PATH
from cmdctl.peer import Peer, RemotePeer, neighbourhood
from cmdctl.pools import Work
from cmdctl.store import StoreFailed
from daemonkit.counters import Counters
from daemonkit.log import MessageLog

READING = ("GET", "HEAD")
TURNED_AWAY = (401, 403, 429)  # the refusals that are kept also of requests that only read
READS = "reads"  # set in the state of a request by a route that finds that it changes nothing
LEFT_OUT = "left-out"  # set in the state of a request that is one refusal too many: only counted
TOLD = "told"  # set in the state of a request whose refusal is counted in, and logged, already
WHY = "why"  # set in the state of a request by what answers with an error
CHANGED = "changed"  # set in the state of a request by a route that says what it changed (audit.Changed)
KEEPING = "keeping"  # in the state of a request: its Keeping
NOT_OPEN = "the audit log is not open: see the log of cmdctl"

# How a route has its changes kept: before they are made; if that is possible, where it is asked at the machine itself;
# or by the route, which alone knows whether something changes, or what.
Kept = Literal["before", "if-possible", "by-route"]


class Recorder:
    """Keeps what is to be kept. `audit` tells where, None while there is no audit log."""

    def __init__(self, audit: Callable[[], Audit | None], work: Work, log: MessageLog, counters: Counters) -> None:
        self._audit = audit
        self._work = work
        self._log = log
        self._counters = counters
        self.refusals = Refusals()

    def takes(self, scope: Scope) -> bool:
        """Whether one more refusal of this origin is told in full; one that is not is counted."""
        if (caller := scope["state"].get("caller")) is not None:
            taken = self.refusals.tell(caller.name, KNOWN_REFUSALS_A_MINUTE)
        else:
            taken = self.refusals.tell(_place(scope["state"]["peer"]))
        scope["state"][TOLD] = True
        if not taken:
            scope["state"][LEFT_OUT] = True
            self._counters.add("refusals_left_out")
        return taken

    async def begin(self, scope: Scope) -> int:
        """Keep that a change is begun, and give the id of its entry; raises StoreFailed."""
        if (audit := self._audit()) is None:
            raise StoreFailed(NOT_OPEN)
        return await self._work(audit.write, entry_of(scope, BEGUN))

    def tell_unkept(self, scope: Scope, reason: StoreFailed) -> None:
        """Log what is done without an entry."""
        author, method, path = scope["state"].get("author", "?"), scope["method"], path_of(scope)
        self._log.warning("CMDCTL_CHANGE_NOT_KEPT", author=author, method=method, path=path, reason=reason)

    async def keep(self, scope: Scope, status: int) -> None:
        """Keep how a request ended, if that is to be kept."""
        audit, state = self._audit(), scope["state"]
        keeping: Keeping = state[KEEPING]
        if audit is None or keeping.done:
            return
        if keeping.begun is None and not _is_kept(scope, status):
            return
        if is_refusal(status) and not state.get(TOLD):
            self.takes(scope)
        left_out = bool(state.get(LEFT_OUT))
        try:
            if keeping.begun is not None and left_out:
                await self._work(audit.drop, keeping.begun)
            elif keeping.begun is not None:
                await self._work(audit.complete, keeping.begun, entry_of(scope, status))
            elif not left_out:
                await self._work(audit.write, entry_of(scope, status))
        except StoreFailed as error:  # its entry goes on saying that it was begun, or there is none
            self._log.error("CMDCTL_STORE_FAILED", reason=error)
            if not is_refusal(status) and not keeping.failed:
                self.tell_unkept(scope, error)

    async def tell_left_out(self, *, at_once: bool = False) -> None:
        """Say how many refusals were only counted, when their minute is over."""
        if (left_out := self.refusals.left_out(at_once=at_once)) is None:
            return
        self._log.warning("CMDCTL_REFUSALS_LEFT_OUT", count=left_out.count, origins=left_out.origins)
        if (audit := self._audit()) is not None:
            try:
                await self._work(audit.write, left_out.entry())
            except StoreFailed as error:
                self._log.error("CMDCTL_STORE_FAILED", reason=error)


class Keeping:
    """What a route does to have its change kept. Each request has one."""

    def __init__(self, recorder: Recorder, scope: Scope) -> None:
        self._recorder = recorder
        self._scope = scope
        self.begun: int | None = None  # the id of an entry without an outcome
        self.failed = False  # to be begun: it was refused for that, or has been told
        self.done = False  # the entry is there, outcome and all

    async def begin(self, *, needed: bool) -> None:
        """Keep that the change is begun. Where that fails: RequestError, or only a word in the log where it is not
        `needed`, and whoever asks is at the machine.
        """
        try:
            self.begun = await self._recorder.begin(self._scope)
        except StoreFailed as error:
            self.failed = True
            if needed or not isinstance(self._scope["state"]["peer"], Peer):
                raise RequestError(
                    "unavailable", f"not done, since it cannot be kept in the audit log: {error}"
                ) from error
            self._recorder.tell_unkept(self._scope, error)

    def note(self, status: int) -> Note:
        """For who writes into the database of the audit log anyway: keeps names of what changed with the deed."""
        return functools.partial(self._write, status)

    def _write(self, status: int, connection: sqlite3.Connection, names: Sequence[str]) -> None:
        self._scope["state"][CHANGED] = Changed.of(names)
        insert(connection, entry_of(self._scope, status))


def _is_kept(scope: Scope, status: int) -> bool:
    """Whether an entry is made of a request of which none was begun."""
    if scope["state"].get(READS):
        return False
    return scope["method"] not in READING or status in TURNED_AWAY


def path_of(scope: Scope) -> str:
    """What is kept of the path of a request."""
    path: str = scope["path"]
    return path[:MAX_AUDIT_PATH]


def entry_of(scope: Scope, status: int) -> Entry:
    """What is kept of a request that ended so."""
    state = scope["state"]
    caller = state.get("caller")
    return Entry(
        time=time.time(),
        request=state["request"],
        author=state.get("author", "?"),
        origin=str(state["peer"]),
        token=caller.token if caller is not None else "",
        method=scope["method"],
        path=path_of(scope),
        status=status,
        text=state.get(WHY, ""),
        changed=state.get(CHANGED, NOTHING),
    )


def _place(peer: Peer | RemotePeer) -> str:
    return neighbourhood(peer.address) if isinstance(peer, RemotePeer) else f"uid {peer.uid}"
