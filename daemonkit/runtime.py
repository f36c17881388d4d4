"""One daemon at work: ties its module to the control channel, the bus and the configuration."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import dataclass

from daemonkit import control
from daemonkit.control import ControlChannel
from daemonkit.counting import count_in_page, count_log, counters_of
from daemonkit.errors import ControlError, DaemonError, ExitCode, Rejected
from daemonkit.log import MessageLog, log_handler, rename_log
from daemonkit.membership import Membership
from daemonkit.module import Context, ListeningSocket, Module
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq.errors import BusError
from msgq.session import Session

HEARTBEAT_INTERVAL = 0.25  # seconds; bob has the spare stand in after 0.75, and calls a child hung after 3
RETRY_INTERVAL = 0.2  # seconds between attempts to take a name that is still another's
STOP_TIMEOUT = 1.5  # seconds a module has to finish; bob sends SIGKILL later


@dataclass(frozen=True, slots=True)
class Place:
    """What bob told this process at its start."""

    component: str
    instance: str
    directories: Directories
    control: socket.socket
    spec: str | None
    arguments: tuple[str, ...]

    @property
    def member(self) -> str:
        """Who this process is."""
        return f"{self.component}/{self.instance}"


class Runtime:
    """The life of one daemon process, on the running loop."""

    def __init__(self, module: type[Module], place: Place, spec: Spec) -> None:
        common = Spec.load("daemonkit")
        messages = {**common.messages, **spec.messages}
        self._channel = ControlChannel(place.control, on_packet=self._on_packet, on_end=self._bob_died)
        self._session = Session(place.directories.bus_address, place.member, pid=os.getpid())
        self._context = Context(
            component=place.component,
            instance=place.instance,
            directories=place.directories,
            arguments=place.arguments,
            spec=spec,
            log=MessageLog(place.component, messages),
            counters=counters_of(spec, common),
            session=self._session,
        )
        count_log(self._context.counters)
        if (handler := log_handler()) is not None:
            handler.watch(self._context.log)
        self._module = module(self._context)
        self._membership = Membership(self._module, self._context)
        count_in_page(self._context)  # the module has said by now what it counts and how long what takes
        self._sockets: list[ListeningSocket] = []  # of a set that is still arriving
        self._sockets_lock = asyncio.Lock()

    async def run(self) -> ExitCode:
        """Start, work until told to stop, stop."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._context.stop.set)
        self._context.spawn(self._beat(), "heartbeat")
        starting = asyncio.create_task(self._start())
        starting.add_done_callback(self._started)
        await self._context.stop.wait()
        starting.cancel()
        return await self._finish()

    def _started(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._context.fail(error)

    async def _start(self) -> None:
        if self._module.uses_configuration:
            self._membership.expect_configuration()
        if self._module.uses_bus:
            await self._membership.join()
        if self._module.uses_configuration:
            await self._membership.configure()
        await self._module.on_start()
        self._context.progress = ""
        self._channel.send(control.encode(control.Ready()))
        if self._module.uses_configuration:
            self._context.log.info("DAEMON_READY", revision=self._membership.revision)
        else:
            self._context.log.info("DAEMON_STARTED")

    async def _finish(self) -> ExitCode:
        failure = self._context.failure
        if failure is not None:
            self._log_failure(failure)
        self._channel.send(control.encode(control.Stopping(str(failure or "told to stop"))))
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._module.on_stop()
                await self._context.close()
                await self._session.close()
        except TimeoutError:
            self._context.log.warning("DAEMON_STOP_TIMEOUT", seconds=STOP_TIMEOUT)
        self._channel.close()
        return _exit_code(failure)

    def _log_failure(self, failure: BaseException) -> None:
        if isinstance(failure, DaemonError | BusError):  # said well enough without a traceback
            self._context.log.error("DAEMON_FAILED", error=failure)
        else:
            self._context.log.exception("DAEMON_FAILED", failure)

    async def _beat(self) -> None:
        while True:
            own = self._module.own_revision
            revision = self._membership.revision if own is None else own
            beat = control.Heartbeat(revision, self._context.progress)
            self._channel.send(control.encode(beat))
            await asyncio.sleep(HEARTBEAT_INTERVAL)

    # What bob says.

    def _on_packet(self, packet: bytes, descriptors: list[int]) -> None:
        try:
            message = control.decode_to_child(packet)
        except ControlError as error:
            control.close_all(descriptors)
            self._context.log.error("DAEMON_CONTROL_GARBAGE", reason=error)
            return
        if isinstance(message, control.Sockets):
            self._collect_sockets(message, descriptors)
            return
        control.close_all(descriptors)
        if isinstance(message, control.Stop):
            self._context.stop.set()
        else:
            self._context.spawn(self._module.on_died(message), "died")

    def _collect_sockets(self, message: control.Sockets, descriptors: list[int]) -> None:
        if len(descriptors) != len(message.sockets):
            control.close_all(descriptors)
            self._context.fail(ControlError(f"{len(descriptors)} descriptors came for {len(message.sockets)} sockets"))
            return
        pairs = zip(message.sockets, descriptors, strict=True)
        self._sockets += [ListeningSocket(place, socket.socket(fileno=fd)) for place, fd in pairs]
        if not message.more:
            taken, self._sockets = self._sockets, []
            self._context.spawn(self._take_sockets(message, taken), "sockets")

    async def _take_sockets(self, message: control.Sockets, sockets: list[ListeningSocket]) -> None:
        async with self._sockets_lock:
            if self._context.instance != message.instance:
                self._context.instance = message.instance
                rename_log(self._context.member)
                count_in_page(self._context)
            await self._module.on_sockets(sockets)
            self._channel.send(control.encode(control.SocketsTaken(message.generation)))
        await self._take_name(self._context.member)

    async def _take_name(self, member: str) -> None:
        """Become this member; the broker may not know yet that the one before is dead, or be dead itself."""
        while self._module.uses_bus and self._session.member != member == self._context.member:
            try:
                await self._session.rename(member)
            except BusError as error:
                self._context.log.debug("DAEMON_NAME_TAKEN", member=member, reason=error)
                await asyncio.sleep(RETRY_INTERVAL)

    def _bob_died(self) -> None:
        os._exit(ExitCode.TEMPORARY)


def _exit_code(failure: BaseException | None) -> ExitCode:
    if failure is None:
        return ExitCode.STOPPED
    return ExitCode.CONFIGURATION if isinstance(failure, Rejected) else ExitCode.INTERNAL
