"""A real cfgmgr and members of any module, in one loop over the fake bus, with the store in a real directory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from cfgmgr import api
from cfgmgr.daemon import CfgmgrDaemon
from cfgmgr.manager import Manager
from daemonkit.configuration import Config, Prepared
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.membership import Membership
from daemonkit.module import Context, Module
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq.session import Session
from tests.kit.bus import FakeBus


class LogBook(MessageLog):
    """A log that keeps what is written, as `ID text`."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec.module, {**Spec.load("daemonkit").messages, **spec.messages})
        self.lines: list[str] = []

    def _write(self, level, message_id, fields, error=None):
        self.lines.append(f"{message_id} {self._messages[message_id].text.format_map(fields)}")

    def has(self, message_id: str) -> bool:
        return any(line.startswith(message_id) for line in self.lines)

    def of(self, message_id: str) -> list[str]:
        return [line.removeprefix(message_id).strip() for line in self.lines if line.startswith(message_id)]


def context_of(
    name: str,
    instance: str,
    session: Session,
    directory: Path,
    arguments: tuple[str, ...] = (),
    spec: Spec | None = None,
) -> Context:
    spec = spec or Spec.load(name)
    return Context(
        component=name,
        instance=instance,
        directories=Directories(directory / "state", directory / "run"),
        arguments=arguments,
        spec=spec,
        log=LogBook(spec),
        counters=Counters(spec.statistics),
        session=session,
    )


class Recorder(Module):
    """A member that notes what it is told; `on_prepare` may refuse, adjust, wait or die."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.live: dict[str, Any] = {}
        self.events: list[str] = []
        self.on_prepare: Callable[[Config], Awaitable[Prepared | None]] | None = None
        self.on_apply: Callable[[], None] = lambda: None

    async def prepare(self, config: Config) -> Prepared:
        self.events.append(f"prepare {config.revision}")
        wanted = await self.on_prepare(config) if self.on_prepare else None

        def apply() -> None:
            self.on_apply()
            self.events.append(f"apply {config.revision}")
            self.live = dict(config.values)

        def discard() -> None:
            self.events.append(f"discard {config.revision}")

        return Prepared(apply, discard, wanted.adjustments if wanted else ())


class Member:
    """One running member."""

    def __init__(self, module: Module, membership: Membership, session: Session) -> None:
        self.module = module
        self.membership = membership
        self.session = session

    @property
    def revision(self) -> int:
        return self.membership.revision


class Bench:
    """The suite in small. `arguments` are cfgmgr's."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.arguments = arguments
        self.bus = FakeBus()
        self.members: dict[str, Member] = {}

    async def __aenter__(self) -> Self:
        await self.start_cfgmgr()
        self.client = await self.bus.member("tester/0")
        return self

    async def __aexit__(self, *error: object) -> None:
        for name in list(self.members):
            await self.end(name)
        await self.bus.close()

    @property
    def store(self) -> Path:
        return self.directory / "state" / "config"

    @property
    def log(self) -> LogBook:
        log = self.members["cfgmgr/0"].module.context.log
        assert isinstance(log, LogBook)
        return log

    @property
    def counters(self) -> dict[str, int]:
        """The counters of cfgmgr."""
        return self.members["cfgmgr/0"].module.context.counters.statistics()

    def counted(self) -> dict[str, int]:
        """Those that count, without the ones that are 0."""
        return {name: count for name, count in self.counters.items() if count and not name.endswith("_seconds")}

    async def start_cfgmgr(self) -> Member:
        session = self.bus.session("cfgmgr/0")
        context = context_of("cfgmgr", "0", session, self.directory, self.arguments)
        daemon = CfgmgrDaemon(context)
        membership = Membership(daemon, context)
        member = self.members["cfgmgr/0"] = Member(daemon, membership, session)
        await membership.join()
        await daemon.on_start()
        return member

    async def kill_cfgmgr(self) -> None:
        """As by SIGKILL: no word to anybody; its lock is gone with it."""
        member = self.members.pop("cfgmgr/0")
        self.bus.kill_member(member.session)
        daemon = member.module
        assert isinstance(daemon, CfgmgrDaemon)
        for commit in daemon._commits:
            commit.cancel()
        if daemon._ready.done():
            daemon._ready.result().store.close()
        await member.module.context.close()
        # What was in the worker thread ends before anything else is done to the store, as it would with the process.
        await asyncio.to_thread(member.module.context._worker.shutdown, wait=True)

    async def restart_cfgmgr(self) -> None:
        await self.kill_cfgmgr()
        await self.start_cfgmgr()

    async def start(self, name: str, instance: str = "0", spec: Spec | None = None) -> Recorder:
        """A member that takes its configuration and follows it."""
        session = self.bus.session(f"{name}/{instance}")
        context = context_of(name, instance, session, self.directory, spec=spec)
        module = Recorder(context)
        membership = Membership(module, context)
        self.members[f"{name}/{instance}"] = Member(module, membership, session)
        await membership.join()
        await membership.configure()
        return module

    async def end(self, name: str) -> None:
        member = self.members.pop(name)
        await member.module.on_stop()
        await member.module.context.close()
        await member.session.close()

    def kill(self, name: str) -> None:
        member = self.members.pop(name)
        self.bus.kill_member(member.session)

    async def call(self, request: Any, timeout: float = 20.0) -> Any:
        return await self.client.call(request, timeout=timeout)

    async def revision(self) -> int:
        return int((await self.call(api.Status())).revision)

    async def change(self, path: str, value: Any, author: str = "alice", reason: str = "") -> api.Committed:
        """Set and commit."""
        await self.call(api.Set(author, path, value))
        committed: api.Committed = await self.call(api.Commit(author, reason))
        return committed

    def revisions(self) -> list[str]:
        """The names of the revision files."""
        return sorted(path.name for path in self.store.iterdir() if path.name.startswith("revision"))

    @property
    def daemon(self) -> CfgmgrDaemon:
        daemon = self.members["cfgmgr/0"].module
        assert isinstance(daemon, CfgmgrDaemon)
        return daemon

    @property
    def manager(self) -> Manager:
        return self.daemon._ready.result()


async def eventually(condition: Callable[[], Any], deadline: float = 10.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(deadline):
        while not condition():
            await asyncio.sleep(0.005)
