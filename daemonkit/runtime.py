"""One daemon at work: ties its module to the control channel, the bus and the configuration."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import dataclass
from typing import Any

import msgspec

from daemonkit import api, control
from daemonkit.configuration import Config, ConfigurationMember, Prepared
from daemonkit.control import ControlChannel
from daemonkit.counters import Counters
from daemonkit.errors import ControlError, DaemonError, ExitCode, Rejected
from daemonkit.log import MessageLog
from daemonkit.module import Context, ListeningSocket, Module, commands_of, topics_of
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq.errors import BusError, Refused
from msgq.session import Event, IncomingCall, Request, Session

HEARTBEAT_INTERVAL = 1.0  # seconds; bob calls a child hung after three without (design section 3)
CONFIGURATION_TIMEOUT = 5.0  # seconds for one attempt to get the configuration
RETRY_INTERVAL = 0.2  # seconds between attempts to reach a cfgmgr that is being restarted
# A member that prepared hears commit or abort within cfgmgr's deadline of 5 s, or asks (design section 5).
PREPARED_TIMEOUT = 8.0
STOP_TIMEOUT = 1.5  # seconds a module has to finish; bob sends SIGKILL later

PROTOCOL_COMMANDS: dict[str, type[Request[Any]]] = {
    request.command: request for request in (api.Prepare, api.Commit, api.Abort)
}


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
        messages = {**Spec.load("daemonkit").messages, **spec.messages}
        self._channel = ControlChannel(place.control, on_packet=self._on_packet, on_end=self._bob_died)
        self._session = Session(place.directories.bus_address, place.member, pid=os.getpid())
        self._context = Context(
            component=place.component,
            instance=place.instance,
            directories=place.directories,
            arguments=place.arguments,
            spec=spec,
            log=MessageLog(place.component, messages),
            counters=Counters(spec.statistics),
            session=self._session,
        )
        self._module = module(self._context)
        self._commands = {
            name: (request, getattr(self._module, method)) for name, (request, method) in commands_of(module).items()
        }
        self._topics = {topic: getattr(self._module, method) for topic, method in topics_of(module).items()}
        self._configuration = ConfigurationMember(spec.module, self._prepare)
        self._configuration_lock = asyncio.Lock()
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
        if self._module.uses_bus:
            self._session.set_command_handler(self._on_command)
            await self._session.start()
            for topic in self._topics:
                self._session.subscribe(topic, self._on_event)
        if self._module.uses_configuration:
            self._session.subscribe(api.RevisionCommitted.topic, self._revision_committed)
            self._session.on_epoch(self._follow_soon)
            await self._follow()
        await self._module.on_start()
        self._context.progress = ""
        self._channel.send(control.encode(control.Ready()))
        self._context.log.info("DAEMON_READY", revision=self._configuration.revision)

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
            beat = control.Heartbeat(self._configuration.revision, self._context.progress)
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
            self._context.instance = message.instance
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

    # What the bus says.

    async def _on_command(self, call: IncomingCall) -> Any:
        if call.command in PROTOCOL_COMMANDS and self._module.uses_configuration:
            return await self._on_protocol(_arguments(call, PROTOCOL_COMMANDS[call.command]))
        if call.command not in self._commands:
            raise Refused("not-found", f"{self._context.component} has no command {call.command}")
        request, handler = self._commands[call.command]
        arguments = _arguments(call, request)
        try:
            return await handler(call, arguments)
        except Refused:
            raise
        except Exception as error:  # the boundary: one bad command must not end the daemon
            self._context.log.exception("DAEMON_COMMAND_FAILED", error, command=call.command)
            raise Refused("failed", f"{call.command}: {error}") from error

    async def _on_event(self, event: Event) -> None:
        try:
            await self._topics[event.topic](event)
        except Exception as error:  # the boundary: one bad event must not end the daemon
            self._context.log.exception("DAEMON_EVENT_FAILED", error, topic=event.topic)

    # Configuration.

    async def _prepare(self, config: Config) -> Prepared:
        return await self._module.prepare(config)

    async def _on_protocol(self, request: Any) -> Any:
        async with self._configuration_lock:
            if isinstance(request, api.Prepare):
                return await self._on_prepare(request)
            if isinstance(request, api.Abort):
                self._configuration.abort(request.revision)
            elif not self._commit(request.revision):
                self._follow_soon()
            return api.Nothing()

    async def _on_prepare(self, request: api.Prepare) -> api.Prepared:
        try:
            adjustments = await self._configuration.prepare(request.revision, request.values)
        except Rejected as error:
            raise Refused("refused", str(error)) from error
        asyncio.get_running_loop().call_later(PREPARED_TIMEOUT, self._prepared_for_long, request.revision)
        return api.Prepared(adjustments)

    def _commit(self, revision: int) -> bool:
        try:
            return self._configuration.commit(revision)
        except Exception as error:  # noqa: BLE001 - a commit cannot be refused: exit, and start on the new revision
            self._context.fail(error)
            return True

    def _prepared_for_long(self, revision: int) -> None:
        if self._configuration.prepared_revision == revision:
            self._follow_soon()

    async def _revision_committed(self, event: Event) -> None:
        if event.decode(api.RevisionCommitted).revision != self._configuration.revision:
            await self._follow()

    def _follow_soon(self) -> None:
        self._context.spawn(self._follow(), "configuration")

    async def _follow(self) -> None:
        """Come to the revision cfgmgr has; a module that cannot ends, and starts on it."""
        configuration = await self._fetch()
        async with self._configuration_lock:
            before = self._configuration.revision
            await self._configuration.follow(configuration)
            if before and before != configuration.revision:
                self._context.log.info("DAEMON_CONFIGURED", revision=configuration.revision)

    async def _fetch(self) -> api.Configuration:
        while True:
            try:
                return await self._session.call(
                    api.GetConfiguration(self._context.spec.module), timeout=CONFIGURATION_TIMEOUT
                )
            except Refused:
                raise
            except BusError as error:  # cfgmgr or the broker is being restarted: bob decides how long to wait
                self._context.log.debug("DAEMON_NO_CONFIGURATION", reason=error)
                await asyncio.sleep(RETRY_INTERVAL)


def _arguments(call: IncomingCall, request: type[Request[Any]]) -> Any:
    """The request struct of a call. Words from a command line count as numbers where numbers are wanted."""
    try:
        return msgspec.convert(call.arguments, type=request, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("usage", f"{call.command}: {error}") from error


def _exit_code(failure: BaseException | None) -> ExitCode:
    if failure is None:
        return ExitCode.STOPPED
    return ExitCode.CONFIGURATION if isinstance(failure, Rejected) else ExitCode.INTERNAL
