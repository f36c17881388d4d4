"""A whole cmdctl in the test's own loop: a real door, real data sources, and colleagues on the fake bus.

The colleagues answer as they are told: `place.answers["cfgmgr", "commit"] = reply or exception`; what they were asked
is in `place.asked`.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import dns.name
from argon2 import PasswordHasher

import datasrc
from auth import api as auth
from authworker import api as authworker
from bob import api as bob
from cfgmgr import api as cfgmgr
from cmdctl.accounts import Accounts
from cmdctl.api import Client, RestState
from cmdctl.app import application
from cmdctl.audit import Audit
from cmdctl.candidates import Candidates
from cmdctl.catalog import Catalog
from cmdctl.daemon import open_source
from cmdctl.guard import Gatekeeping, Guard
from cmdctl.limits import STORE_THREADS
from cmdctl.peer import Policy
from cmdctl.pools import Pool, check_pool
from cmdctl.services import Services
from cmdctl.store import Store
from cmdctl.zonedesk import ZoneDesk
from daemonkit.api import Nothing
from daemonkit.counters import Counters
from daemonkit.durations import Durations
from daemonkit.spec import Spec
from datasrc.records import Provenance
from datasrc.zonetext_zone import read_zone
from memmgr import api as memmgr
from msgq.incoming import IncomingCall
from stats import api as stats
from tests.cmdctl.http import Log, door_of
from tests.kit.bus import FakeBus
from tests.kit.zones import small_zone

P = ParamSpec("P")
R = TypeVar("R")

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # tests check no passwords but their own
COUNTERS = tuple(Spec.load("cmdctl").statistics)
SERIAL = 7

AUTH_0 = bob.InstanceStatus(
    "auth", "0", "running", 1.0, "needed", 11, 3, "", 2, "killed by SIGKILL", 4, (), None, False
)
SPARE = bob.InstanceStatus("auth", "spare", "running", 2.0, "needed", 12, 3, "", 0, "", 0, (), None, False)
CMDCTL = bob.InstanceStatus(
    "cmdctl", "0", "backing-off", 3.0, "dispensable", None, 0, "", 9, "exit 1", 0, ("msgq",), 4e9, True
)
SUITE = bob.SystemStatus(
    "0.1.0", 10, "bob", "running", 1.0, "/state", "/run", 3, ("127.0.0.1@5300",), (AUTH_0, SPARE, CMDCTL), ("toy",)
)
COUNTED = stats.ShowReply(
    1.0,
    {
        "auth": stats.ModuleStatistics(
            {"queries": 5}, {"0": stats.InstanceStatistics("running", 11, 2, 0.5, 2**24, {"queries": 5})}
        )
    },
    {},
)
CHANGE = cfgmgr.Change("auth.udp_size", 1232, 1400)
EMPTY = cfgmgr.Candidate("somebody", 3, 3, [])
CANDIDATE = cfgmgr.Candidate("somebody", 3, 3, [CHANGE])
DESCRIBED = cfgmgr.Described("auth.udp_size", "integer", "a whole number", "", 1232, False, "", "", [], [])
ACCEPTED = cfgmgr.ModuleAnswer("auth/0", "accepted")
REFUSED = cfgmgr.ModuleAnswer("auth/1", "refused", "auth.udp_size: is odd")
WARNING = cfgmgr.Problem("cmdctl.rest", "has no effect yet", "warning")
ERROR = cfgmgr.Problem("zones.example.org.role", "must be one of primary, secondary", "error", "bob.yaml:3")
COMMITTED = cfgmgr.Committed(4, [CHANGE], [WARNING], [ACCEPTED])
CHECKED = cfgmgr.Checked(True, [CHANGE], [WARNING], [ACCEPTED])
REVISION = cfgmgr.Revision(3, "2026-11-22T03:00:00Z", "ann", "why not", 1)
DESCRIBED = cfgmgr.Described("auth.udp_size", "integer", "a number", "", 1232, False, "", "", [], [])
STATUS = cfgmgr.StatusReply(3, "2026-11-22T03:00:00Z", "ann", "/state/config", "", 0, [], {}, [], [])


def zone_status(state: str = "ready", serial: int | None = SERIAL, reason: str = "") -> Callable[[IncomingCall], Any]:
    """An auth that says this of every zone it is asked for."""

    def reply(call: IncomingCall) -> auth.ZoneStatusReply:
        origins = call.arguments.get("origins") or [call.arguments.get("origin")]
        return auth.ZoneStatusReply(tuple(auth.ZoneServed(o, state, serial, 1, reason) for o in origins if o))

    return reply


def shown(call: IncomingCall) -> cfgmgr.Shown:
    """A map of options for a component, a number for everything else."""
    path = str(call.arguments.get("path") or "auth.udp_size")
    return cfgmgr.Shown(path, {"instances": 1} if path.startswith("components.") else 1232, 3, {})


async def work(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """As daemonkit.module.Context.work."""
    return await asyncio.to_thread(fn, *args, **kwargs)


def rehearsed(call: IncomingCall) -> cfgmgr.Checked:
    """Any edits make the one change there is."""
    if call.arguments.get("check"):
        return CHECKED
    return cfgmgr.Checked(True, [CHANGE] if call.arguments.get("edits") else [], [], [])


class House:
    """What a test sees of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite:///{directory}/zones.sqlite"
        self.sources: dict[str, dict[str, Any]] = {"main": {"type": "database", "url": self.url}}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answers: dict[tuple[str, str], Any] = {
            ("bob", "status"): SUITE,
            **{("bob", order): Nothing() for order in ("start", "stop", "restart")},
            ("cfgmgr", "status"): STATUS,
            ("cfgmgr", "show"): shown,
            ("cfgmgr", "diff"): EMPTY,
            ("cfgmgr", "candidates"): cfgmgr.CandidateList([cfgmgr.OneCandidate("user:somebody", 3, 1)], 3),
            ("cfgmgr", "complete"): cfgmgr.Paths([], more=False),
            ("cfgmgr", "describe"): DESCRIBED,
            ("cfgmgr", "entries"): cfgmgr.EntryPage("zones", [], 0, more=False, revision=3),
            ("cfgmgr", "export"): cfgmgr.Exported(3, "", ""),
            **{("cfgmgr", edit): CANDIDATE for edit in ("set", "unset", "add", "remove", "discard", "rebase")},
            ("cfgmgr", "check"): CHECKED,
            ("cfgmgr", "rehearse"): rehearsed,
            ("cfgmgr", "commit"): COMMITTED,
            ("cfgmgr", "reload"): cfgmgr.Reloaded("/etc/bob/bob.yaml", [CHANGE], [WARNING]),
            ("cfgmgr", "rollback"): cfgmgr.RolledBack(3, [CHANGE], [WARNING], 4),
            ("cfgmgr", "history"): cfgmgr.Revisions([REVISION], more=False),
            ("auth", "zone_status"): zone_status(),
            ("auth", "reload"): zone_status(),
            ("auth", "explain"): auth.Explained("www.example.org.", "A", (), (), (), (), None),
            ("auth", "status"): auth.StatusReply((), 0, (auth.SourceServed("main", "", 1),)),
            ("authworker", "status"): authworker.StatusReply("/run/worker.0.sock", 1, 0, 0.0),
            ("stats", "show"): COUNTED,
            ("stats", "zones"): stats.ZonesReply(1.0, {"example.org": {"responses": 3}}, False, {}),
            ("memmgr", "status"): memmgr.StatusReply("ready", "/state/images", 2, 5000, 0, 0, None, (), ()),
            ("memmgr", "zone_status"): memmgr.ZoneStatusReply(
                (memmgr.ZoneImage("example.com", memmgr.IMAGE, 3, 7, 9, 2),)
            ),
            ("memmgr", "reload"): memmgr.ReloadReply(0),
            ("memmgr", "build_status"): memmgr.BuildStatusReply(False, ""),
            ("memmgr", "failures"): memmgr.FailuresReply((), False),
            ("stats", "status"): stats.StatusReply("off", "off"),
            ("auth", "statistics"): auth.StatisticsReply({"queries": 5}),
        }
        self.bus = FakeBus()
        self.log = Log()
        self.members: dict[str, Any] = {}
        self.path = Path()
        self.services: Services
        self.store: Store
        self.keeping: Gatekeeping
        self.app: Guard
        self.check_pool, self.store_pool = check_pool(), Pool("store", STORE_THREADS)

    async def member(self, name: str) -> None:
        """Another colleague."""
        module = name.partition("/")[0]

        async def handle(call: IncomingCall) -> Any:
            self.asked.append((name, call.command, call.arguments))
            found = self.answers.get((module, call.command))
            if callable(found):
                found = found(call)
            if isinstance(found, BaseException):
                raise found
            return found

        self.members[name] = await self.bus.member(name, handle)

    def load(self, origin: str, text: str | None = None, source: str = "main") -> None:
        """Put a zone into a data source."""
        name = dns.name.from_text(origin)
        zone, findings = read_zone(io.BytesIO((text or small_zone(origin, SERIAL)).encode()), "text", name)
        assert not findings.errors, list(findings)
        opened = datasrc.open(self.sources[source]["url"], create=True)
        try:
            with opened.updater(name, create=True, replace=True) as updater:
                for rrset in zone.rrsets():
                    updater.add(rrset)
                updater.commit(Provenance("test", "test"))
        finally:
            opened.close()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else writes into the database of users, tokens and the audit log, and does not end."""
        self.store._connection.execute("PRAGMA busy_timeout=20")
        with contextlib.closing(sqlite3.connect(self.store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def commands(self, member: str) -> list[str]:
        """The commands a colleague was sent."""
        return [command for name, command, _ in self.asked if name == member]

    async def do(self, method: str, *arguments: Any, **options: Any) -> Any:
        """A call of the client, in a thread."""
        return await asyncio.to_thread(getattr(Client(self.path, timeout=30), method), *arguments, **options)

    async def get(self, *segments: str, **query: Any) -> Any:
        """GET."""
        return await self.do("get", *segments, query=query)

    async def post(self, *segments: str, body: Any = None) -> Any:
        """POST."""
        return await self.do("post", *segments, body=body)


@contextlib.asynccontextmanager
async def house(
    members: tuple[str, ...] = ("bob/0", "cfgmgr/0", "auth/0", "auth/1", "auth/spare", "memmgr/0", "stats/0"),
) -> AsyncIterator[House]:
    """A cmdctl with these colleagues."""
    with tempfile.TemporaryDirectory(prefix="house-", dir="/tmp") as directory:
        made = House(Path(directory))
        for name in members:
            await made.member(name)
        session = await made.bus.member("cmdctl/0")
        made.store = Store(made.directory)
        counters = Counters(COUNTERS)
        made.services = Services(
            session=session,
            candidates=Candidates(session, made.log, made.store_pool),
            catalog=Catalog.of({}),
            zones=ZoneDesk(made.sources, open_source),
            work=work,
            ask=work,
            change=work,
            checks=made.check_pool,
            store_work=made.store_pool,
            log=made.log,
            counters=counters,
            durations=Durations(counters),
            last_lines=made.directory / "log",
            accounts=Accounts(made.store, HASHER),
            audit=Audit(made.store),
            rest=lambda: RestState(endpoint="off", state="off", reason=""),
        )
        made.services.candidates.accounts = made.services.accounts
        made.keeping = Gatekeeping(Policy(os.geteuid(), None), audit=made.services.audit)
        made.app = application(made.services, made.keeping)
        async with door_of(made.app, counters) as made.path:
            yield made
        made.services.zones.close()
        made.store.close()
        made.check_pool.close()
        made.store_pool.close()
        await made.bus.close()
