"""All components and their instances, and what is to be done next about them. No clock, no process, no channel.

The supervisor applies what is decided here: it spawns what `spawnable` names, moves spares as `promotions` says, and
carries out each (instance, action) it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bob.component import Action, Instance, RestartPolicy
from bob.definition import CFGMGR, Definition
from bob.laggards import Laggards
from bob.plan import Plan
from bob.states import ALIVE, VACANT, Kind, State
from daemonkit.control import SPARE

# Of the 2 s of a clean stop, for whatever hangs: when the daemons, then cfgmgr, then msgq and sockcreator are killed.
STOP_LIMITS = (1.2, 1.45, 1.7)  # seconds after the first was told to stop

Order = tuple[Instance, Action]
Observer = Callable[[Instance, State, State], None]


@dataclass(slots=True)
class Component:
    """A definition and the instances that run it, by number; the spare is the last."""

    definition: Definition
    instances: dict[str, Instance] = field(default_factory=dict)

    @property
    def serving(self) -> list[Instance]:
        """All but the spare."""
        return [instance for number, instance in self.instances.items() if number != SPARE]

    @property
    def spare(self) -> Instance | None:
        """The spare, where there is one."""
        return self.instances.get(SPARE)

    @property
    def ready(self) -> bool:
        """Whether what needs it may start."""
        return any(instance.state is State.RUNNING for instance in self.serving)

    @property
    def held(self) -> bool:
        """Whether the operator stopped all of it."""
        return bool(self.instances) and not any(instance.wanted for instance in self.instances.values())

    def will_serve(self, number: str, now: float) -> bool:
        """Whether a process of this instance, which may be yet to come, serves sockets soon."""
        instance = self.instances.get(number)
        return not self.held if instance is None else instance.serves_soon(now)


class Roster:
    """Who shall run, and who does."""

    def __init__(self, observe: Observer, chance: Callable[[], float], policy: RestartPolicy | None = None) -> None:
        self.components: dict[str, Component] = {}
        self.retiring: list[Instance] = []  # of components that are gone, until their processes are
        self._observe = observe
        self._chance = chance
        self._policy = policy or RestartPolicy()
        self._starting_up = True
        self._stopping_since: float | None = None
        self._laggards = Laggards()

    def __iter__(self) -> Iterator[Instance]:
        """Every instance, also those that are on their way out."""
        for component in self.components.values():
            yield from component.instances.values()
        yield from self.retiring

    @property
    def definitions(self) -> dict[str, Definition]:
        """What is configured."""
        return {name: component.definition for name, component in self.components.items()}

    def of_process(self, pid: int) -> Instance | None:
        """Whose process this is."""
        return next((instance for instance in self if instance.run is not None and instance.run.pid == pid), None)

    def apply(self, plan: Plan, definitions: Mapping[str, Definition], now: float) -> list[Order]:
        """Make these the components; `plan` leads from the present ones to them."""
        orders: list[Order] = []
        for name in plan.stop:
            orders += self._retire(list(self.components[name].instances), self.components[name], now)
        for name in self.components.keys() - definitions.keys():
            del self.components[name]
        for name, definition in definitions.items():
            component = self.components.setdefault(name, Component(definition))
            component.definition = definition
            for instance in component.instances.values():
                instance.definition = definition
            if definition.enabled:
                orders += self._resize(component, now)
        for name in plan.restart:
            self.renew(self.components[name], now)
        return orders

    def renew(self, component: Component, now: float) -> None:
        """Replace every process of the component, without pause where it has several (`renewals` does it)."""
        for instance in component.instances.values():
            if instance.run is not None and instance.wanted:
                instance.run.stale = True
            elif instance.wanted:
                instance.start(now)

    def renewals(self, now: float) -> list[Order]:
        """Restart stale processes, one at a time: the spare first, then those whose place the fresh spare takes."""
        orders: list[Order] = []
        for component in self.components.values():
            stale = [instance for instance in component.instances.values() if _is_stale(instance)]
            for instance in stale:
                if instance.state is State.STARTING or self._can_be_missed(component, instance, stale):
                    orders += [(instance, action) for action in _renew(instance, now)]
                    break
        return orders

    def hindrances(self, instance: Instance) -> list[str]:
        """What a process that is to be renewed waits for: others of its component that do not come up."""
        component = self.components.get(instance.definition.name)
        if component is None or not _is_stale(instance):
            return []
        others = (other for other in component.instances.values() if other is not instance and other.wanted)
        failing = (other for other in others if other.failures and other.state is not State.RUNNING)
        return [f"{other.name}, which fails: {other.last_exit}" for other in failing]

    def committed(self, revision: int, now: float) -> None:
        """The configuration is on this revision; whoever is not soon is late."""
        self._laggards.committed(revision, now)

    def late(self, now: float) -> list[Instance]:
        """Who has stayed behind the configuration for too long, told once; `renewals` replaces them."""
        return self._laggards.find(self, now)

    def spawnable(self) -> list[Instance]:
        """Who shall be spawned now: wanted, and everything it needs is ready; in the order of their start."""
        held = bool(self.retiring)  # what is new waits until what it may replace has gone
        busy = self._starting_up and self._needed_on_their_way()
        found = []
        for component in self.components.values():
            if self.unmet(component.definition):
                continue
            later = busy and component.definition.kind is Kind.DISPENSABLE
            for instance in component.instances.values():
                behind = later or (instance.number == SPARE and _first_start_in_hand(component))
                if instance.state is State.WAITING and not (instance.spawns == 0 and (held or behind)):
                    found.append(instance)
        found.sort(key=lambda instance: (-instance.definition.priority, instance.number == SPARE))
        return found

    def unmet(self, definition: Definition) -> list[str]:
        """What it needs and is not ready."""
        return [need for need in definition.needs if need not in self.components or not self.components[need].ready]

    def to_equip(self, definitions: Mapping[str, Definition], now: float) -> list[str]:
        """The instances that want a set of sockets each under these definitions.

        A set that nobody serves swallows its share of the queries. Where nobody serves at all, none is lost by making
        them, and it is seen whether they can be made.
        """
        for name, definition in definitions.items():
            if definition.sockets and definition.enabled:
                numbers = [str(number) for number in range(definition.instances)]
                component = self.components.get(name, Component(definition))
                return [number for number in numbers if component.will_serve(number, now)] or numbers
        return []

    def promotions(self) -> list[tuple[Instance, Instance]]:
        """Spares that are ready, each with the place it shall take."""
        found = []
        for component in self.components.values():
            spare = component.spare
            if spare is not None and spare.state is State.RUNNING:
                vacancy = next((instance for instance in component.serving if instance.state in VACANT), None)
                if vacancy is not None and vacancy.spawns:
                    found.append((spare, vacancy))
        return found

    def tick(self, now: float) -> list[Order]:
        """Do what time asks for."""
        return [(instance, action) for instance in tuple(self) for action in instance.tick(now)]

    def deadline(self) -> float | None:
        """When tick must be called next."""
        limits = [instance.deadline() for instance in self]
        if self._stopping_since is None:
            limits += [self._laggards.due(instance) for instance in self]
        else:
            limits.append(self._next_kill(self._stopping_since))
        return min((limit for limit in limits if limit is not None), default=None)

    def forgive(self, seconds: float) -> None:
        """We were stopped ourselves for so long: nothing that was missed meanwhile counts."""
        self._laggards.since += seconds
        for instance in self:
            instance.forgive(seconds)

    def bury(self) -> list[Instance]:
        """Forget retiring instances whose process has gone; returns them."""
        gone = [instance for instance in self.retiring if instance.state not in ALIVE]
        self.retiring = [instance for instance in self.retiring if instance.state in ALIVE]
        return gone

    # The system as a whole.

    def is_answering(self) -> bool:
        """Whether any instance that is given the sockets of `listen` runs."""
        return any(component.definition.sockets and component.ready for component in self.components.values())

    def is_up(self) -> bool:
        """Whether all that the system needs is running."""
        return not any(
            instance.state is not State.RUNNING
            for component in self.components.values()
            if component.definition.kind is not Kind.DISPENSABLE
            for instance in component.serving
        )

    def is_calm(self) -> bool:
        """Whether nothing is on its way up that has not been tried once."""
        return not any(instance.wanted and not instance.was_ready and not instance.failures for instance in self)

    def came_up(self) -> None:
        """The start is over: from now on a failure does not end the system."""
        self._starting_up = False
        for instance in self:
            instance.vital = False

    def stop_next(self, now: float) -> list[Order] | None:
        """Stop the daemons; when they are gone cfgmgr, then msgq and sockcreator. None: all are gone."""
        if self._stopping_since is None:
            self._stopping_since = now
        for phase, limit in zip(self._phases(), STOP_LIMITS, strict=True):
            orders = [(instance, action) for instance in phase if instance.wanted for action in instance.stop(now)]
            if now >= self._stopping_since + limit:
                late = [instance for instance in phase if _may_be_killed(instance)]
                orders += [(instance, action) for instance in late for action in instance.kill(now, "did not stop")]
            if any(instance.state in ALIVE for instance in phase):
                return orders
        return None

    # How it is done.

    def _phases(self) -> tuple[list[Instance], ...]:
        return (
            [instance for instance in self if not instance.definition.builtin],
            [instance for instance in self if instance.definition.name == CFGMGR],
            list(self),
        )

    def _next_kill(self, stopping_since: float) -> float | None:
        for phase, limit in zip(self._phases(), STOP_LIMITS, strict=True):
            if any(_may_be_killed(instance) for instance in phase):
                return stopping_since + limit
        return None

    def _needed_on_their_way(self) -> bool:
        return any(
            component.definition.kind is not Kind.DISPENSABLE and _first_start_in_hand(component)
            for component in self.components.values()
        )

    def _resize(self, component: Component, now: float) -> list[Order]:
        definition = component.definition
        numbers = [str(number) for number in range(definition.instances)]
        if definition.spare and definition.instances:
            numbers.append(SPARE)
        orders = self._retire([number for number in component.instances if number not in numbers], component, now)
        held = component.held
        before, component.instances = component.instances, {}
        for number in numbers:
            instance = before.get(number)
            if instance is None:
                instance = Instance(definition, number, self._chance, self._policy, self._observe)
                instance.vital = self._starting_up and number != SPARE
                if not held:  # the operator stopped the component: it stays so
                    instance.start(now)
            component.instances[number] = instance
        return orders

    def _retire(self, numbers: list[str], component: Component, now: float) -> list[Order]:
        orders: list[Order] = []
        for number in numbers:
            instance = component.instances.pop(number)
            self.retiring.append(instance)
            orders += [(instance, action) for action in instance.stop(now)]
        return orders

    def _can_be_missed(self, component: Component, instance: Instance, stale: list[Instance]) -> bool:
        if component.spare in stale and instance is not component.spare:
            return False
        others = [other for other in component.instances.values() if other is not instance and other.wanted]
        return instance.state is State.RUNNING and all(other.state is State.RUNNING for other in others)


def _is_stale(instance: Instance) -> bool:
    return instance.run is not None and (instance.run.stale or instance.run.late)


def _renew(instance: Instance, now: float) -> list[Action]:
    """Replace the process of an instance: as planned where its definition changed, for a fault where it is late."""
    run = instance.run
    assert run is not None
    cause = "to be renewed" if run.stale else f"stays on configuration revision {run.revision}"
    actions = instance.restart(now, cause, planned=run.stale)
    run.stale = run.late = False
    return actions


def _may_be_killed(instance: Instance) -> bool:
    return instance.run is not None and instance.run.escalation is not Action.KILL


def _first_start_in_hand(component: Component) -> bool:
    """Whether instances that answer are still on their first way up: others let them have the processors."""
    return any(not instance.was_ready and not instance.failures and instance.wanted for instance in component.serving)
