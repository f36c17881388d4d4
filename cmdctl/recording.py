"""Which requests are kept in the audit log, and which are only counted.

Guard -> Recorder -> Audit

What a client can make us write is bounded: of one origin, or author, so many refusals a minute are kept. How many were
not is told by an entry of its own when the minute is over, before the next request is looked at: who reads has it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from starlette.types import Scope

from cmdctl.audit import NOTHING, Entry, Refusals, is_refusal
from cmdctl.limits import KNOWN_REFUSALS_A_MINUTE, MAX_AUDIT_PATH
from cmdctl.peer import Peer, RemotePeer, neighbourhood
from daemonkit.counters import Counters
from daemonkit.log import MessageLog

READING = ("GET", "HEAD")
TURNED_AWAY = (401, 403, 429)  # the refusals that are kept also of requests that only read
READS = "reads"  # set in the state of a request by a route that finds that it changes nothing
LEFT_OUT = "left-out"  # set in the state of a request that is one refusal too many: only counted
TOLD = "told"  # set in the state of a request whose refusal is counted in, and logged, already
WHY = "why"  # set in the state of a request by what answers with an error
CHANGED = "changed"  # set in the state of a request by a route that says what it changed (audit.Changed)

Auditor = Callable[[Entry], Awaitable[None]]


class Recorder:
    """Keeps what is to be kept. `audit` tells where, None while there is no audit log."""

    def __init__(self, audit: Callable[[], Auditor | None], log: MessageLog, counters: Counters) -> None:
        self._audit = audit
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

    async def keep(self, scope: Scope, status: int) -> None:
        """Keep how a request ended, if that is to be kept."""
        audit, state = self._audit(), scope["state"]
        if audit is None or state.get(READS) or (scope["method"] in READING and status not in TURNED_AWAY):
            return
        if is_refusal(status) and not state.get(TOLD):
            self.takes(scope)
        if not state.get(LEFT_OUT):
            await audit(entry_of(scope, status))

    async def tell_left_out(self, *, at_once: bool = False) -> None:
        """Say how many refusals were only counted, when their minute is over."""
        if (left_out := self.refusals.left_out(at_once=at_once)) is None:
            return
        self._log.warning("CMDCTL_REFUSALS_LEFT_OUT", count=left_out.count, origins=left_out.origins)
        if (audit := self._audit()) is not None:
            await audit(left_out.entry())


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
