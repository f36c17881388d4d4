"""The supervisor at work: processes, control channels, timers, on the running loop.

What is to be done is decided by the roster and its instances (bob/roster.py, bob/component.py); here it is carried out:

    an event (a packet, an exit, a timer, an order) -> the instance -> advance(): promotions, renewals, spawns, timer
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from bob.children import Children, Events
from bob.component import Action, Instance, promote
from bob.definition import MSGQ, SOCKCREATOR, Definition
from bob.equipment import Equipment, Offer
from bob.errors import SpawnError
from bob.plan import make_plan
from bob.processes import Spawner, describe_exit
from bob.roster import Order, Roster
from bob.sockets import CreatorClient
from bob.states import State
from bob.systemd import ServiceManager
from bob.tally import Tally
from daemonkit import control
from daemonkit.control import SocketPlace
from daemonkit.errors import ControlError, ExitCode
from daemonkit.log import MessageLog

# A timer that comes so much too late says that we were stopped, and perhaps all others with us.
OUR_OWN_PAUSE = 1.0  # seconds
# What a process says by its exit status when its configuration cannot be used.
REFUSED_CONFIGURATION = describe_exit(os.CLD_EXITED, ExitCode.CONFIGURATION)
CREATOR_WAIT = 3.0  # seconds for a sockcreator that is being restarted; a prepare has 5

Watcher = Callable[[Instance], None]


class Supervisor:
    """Runs what the roster says."""

    def __init__(self, spawner: Spawner, manager: ServiceManager, log: MessageLog) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = log
        self.tally = Tally()
        self._children = Children(
            spawner, Events(packet=self._heard, beat=self._creator_beat, silent=self._silent, ended=self._ended)
        )
        self._timer: asyncio.TimerHandle | None = None
        self._advanced = asyncio.Event()
        self._watchers: list[Watcher] = []
        self.stopping = False
        self.failed = ""  # why the system must end
        self.failed_for_good = False  # another start would end the same way
        self.roster = Roster(self._moved, random.random)
        self.equipment = Equipment(self.creator, self._children.send, manager, log, self.tally)

    # Orders.

    def change(self, definitions: Mapping[str, Definition], offer: Offer | None = None) -> None:
        """Run these components, with these sockets."""
        plan = make_plan(self.roster.definitions, definitions)
        self._perform(self.roster.apply(plan, definitions, self._loop.time()))
        if offer is not None:
            running = [instance for instance in self.roster if self._has_sockets(instance)]
            self.equipment.commit(offer, [instance for instance in running if instance.state is State.RUNNING])
            self._reconsider()
        self.advance()

    async def rearrange(self, component: str, arguments: tuple[str, ...]) -> None:
        """Run a component of one process with these arguments; returns when it does."""
        definitions = self.roster.definitions
        self.change(definitions | {component: replace(definitions[component], arguments=arguments)})
        (instance,) = self.roster.components[component].serving

        def runs() -> bool:
            run = instance.run
            return instance.state is State.RUNNING and run is not None and run.definition.arguments == arguments

        await self.until(runs)

    def committed(self, revision: int) -> None:
        """The configuration is on this revision."""
        self.roster.committed(revision, self._loop.time())
        self.advance()

    async def prepare(self, places: tuple[SocketPlace, ...], definitions: Mapping[str, Definition]) -> Offer:
        """Make the sockets that these places and components want. Raises SocketError."""
        numbers = self.roster.to_equip(definitions, self._loop.time())
        return await self.equipment.prepare(places, numbers)

    def start(self, instances: Iterable[Instance]) -> None:
        """Let these run, whatever happened to them."""
        for instance in instances:
            instance.start(self._loop.time())
        self.advance()

    def stop(self, instances: Iterable[Instance]) -> None:
        """End these until they are started again."""
        now = self._loop.time()
        self._perform([order for instance in instances for order in _orders(instance, instance.stop(now))])
        self.advance()

    def restart(self, instance: Instance) -> None:
        """End this one and start it afresh, now."""
        self._perform(_orders(instance, instance.restart(self._loop.time())))
        self.advance()

    def renew(self, component: str) -> None:
        """Restart all processes of a component, one after the other."""
        self.roster.renew(self.roster.components[component], self._loop.time())
        self.advance()

    def clear(self, instances: Iterable[Instance]) -> None:
        """Forget the failures of those that are wanted."""
        self.start([instance for instance in instances if instance.wanted])

    async def shut_down(self) -> None:
        """Stop everything, daemons first and the bus last."""
        self.stopping = True
        self.advance()
        await self.until(lambda: not self._children)
        if self._timer is not None:
            self._timer.cancel()
        self.equipment.close()

    def kill_all(self) -> None:
        """Do not wait for anybody."""
        self._children.signal_all(signal.SIGKILL)

    @property
    def processes(self) -> frozenset[int]:
        """The ids of all our children."""
        return self._children.pids

    def watch(self, watcher: Watcher) -> None:
        """Call this when an instance has changed its state."""
        self._watchers.append(watcher)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that happened here makes the condition true."""
        while not condition():
            self._advanced.clear()
            await self._advanced.wait()

    # What is to be done next.

    def advance(self) -> None:
        """Carry out everything that can be done now, and come back in time for what cannot."""
        now = self._loop.time()
        if self.stopping:
            self._perform(self.roster.stop_next(now) or [])
        else:
            self._promote(now)
            self._perform(self.roster.renewals(now))
            for instance in self.roster.spawnable():
                self._spawn(instance, now)
        for instance in self.roster.bury():
            self.equipment.consider(instance, now)
        self._set_timer()
        self._advanced.set()

    def _promote(self, now: float) -> None:
        for spare, vacancy in self.roster.promotions():
            restarts = vacancy.restarts
            run = promote(spare, vacancy, now)
            self.tally.add("promotions")
            self.tally.add("restarts", vacancy.restarts - restarts)
            self._log.info("BOB_PROMOTED", instance=vacancy.name, pid=run.pid)
            if self._has_sockets(vacancy):
                self.equipment.serve(vacancy)
            else:  # it must know its name even so
                self._children.send(run.pid, control.encode(control.Sockets(generation=0, instance=vacancy.number)))

    def _perform(self, orders: Iterable[Order]) -> None:
        for instance, action in orders:
            pid = instance.run.pid if instance.run is not None else 0
            if action is Action.FAIL_SYSTEM:
                if not self.failed:
                    self.failed = _system_failure(instance)
                    self.failed_for_good = instance.last_exit.startswith(REFUSED_CONFIGURATION)
            elif action in (Action.COVER, Action.UNCOVER):
                self._cover(instance, covered=action is Action.COVER)
            elif action is Action.SEND_STOP:
                if not instance.wanted and not self.stopping and self._has_sockets(instance):
                    self.equipment.release(instance)  # before it closes its own, so that none is left to queue queries
                self._children.ask_to_stop(pid)
            elif action is Action.TERMINATE:
                self._children.signal(pid, signal.SIGTERM)
            else:
                self.tally.add("kills")
                self._log.warning("BOB_KILLED", instance=instance.name, pid=pid, reason=_cause(instance))
                self._children.signal(pid, signal.SIGKILL)

    def _cover(self, instance: Instance, *, covered: bool) -> None:
        """Let the spare stand in for an instance that is silent, or step back."""
        component = self.roster.components.get(instance.definition.name)
        spare = component.spare if component is not None else None
        if spare is None or spare.state is not State.RUNNING or not self._has_sockets(instance):
            return
        if covered and self.equipment.cover(instance, spare):
            self.tally.add("covers")
            self._log.warning("BOB_COVERED", instance=instance.name, spare=spare.name)
        elif not covered and self.equipment.uncover(instance, spare):
            self._log.info("BOB_UNCOVERED", instance=instance.name, spare=spare.name)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.roster.deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._time_has_come, deadline)

    def _time_has_come(self, planned: float) -> None:
        now = self._loop.time()
        if now - planned > OUR_OWN_PAUSE:
            self.roster.forgive(now - planned)
        self._perform(self.roster.tick(now))
        for instance in self.roster.late(now):
            revision = instance.run.revision if instance.run is not None else 0
            self.tally.add("late")
            self._log.warning("BOB_LATE", instance=instance.name, revision=revision, committed=instance.late_for)
        self.advance()

    # What processes do.

    def _spawn(self, instance: Instance, now: float) -> None:
        restarts = instance.restarts
        try:
            pid = self._children.start(instance.definition, instance.number)
        except SpawnError as error:
            self.tally.add("starts.failed")
            self._log.error("BOB_NOT_SPAWNED", instance=instance.name, reason=error)
            self._perform(_orders(instance, instance.not_spawned(now, str(error))))
        else:
            instance.spawned(now, pid)
            self.tally.add("starts")
        self.tally.add("restarts", instance.restarts - restarts)

    def _ended(self, pid: int, how: str) -> None:
        instance = self.roster.of_process(pid)
        assert instance is not None, pid
        expected = instance.run is not None and instance.run.asked
        self._tell_broker(pid, instance)
        if self._has_sockets(instance):
            self.equipment.left(instance)
        orders = _orders(instance, instance.exited(self._loop.time(), how))
        if expected:
            self._log.info("BOB_ENDED", instance=instance.name, pid=pid, how=instance.last_exit)
        else:
            self.tally.add("deaths")
            self._log.warning("BOB_DIED", instance=instance.name, pid=pid, how=instance.last_exit)
        self._perform(orders)
        self.advance()

    def _tell_broker(self, pid: int, instance: Instance) -> None:
        notice = control.Died(pid=pid, component=instance.definition.name, instance=instance.number)
        for broker in self.roster:
            if broker.definition.name == MSGQ and broker.run is not None:
                self._children.send(broker.run.pid, control.encode(notice))

    def _heard(self, pid: int, packet: bytes) -> None:
        instance = self.roster.of_process(pid)
        if instance is None:
            return
        now = self._loop.time()
        try:
            message = control.decode_from_child(packet)
        except ControlError as error:
            self._perform(_orders(instance, instance.kill(now, str(error))))
            self.advance()
            return
        if isinstance(message, control.Heartbeat):
            self._perform(_orders(instance, instance.beat(now, message.revision, message.progress)))
            self._set_timer()
        elif isinstance(message, control.Ready):
            self._ready(instance, now)
        elif isinstance(message, control.SocketsTaken):
            self.equipment.taken(instance, message.generation)
            self._reconsider()
        else:
            instance.announce(message.reason)

    def _ready(self, instance: Instance, now: float) -> None:
        before = instance.state
        instance.ready(now)
        if before is not instance.state:
            if self._has_sockets(instance):
                self.equipment.serve(instance)
            elif instance.number == control.SPARE:  # others may have fallen silent while there was none
                for other in self.roster.components[instance.definition.name].serving:
                    if other.run is not None and other.run.suspect and other.state is State.RUNNING:
                        self._cover(other, covered=True)
            self.advance()

    def _creator_beat(self, pid: int) -> None:
        instance = self.roster.of_process(pid)
        if instance is not None:
            instance.beat(self._loop.time(), 0, "")
            self._ready(instance, self._loop.time())

    def _silent(self, pid: int) -> None:
        instance = self.roster.of_process(pid)
        if instance is not None and instance.state is not State.STOPPING:
            self._perform(_orders(instance, instance.kill(self._loop.time(), "closed its control channel")))
            self.advance()

    # sockcreator.

    @contextlib.asynccontextmanager
    async def creator(self, places: Sequence[str]) -> AsyncIterator[CreatorClient]:
        """A sockcreator that may bind these places: the one that runs, or one for the occasion. Raises CreatorGone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CREATOR_WAIT):
                await self.until(lambda: self._standing_creator() is not None)
        standing = self._standing_creator()
        if standing is not None and set(places) <= set(standing[0].arguments):
            yield standing[1]
            return
        definition = replace(self.roster.components[SOCKCREATOR].definition, arguments=tuple(places))
        async with self._children.helper(definition) as client:
            yield client

    def _standing_creator(self) -> tuple[Definition, CreatorClient] | None:
        for instance in self.roster:
            if instance.definition.name == SOCKCREATOR and instance.state is State.RUNNING and instance.run is not None:
                client = self._children.creator(instance.run.pid)
                if client is not None:
                    return instance.run.definition, client
        return None

    # States.

    def _has_sockets(self, instance: Instance) -> bool:
        return instance.definition.sockets and instance.number != control.SPARE

    def _reconsider(self) -> None:
        """Close the sockets of instances that will not serve them, as far as others do."""
        now = self._loop.time()
        for component in self.roster.components.values():
            for instance in component.serving if component.definition.sockets else ():
                self.equipment.consider(instance, now)

    def _moved(self, instance: Instance, _old: State, new: State) -> None:
        if new is State.RUNNING:
            pid = instance.run.pid if instance.run is not None else 0
            self._log.info("BOB_RUNNING", instance=instance.name, pid=pid)
        elif new is State.BACKOFF:
            delay = instance.due - self._loop.time()
            self._log.warning("BOB_BACKOFF", instance=instance.name, seconds=f"{delay:.1f}", how=instance.last_exit)
        elif new is State.GIVEN_UP:
            self.tally.add("given_up")
            self._log.error(
                "BOB_GIVEN_UP", instance=instance.name, failures=len(instance.failures), how=instance.last_exit
            )
        if self._has_sockets(instance):
            self.equipment.consider(instance, self._loop.time())
        for watcher in self._watchers:
            watcher(instance)


def _orders(instance: Instance, actions: Iterable[Action]) -> list[Order]:
    return [(instance, action) for action in actions]


def _cause(instance: Instance) -> str:
    return instance.run.cause if instance.run is not None else ""


def _system_failure(instance: Instance) -> str:
    """Why the loss of this instance ends the system."""
    came_up = "ended" if instance.was_ready else "did not come up"
    kind = instance.definition.kind.value
    return f"the {kind} component {instance.name} {came_up}: {instance.last_exit}"
