"""What the routes work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from cmdctl.accounts import Accounts
from cmdctl.api import RestState
from cmdctl.audit import Audit, Changed
from cmdctl.candidates import Candidates
from cmdctl.catalog import Catalog
from cmdctl.pools import Work
from cmdctl.recording import CHANGED, READS
from cmdctl.zonedesk import ZoneDesk
from daemonkit.counters import Counters
from daemonkit.durations import Durations
from daemonkit.log import MessageLog
from msgq.session import Session


@dataclass(slots=True)
class Services:
    """Handed to every group of routes. Configuration replaces the catalog and the zones in one step each."""

    session: Session
    candidates: Candidates
    catalog: Catalog
    zones: ZoneDesk
    work: Work
    ask: Work  # what asks data sources, which may never answer
    change: Work  # what changes zone data, which may take longer
    checks: Work  # of zones: may take minutes, and refuses what it has no thread for
    store_work: Work  # with users, tokens and the audit log: what every request over TCP and every change waits for
    log: MessageLog
    counters: Counters
    durations: Durations
    last_lines: Path  # the directory with what all processes have logged last
    accounts: Accounts | None = None  # while the store of cmdctl can be used
    audit: Audit | None = None
    rest: Callable[[], RestState] = lambda: RestState(endpoint="off", state="off", reason="")  # how the door on TCP is


def only_reads(request: Request) -> None:
    """Note for the log that this request changes nothing, whatever its method."""
    setattr(request.state, READS, True)


def note_changed(request: Request, names: Sequence[str], revision: int | None = None, more: int = 0) -> None:
    """Say for the audit log what this request changed; names, never values. There are `more` than these."""
    setattr(request.state, CHANGED, Changed.of(names, revision, more))


def author_of(request: Request) -> str:
    """The user on whose behalf the request is made, as the kernel or their credentials tell."""
    author: str = request.state.author
    return author
