"""bob as a member of the bus: tells how the suite is, takes orders for components, takes part in commits.

Unlike the other daemons it has no control channel, and its process is not run by the skeleton: bob/suite.py runs it,
bob/member.py ties it to the bus.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bob import api
from bob.component import Instance
from bob.configuration import own_components, processors, read_definitions
from bob.definition import CFGMGR, CMDCTL, built_in
from bob.errors import SocketError
from bob.listening import places_of
from bob.sockets import place_text
from bob.states import State
from bob.supervisor import Supervisor
from daemonkit.api import Nothing
from daemonkit.configuration import Config, Prepared
from daemonkit.control import SPARE, SocketPlace
from daemonkit.errors import Rejected
from daemonkit.module import Context, Module, command
from daemonkit.option_addresses import parse_endpoint
from msgq.errors import Refused
from msgq.session import IncomingCall


@dataclass(slots=True)
class BobContext(Context):
    """What goes wrong beside the path of a command must not end the process all others depend on."""

    def fail(self, error: BaseException) -> None:
        """Tell, and go on as before."""
        self.log.error("BOB_NOT_CONFIGURED", reason=error)


class BobDaemon(Module):
    """The supervisor's face on the bus."""

    name = "bob"

    def __init__(self, context: Context, supervisor: Supervisor, cfgmgr_arguments: Sequence[str]) -> None:
        super().__init__(context)
        self._supervisor = supervisor
        self._cfgmgr_arguments = tuple(cfgmgr_arguments)
        self._ours = own_components()
        self.listen: tuple[str, ...] = ()
        self._started = time.time()
        self.revision = 0
        self.phase = "starting"
        self.on_bus = False
        self.shutdown_wanted = asyncio.Event()
        supervisor.watch(self._publish)

    async def prepare(self, config: Config) -> Prepared:
        """Read the components, make the sockets; what has been made waits for the commit."""
        listen: list[str] = config.values["listen"]
        places = places_of(parse_endpoint(endpoint) for endpoint in listen)
        built = built_in(_texts(places), self._cfgmgr_arguments)
        definitions = read_definitions(config.values["components"], self._ours, built, processors())
        try:
            offer = await self._supervisor.prepare(places, definitions)
        except SocketError as error:
            raise Rejected("listen", str(error)) from error

        def apply() -> None:
            self.listen = tuple(listen)
            self.revision = config.revision
            self._supervisor.change(definitions, offer)
            self._supervisor.committed(config.revision)

        return Prepared(apply=apply, discard=lambda: self._supervisor.equipment.discard(offer))

    async def restart_cfgmgr(self, arguments: Sequence[str]) -> None:
        """Let cfgmgr run with these arguments; returns when it does."""
        self._cfgmgr_arguments = tuple(arguments)
        await self._supervisor.rearrange(CFGMGR, self._cfgmgr_arguments)

    @command(api.Status)
    async def status(self, _call: IncomingCall, _request: api.Status) -> api.SystemStatus:
        """The suite and every process."""
        import importlib.metadata  # two megabytes, for who asks

        components = self._supervisor.roster.components
        return api.SystemStatus(
            version=importlib.metadata.version("bobdns"),
            pid=os.getpid(),
            user=_own_name(),
            state=self.phase,
            started=self._started,
            state_dir=str(self.context.directories.state),
            run_dir=str(self.context.directories.run),
            revision=self.revision,
            listen=self.listen,
            components=tuple(self._row(instance) for instance in self._supervisor.roster),
            disabled=tuple(name for name, component in components.items() if not component.definition.enabled),
            answering=self._supervisor.roster.is_answering(),
        )

    @command(api.Start)
    async def start(self, _call: IncomingCall, request: api.Start) -> Nothing:
        """Start what was stopped or given up."""
        self._supervisor.start(self._named(request.component))
        return Nothing()

    @command(api.Stop)
    async def stop(self, _call: IncomingCall, request: api.Stop) -> Nothing:
        """Stop until the next start."""
        instances = self._named(request.component)
        if any(instance.definition.builtin for instance in instances):
            raise Refused("refused", f"{request.component} is part of the frame: restart it, or shut the suite down")
        if any(instance.definition.name == CMDCTL for instance in instances):
            raise Refused("refused", f"{request.component} carries your orders, the next one too: restart it instead")
        self._supervisor.stop(instances)
        return Nothing()

    @command(api.Restart)
    async def restart(self, _call: IncomingCall, request: api.Restart) -> Nothing:
        """Restart one instance now, or a component's processes in turn."""
        instances = self._named(request.component)
        if "/" in request.component:
            self._supervisor.restart(instances[0])
        else:
            stopped = [instance for instance in instances if not instance.wanted]
            self._supervisor.renew(request.component)
            self._supervisor.start(stopped)
        return Nothing()

    @command(api.Clear)
    async def clear(self, _call: IncomingCall, request: api.Clear) -> Nothing:
        """Forget failures."""
        self._supervisor.clear(self._named(request.component))
        return Nothing()

    @command(api.Shutdown)
    async def shutdown(self, _call: IncomingCall, _request: api.Shutdown) -> Nothing:
        """Stop the suite, once this is answered."""
        self.shutdown_wanted.set()
        return Nothing()

    def _named(self, target: str) -> list[Instance]:
        """The instances an operator means; raises Refused."""
        name, slash, number = target.partition("/")
        component = self._supervisor.roster.components.get(name)
        if component is None:
            raise Refused("not-found", f"there is no component {name}")
        if not component.definition.enabled:
            raise Refused("refused", f"{name} is disabled: set components.{name}.enabled in the configuration")
        instances = component.instances
        if not slash:
            return list(instances.values())
        if number not in instances:
            raise Refused("not-found", f"{name} has no instance {number!r}, but {', '.join(instances) or 'none'}")
        return [instances[number]]

    def _row(self, instance: Instance) -> api.InstanceStatus:
        now, wall = asyncio.get_running_loop().time(), time.time()
        run, definition = instance.run, instance.definition
        waiting = instance.state is State.WAITING
        holds_sockets = definition.sockets and instance.number != SPARE
        listening, roster = self._supervisor.equipment.listening, self._supervisor.roster
        return api.InstanceStatus(
            component=definition.name,
            instance=instance.number,
            state=instance.state.value,
            since=wall - (now - instance.since),
            kind=definition.kind.value,
            pid=run.pid if run else None,
            revision=run.revision if run else 0,
            progress=run.progress if run else "",
            restarts=instance.restarts,
            last_exit=instance.remark,
            descriptors=len(listening.holding(instance.number).descriptors) if holds_sockets else 0,
            waits_for=tuple(roster.unmet(definition) if waiting else roster.hindrances(instance)),
            next_attempt=None if instance.next_attempt is None else wall + instance.next_attempt - now,
            stale=bool(run and (run.stale or run.late)),
        )

    def _publish(self, instance: Instance) -> None:
        if not self.on_bus:
            return
        event = api.ComponentChanged(
            component=instance.definition.name,
            instance=instance.number,
            state=instance.state.value,
            pid=instance.run.pid if instance.run else None,
            reason=instance.last_exit,
        )
        self.context.spawn(self.context.session.publish(event.topic, event), "publish")


def _texts(places: Sequence[SocketPlace]) -> list[str]:
    try:
        return [place_text(place) for place in places]
    except OSError as error:  # fe80::1%eth7
        raise Rejected("listen", f"there is no such interface: {error}") from error


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
