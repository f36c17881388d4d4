"""The whole run of a suite, from the first process to the last exit."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bob.definition import CFGMGR, built_in
from bob.errors import CreatorGone, ExitStatus, SocketError
from bob.processes import Spawner, reap_orphans
from bob.supervisor import Supervisor
from bob.systemd import ServiceManager
from daemonkit.errors import DaemonError, Rejected
from daemonkit.log import MessageLog
from daemonkit.log_files import forget_lines
from daemonkit.paths import Directories
from msgq.errors import BusError

if TYPE_CHECKING:
    from bob.member import Member
    from bob.zygote_fork import Forked
    from daemonkit.spec import Message


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says."""

    directories: Directories
    config: Path | None
    listen: tuple[str, ...]  # overlay
    default_listen: tuple[str, ...]  # instead of the default of the spec
    overlay: Mapping[str, str]
    log_level: str
    # What sockcreator may bind before the configuration is there; it is restarted if that says otherwise.
    creator_places: tuple[str, ...] = ()
    config_store: str = "files"
    log_format: str = "text"
    later_config: Path | None = None  # not there yet; a reload looks again

    def cfgmgr_arguments(self) -> list[str]:
        """docs/internals.md section 5."""
        arguments = [] if self.config is None else ["--seed", str(self.config)]
        if self.config_store != "files":
            arguments += ["--store", self.config_store]
        if self.default_listen:
            arguments += ["--default", f"listen={_yaml_list(self.default_listen)}"]
        if self.listen:
            arguments += ["--overlay", f"listen={_yaml_list(self.listen)}"]
        for path, value in self.overlay.items():
            arguments += ["--overlay", f"{path}={value}"]
        return arguments


class Suite:
    """One run."""

    def __init__(
        self,
        settings: Settings,
        manager: ServiceManager,
        announce: Callable[[tuple[str, ...]], None],
        zygote: Forked | None = None,
    ) -> None:
        """`announce` is called with the addresses once the suite is up; `zygote` is one that is there already."""
        self._settings = settings
        self._manager = manager
        self._announce = announce
        self._forked = zygote
        self._log = MessageLog("bob", Messages())
        self._spawner = Spawner(settings.directories, os.environ, settings.log_level, settings.log_format)
        self._supervisor = Supervisor(self._spawner, manager, self._log)
        self._member: Member | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = ""  # why we stop, once we do
        self._terminal = _terminal()
        self._reload_due = False  # SIGHUP came before we were up

    async def run(self) -> int:
        """Start everything, watch it, stop everything; the exit status."""
        self._handle_signals()
        self._spawner.use_zygote(self._log, self._forked)
        if self._manager.watchdog_interval is not None:
            self._spawn(self._ping(self._manager.watchdog_interval))
        self._supervisor.change(built_in(self._settings.creator_places, self._settings.cfgmgr_arguments()))
        starting = asyncio.create_task(self._start())
        starting.add_done_callback(lambda _: self._supervisor.advance())
        await self._supervisor.until(lambda: starting.done() or self._over)
        if not starting.done():
            starting.cancel()
        await asyncio.wait([starting])
        failure = None if starting.cancelled() else starting.exception()
        if failure is None and not self._over and self._member is not None:
            await self._up(self._member)
        return await self._finish(failure)

    @property
    def _over(self) -> bool:
        return bool(self._ending or self._supervisor.failed)

    # Start.

    async def _start(self) -> None:
        from bob.member import Member  # the bus and the specs: read while the first processes start

        self._member = Member(
            self._settings.directories, self._supervisor, self._settings.cfgmgr_arguments(), self._log
        )
        self._spawn(self._hear_shutdown(self._member))
        roster = self._supervisor.roster
        await self._supervisor.until(lambda: roster.components[CFGMGR].ready)
        await self._member.join()
        await self._supervisor.until(roster.is_up)

    async def _up(self, member: Member) -> None:
        self._supervisor.roster.came_up()
        member.daemon.phase = "running"
        listen = member.daemon.listen
        self._log.info("BOB_UP", listen=", ".join(listen), revision=member.daemon.revision)
        self._manager.ready(f"answering on {', '.join(listen)}")
        self._announce(listen)
        if self._reload_due:
            self._spawn(self._reload(member))
        await self._supervisor.until(lambda: self._over)

    # End.

    async def _finish(self, failure: BaseException | None) -> int:
        reason = self._supervisor.failed or self._ending or _reason(failure)
        failed = bool(self._supervisor.failed) or not self._ending
        if failure is not None and not isinstance(failure, BusError | DaemonError):
            self._log.exception("BOB_DEFECT", failure)
        if failed:
            self._log.error("BOB_FAILED", reason=reason)
        else:
            self._log.info("BOB_STOPPING", reason=reason)
        self._manager.stopping(reason)
        leaving = [] if self._member is None else [self._member.leave()]
        await asyncio.gather(*leaving, self._supervisor.shut_down())
        for task in self._tasks:
            task.cancel()
        self._manager.close()
        await self._spawner.close()
        self._log.info("BOB_STOPPED")
        return self._status(failure) if failed else ExitStatus.STOPPED

    def _status(self, failure: BaseException | None) -> ExitStatus:
        """The exit status of a failure: who starts us again must know whether that can help."""
        if self._supervisor.failed:
            return ExitStatus.CONFIGURATION if self._supervisor.failed_for_good else ExitStatus.FAILED
        if not isinstance(failure, Rejected):
            return ExitStatus.FAILED
        cause = failure.__cause__
        if isinstance(cause, SocketError):
            return ExitStatus.FAILED if isinstance(cause, CreatorGone) else ExitStatus.UNAVAILABLE
        return ExitStatus.CONFIGURATION

    # Signals.

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._hangup)
        loop.add_signal_handler(signal.SIGCHLD, self._child_ended)

    def _child_ended(self) -> None:
        zygote = self._spawner.zygote
        reap_orphans(self._supervisor.processes | (set() if zygote is None else {zygote}))
        forget_lines(self._settings.directories.last_lines, self._log)

    def _stop_signal(self, number: signal.Signals) -> None:
        if self._ending:  # asked again: do not wait any more
            self._supervisor.kill_all()
            return
        self.stop(f"{number.name} was received")

    def stop(self, reason: str) -> None:
        """Begin the end."""
        self._ending = self._ending or reason
        self._supervisor.advance()

    def _hangup(self) -> None:
        if self._terminal is not None and not _has_terminal(self._terminal):
            self.stop("the terminal is gone")
        elif self._member is None or self._member.daemon.phase == "starting":
            self._reload_due = True
        elif not self._over:
            self._spawn(self._reload(self._member))

    async def _reload(self, member: Member) -> None:
        """Have the configuration file read again."""
        self._manager.reloading()
        if not await self._has_config(member):
            self._log.info("BOB_NOTHING_TO_RELOAD")
            self._manager.ready("there is no configuration file")
            return
        self._supervisor.tally.add("reloads")
        try:
            done = await member.reload()
            self._log.info("BOB_RELOADED", revision=done.revision, changes=len(done.changes))
            status = f"configuration revision {done.revision}"
        except BusError as error:
            self._supervisor.tally.add("reloads.failed")
            self._log.error("BOB_NOT_RELOADED", reason=error)
            status = f"reload failed: {error}"
        self._manager.ready(status)

    async def _has_config(self, member: Member) -> bool:
        """Whether there is a configuration file; the default one may have been made after the start."""
        later = self._settings.later_config
        if self._settings.config is None and later is not None and os.access(later, os.R_OK):
            self._settings = replace(self._settings, config=later)
            await member.daemon.restart_cfgmgr(self._settings.cfgmgr_arguments())
        return self._settings.config is not None

    async def _hear_shutdown(self, member: Member) -> None:
        await member.daemon.shutdown_wanted.wait()
        self.stop("the command shutdown was received")

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ping(self, interval: float) -> None:
        while True:
            self._manager.ping()
            await asyncio.sleep(interval)


class Messages(Mapping[str, "Message"]):
    """The texts of bob's messages, read when the first is written."""

    def __getitem__(self, name: str) -> Message:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @cached_property
    def _all(self) -> Mapping[str, Message]:
        from daemonkit.spec import Spec

        return {**Spec.load("daemonkit").messages, **Spec.load("bob").messages}


def _reason(failure: BaseException | None) -> str:
    if isinstance(failure, Rejected):
        return f"the configuration cannot be used: {failure}"
    return str(failure) or type(failure).__name__


def _yaml_list(items: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def _terminal() -> int | None:
    """The descriptor of the terminal we were started from, if it is one."""
    return next((stream.fileno() for stream in (sys.stdin, sys.stderr) if stream is not None and stream.isatty()), None)


def _has_terminal(descriptor: int) -> bool:
    try:
        os.tcgetpgrp(descriptor)
    except OSError:  # EIO: it was hung up
        return False
    return True
