"""Child processes: how they are started, ended, and how their end is told."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import sockcreator
from bob import shim
from bob.definition import SOCKCREATOR, Definition, Limits
from bob.errors import SpawnError
from bob.privileges import low_ports_for_a_child
from bob.zygote_client import ZYGOTE_FILE, Zygote, ZygoteFailed
from bob.zygote_fork import Forked
from daemonkit import control
from daemonkit.errors import ExitCode
from daemonkit.log import MessageLog
from daemonkit.paths import Directories
from daemonkit.process import interpreter

LIMIT_RESOURCES = {
    "open_files": resource.RLIMIT_NOFILE,
    "memory": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "core": resource.RLIMIT_CORE,
}
# What the zygote reads ahead, in this order; it forks a daemon when it has read so far, or when it has read all.
READ_AHEAD = (
    *("daemonkit.main", "daemonkit.process:check_installation", "daemonkit.spec:load_all", "msgq.daemon"),
    *("cfgmgr.daemon", "datasrc.database.store:get_ready", "sqlalchemy.dialects.sqlite.pysqlite", "memmgr.daemon"),
    *("stats.daemon", "cmdctl.daemon", "msgq.envelope:get_ready", "authworker.daemon"),
    "auth.daemon",  # the last: several are forked, and what is read later they do not share
)
HEAR_EVERY = 1.0  # s between looks whether a zygote that reads has said something
CREATOR_FILE = Path(sockcreator.__file__).parent / "creator.py"
SHIM_FILE = Path(shim.__file__)


@dataclass(slots=True)
class Process:
    """A child, leader of its own process group."""

    pid: int
    pidfd: int
    popen: subprocess.Popen[bytes] | None = None  # None: the zygote forked it

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all of its group. One that has just ended is no error."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # EPERM: it changed its user; then it is not ours to end
            pass

    def reap(self) -> str:
        """Collect the ended process; how it ended. What is left of its group is killed."""
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOWAIT)
        self.signal(signal.SIGKILL)  # while the number of the group is still taken by the dead leader
        if self.popen is None:
            os.waitpid(self.pid, 0)
        else:
            self.popen.wait()
        os.close(self.pidfd)
        return "ended" if result is None else describe_exit(result.si_code, result.si_status)


class Spawner:
    """Starts children with what docs/internals.md section 1 promises them."""

    def __init__(
        self, directories: Directories, environment: Mapping[str, str], log_level: str, log_format: str = "text"
    ) -> None:
        self._zygote: Zygote | None = None
        self._another: asyncio.TimerHandle | None = None  # begins the next zygote
        self._hearing: asyncio.TimerHandle | None = None  # hears what the zygote says that still reads
        self._closing = False
        self._without_zygote = asyncio.Event()
        self._without_zygote.set()
        self._log: MessageLog | None = None
        kept = {name: value for name, value in environment.items() if not name.startswith("BOB_")}
        self._environment = kept | {
            control.ENV_RUN_DIR: str(directories.run),
            control.ENV_STATE_DIR: str(directories.state),
            control.ENV_LOG_LEVEL: log_level,
            control.ENV_LOG_FORMAT: log_format,
        }

    def use_zygote(self, log: MessageLog, forked: Forked | None = None) -> None:
        """From now on have our daemons forked, where that can be done: by this zygote. Runs on the loop."""
        self._log = log
        self._zygote = Zygote(self._start_zygote, self._tell_unready)
        if forked is None:
            self._begin_zygote(first=True)
        else:
            self._zygote.adopt(forked)
            self._watch_zygote(Process(forked.pid, os.pidfd_open(forked.pid)))

    @property
    def zygote(self) -> int | None:
        """Its process id, while there is one."""
        return None if self._zygote is None else self._zygote.pid

    async def close(self) -> None:
        """End the zygote, which has nothing to finish."""
        self._closing = True
        for timer in (self._another, self._hearing):
            if timer is not None:
                timer.cancel()
        if self._zygote is not None and self._zygote.pid is not None:
            os.kill(self._zygote.pid, signal.SIGKILL)
            await self._without_zygote.wait()

    def spawn(self, definition: Definition, number: str, end: socket.socket) -> Process:
        """Start a process of a component with the child's end of its control channel. Raises SpawnError."""
        descriptor = end.fileno()
        environment = self._environment | {
            control.ENV_CONTROL_FD: str(descriptor),
            control.ENV_COMPONENT: definition.name,
            control.ENV_INSTANCE: number,
        }
        if definition.spec is not None:
            environment[control.ENV_SPEC] = str(definition.spec)
        if definition.name == SOCKCREATOR:
            with low_ports_for_a_child():
                return self._start(creator_command(descriptor, definition.arguments), environment, descriptor)
        process = self._fork(definition, environment, descriptor)
        if process is None:
            process = self._start(command_of(definition), environment, descriptor)
        try:
            apply_limits(process.pid, definition.nice, definition.limits)
        except (OSError, ValueError) as error:
            process.signal(signal.SIGKILL)
            process.reap()
            raise SpawnError(f"its limits cannot be set: {error}") from error
        return process

    def _fork(self, definition: Definition, environment: Mapping[str, str], descriptor: int) -> Process | None:
        """Have the zygote start a daemon of ours; None where there is none that does."""
        if self._zygote is None or definition.foreign:
            return None
        told = {name: value for name, value in environment.items() if name.startswith("BOB_")}
        try:
            pid = self._zygote.fork(definition.program, definition.arguments, told, descriptor)
        except (ZygoteFailed, SpawnError) as error:
            self._tell_zygote_failed(str(error))
            return None
        return None if pid is None else Process(pid, os.pidfd_open(pid))

    def _start_zygote(self, descriptor: int) -> int:
        command = [*interpreter(), str(ZYGOTE_FILE), str(descriptor), str(os.getpid()), *READ_AHEAD]
        process = self._start(command, self._environment, descriptor)
        self._watch_zygote(process)
        return process.pid

    def _watch_zygote(self, process: Process) -> None:
        self._without_zygote.clear()
        watch(process, self._zygote_ended)
        self._hearing = asyncio.get_running_loop().call_later(HEAR_EVERY, self._hear_zygote)

    def _hear_zygote(self) -> None:
        """Until it has read everything: what it could not get ready shall not wait for the next fork to be told."""
        if self._zygote is not None and self._zygote.pid is not None and not self._zygote.is_ready:
            self._hearing = asyncio.get_running_loop().call_later(HEAR_EVERY, self._hear_zygote)

    def _zygote_ended(self, _process: Process, how: str) -> None:
        assert self._zygote is not None
        rest = self._zygote.ended()
        if self._hearing is not None:
            self._hearing.cancel()
        self._without_zygote.set()
        if not self._closing:
            self._tell_zygote_failed(f"its process has ended: {how}")
            self._another = asyncio.get_running_loop().call_later(rest, self._begin_zygote)

    def _begin_zygote(self, *, first: bool = False) -> None:
        """Begin another one, which reads while daemons are started without it."""
        assert self._zygote is not None
        try:
            self._zygote.begin(first=first)
        except (OSError, SpawnError) as error:
            self._tell_zygote_failed(str(error))
            self._another = asyncio.get_running_loop().call_later(self._zygote.ended(), self._begin_zygote)

    def _tell_zygote_failed(self, reason: str) -> None:
        if self._log is not None:
            self._log.warning("BOB_ZYGOTE_FAILED", reason=reason)

    def _tell_unready(self, what: str, reason: str) -> None:
        assert self._log is not None
        self._log.warning("BOB_ZYGOTE_UNREADY", what=what, reason=reason)

    def _start(self, command: list[str], environment: Mapping[str, str], descriptor: int) -> Process:
        try:
            popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, env=environment, pass_fds=(descriptor,), cwd="/", process_group=0
            )
        except OSError as error:
            raise SpawnError(f"{command[0]}: {error.strerror}") from error
        return Process(popen.pid, os.pidfd_open(popen.pid), popen)


def watch(process: Process, ended: Callable[[Process, str], None]) -> None:
    """Reap the process when it ends, on the running loop, and tell how."""
    loop = asyncio.get_running_loop()

    def reap() -> None:
        loop.remove_reader(process.pidfd)
        ended(process, process.reap())
        signal.raise_signal(signal.SIGCHLD)  # orphans may have ended behind it, which reap_orphans did not reach

    loop.add_reader(process.pidfd, reap)


def reap_orphans(ours: Container[int]) -> None:
    """We inherit the orphans of our children (prctl(2), PR_SET_CHILD_SUBREAPER): collect those that have ended."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in ours:
            return  # none, or one of our own first: that is reaped by its pidfd, and the next signal goes on
        os.waitpid(ended.si_pid, 0)


def command_of(definition: Definition) -> list[str]:
    """How a component is started: by the shim, which becomes a package of ours or a foreign program."""
    parent = str(os.getpid())
    if definition.foreign:
        return [*interpreter(), "-S", str(SHIM_FILE), parent, definition.program, *definition.arguments]
    return [*interpreter(), str(SHIM_FILE), parent, shim.MODULE, definition.program, *definition.arguments]


def creator_command(descriptor: int, places: tuple[str, ...]) -> list[str]:
    """How sockcreator is started."""
    command = [*interpreter(), "-S", str(CREATOR_FILE)]
    return [*command, str(descriptor), str(os.getpid()), str(os.geteuid()), *places]


def apply_limits(pid: int, nice: int, limits: Limits) -> None:
    """Set niceness and resource limits of a process. Raises OSError, ValueError."""
    if nice:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    for name, number in LIMIT_RESOURCES.items():
        value = getattr(limits, name)
        if value is not None:
            resource.prlimit(pid, number, (value, value))


def describe_exit(code: int, status: int) -> str:
    """How a process ended, in words: `si_code` and `si_status` of waitid(2)."""
    if code == os.CLD_EXITED:
        meaning = {int(known): known.name.lower() for known in ExitCode if known is not ExitCode.STOPPED}.get(status)
        return f"exit status {status}" + (f" ({meaning})" if meaning else "")
    dumped = ", core dumped" if code == os.CLD_DUMPED else ""
    try:
        return f"killed by {signal.Signals(status).name}{dumped}"
    except ValueError:  # a real-time signal
        return f"killed by signal {status}{dumped}"
