"""Reads the component definitions out of configuration and specs; refuses by Rejected, which names the path."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bob.definition import BUILTIN, CMDCTL, Definition, Limits
from bob.plan import PlanError, check
from bob.processes import LIMIT_RESOURCES
from bob.states import Kind
from daemonkit import spec as specs
from daemonkit.errors import Rejected
from daemonkit.spec import Component, Spec, SpecError


def own_components() -> dict[str, Component]:
    """The components of ours that run without being listed, by name."""
    builtin = {definition.name for definition in BUILTIN}
    found = {name: Spec.load(name).component for name in specs.modules() if name not in builtin}
    return {name: component for name, component in found.items() if component is not None}


def read_definitions(
    configured: Mapping[str, Mapping[str, Any]],
    ours: Mapping[str, Component],
    built: Mapping[str, Definition],
    cores: int,
) -> dict[str, Definition]:
    """Every component: the built-in ones, those of ours, and those configured."""
    definitions = dict(built)
    for name in configured.keys() & built.keys():
        raise Rejected(f"components.{name}", "is built in and cannot be configured")
    for name, component in ours.items():
        if name not in configured:
            definitions[name] = _own(name, component, {}, cores)
    for name, values in configured.items():
        is_ours = name in ours
        definitions[name] = _own(name, ours[name], values, cores) if is_ours else _foreign(name, values, cores)
    if CMDCTL in ours and not definitions[CMDCTL].enabled:
        raise Rejected(f"components.{CMDCTL}.enabled", "without cmdctl no operator could give an order, not even this")
    _check_all(definitions)
    return definitions


def processors() -> int:
    """How many processors we may use."""
    return len(os.sched_getaffinity(0))


def _own(name: str, component: Component, values: Mapping[str, Any], cores: int) -> Definition:
    for key in ("program", "spec"):
        if values.get(key) is not None:
            raise Rejected(f"components.{name}.{key}", f"{name} is a component of ours and has its own {key}")
    return _complete(Definition(name=name, program=component.program or name), component, values, cores)


def _foreign(name: str, values: Mapping[str, Any], cores: int) -> Definition:
    path = f"components.{name}"
    program = values.get("program")
    if program is None:
        raise Rejected(path, f"{name} is no component of ours, so it needs a program")
    if not Path(program).is_file() or not os.access(program, os.X_OK):
        raise Rejected(f"{path}.program", f"{program} is no program that can be run by this user")
    spec_file = values.get("spec")
    component = Component(program=program, kind=Kind.DISPENSABLE.value)
    if spec_file is not None:
        component = _brought_along(path, Path(spec_file)) or component
    definition = Definition(
        name=name, program=program, foreign=True, spec=None if spec_file is None else Path(spec_file)
    )
    return _complete(definition, component, values, cores)


def _brought_along(path: str, file: Path) -> Component | None:
    try:
        return Spec.load(file).component
    except SpecError as error:
        raise Rejected(f"{path}.spec", str(error)) from error


def _complete(base: Definition, component: Component, values: Mapping[str, Any], cores: int) -> Definition:
    instances = values.get("instances") or component.instances
    limits = Limits(**{key: value for key, value in (values.get("limits") or {}).items() if value is not None})
    _check_limits(base.name, limits)
    nice = values.get("nice") or 0
    if nice and nice < os.getpriority(os.PRIO_PROCESS, 0) and os.geteuid() != 0:  # 0: as bob is
        raise Rejected(f"components.{base.name}.nice", f"{nice} needs a suite that runs as root")
    spare = values.get("spare")
    hang_timeout = values.get("hang_timeout")
    return replace(
        base,
        kind=Kind(values.get("kind") or component.kind),
        needs=tuple(dict.fromkeys((*component.needs, *(values.get("needs") or ())))),
        arguments=tuple(values.get("arguments") or ()),
        instances=cores if instances == specs.INSTANCES_PER_CORE else int(instances),
        spare=component.spare if spare is None else spare,
        sockets=component.sockets,
        priority=values.get("priority") or 0,
        nice=nice,
        limits=limits,
        hang_timeout=base.hang_timeout if hang_timeout is None else hang_timeout,
        give_up_after=values.get("give_up_after") or base.give_up_after,
        enabled=values.get("enabled") is not False,
    )


def _check_limits(name: str, limits: Limits) -> None:
    for key, number in LIMIT_RESOURCES.items():
        wanted = getattr(limits, key)
        _, hard = resource.getrlimit(number)
        if wanted is not None and hard != resource.RLIM_INFINITY and wanted > hard and os.geteuid() != 0:
            raise Rejected(f"components.{name}.limits.{key}", f"{wanted} is over the limit bob itself has, {hard}")


def _check_all(definitions: Mapping[str, Definition]) -> None:
    with_sockets = [name for name, definition in definitions.items() if definition.sockets and definition.enabled]
    if len(with_sockets) > 1:
        raise Rejected(
            f"components.{with_sockets[1]}",
            f"gets the sockets of `listen`, and so does {with_sockets[0]}: one only can",
        )
    try:
        check(definitions)
    except PlanError as error:
        raise Rejected(f"components.{error.component}.needs", error.reason) from error
