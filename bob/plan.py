"""From one set of component definitions to the next: what is stopped, started, restarted, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bob.definition import Definition

Definitions = Mapping[str, Definition]


class PlanError(Exception):
    """The definitions cannot work together; `component` is where."""

    def __init__(self, component: str, reason: str) -> None:
        super().__init__(f"{component}: {reason}")
        self.component = component
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do to get from one set of definitions to another; every list in the order of doing."""

    stop: tuple[str, ...] = ()  # gone or disabled: all instances end
    start: tuple[str, ...] = ()  # new or enabled
    restart: tuple[str, ...] = ()  # the processes must be made anew
    adapt: tuple[str, ...] = ()  # number of instances, kind, needs, priority, time-out: applied as it runs

    @property
    def empty(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.stop or self.start or self.restart or self.adapt)


def make_plan(old: Definitions, new: Definitions) -> Plan:
    """Compare. Stops go against the start order, so that nothing loses what it needs while it runs."""
    before = {name for name, definition in old.items() if definition.enabled}
    after = {name for name, definition in new.items() if definition.enabled}
    kept = [name for name in start_order(new) if name in before & after and old[name] != new[name]]
    restart = tuple(name for name in kept if old[name].process_facts != new[name].process_facts)
    return Plan(
        stop=tuple(name for name in reversed(start_order(old)) if name in before - after),
        start=tuple(name for name in start_order(new) if name in after - before),
        restart=restart,
        adapt=tuple(name for name in kept if name not in restart),
    )


def start_order(definitions: Definitions) -> list[str]:
    """Names so that each comes after what it needs, and otherwise by priority, then by name. Raises PlanError."""
    order: list[str] = []
    left = dict(definitions)
    while left:
        free = [name for name, definition in left.items() if not set(definition.needs) & set(left)]
        if not free:
            raise PlanError(min(left), f"needs itself by way of {' -> '.join(_cycle(left))}")
        first = min(free, key=lambda name: (-left[name].priority, name))
        order.append(first)
        del left[first]
    return order


def check(definitions: Definitions) -> None:
    """Raise PlanError unless every need can be met."""
    for name, definition in definitions.items():
        for need in definition.needs:
            if need not in definitions:
                raise PlanError(name, f"needs {need}, which is no component")
            if definition.enabled and not definitions[need].enabled:
                raise PlanError(name, f"needs {need}, which is not enabled")
    start_order(definitions)


def dependants(definitions: Iterable[Definition], name: str) -> list[str]:
    """Who needs this component."""
    return sorted(definition.name for definition in definitions if name in definition.needs)


def _cycle(left: Definitions) -> list[str]:
    """One circle of needs among definitions none of which is free."""
    path = [min(left)]
    while True:
        following = next(need for need in left[path[-1]].needs if need in left)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)
