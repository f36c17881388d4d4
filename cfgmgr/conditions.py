"""What no option alone can tell: conditions over several values of a configuration that is right option by option."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cfgmgr import zones
from cfgmgr.catalogue import COMPONENTS, Catalogue
from cfgmgr.tree import Tree
from daemonkit.findings import Findings, Path, did_you_mean
from daemonkit.option_addresses import Endpoint, EndpointOption, parse_endpoint
from daemonkit.option_trees import MapOption
from daemonkit.options import OFF, Option, Substitute

LISTEN = "listen"
DATA_SOURCES = "data_sources"
KEYS = "keys"
LOGGING = "logging"
STATISTICS = "statistics"
# bob, and what it must have to read its configuration at all.
BUILT_IN = ("bob", "cfgmgr", "msgq", "sockcreator")
# What conditions on rows look at beside the rows themselves.
ROWS_DEPEND_ON = frozenset({DATA_SOURCES, zones.TEMPLATES})
# What each type of data source is described by.
SOURCE_PLACES = {"database": "url", "master-files": "directory"}


@dataclass(frozen=True, slots=True)
class Situation:
    """What conditions look at."""

    values: Tree
    catalogue: Catalogue
    substitute: Substitute
    unreadable: Callable[[str], str | None] | None
    rows: Mapping[str, list[str]] | None = None  # only these rows differ from what was looked at before; None: all

    def given(self, key: str) -> Any:
        """The stored value of a top-level key, or its default."""
        option = self.catalogue.options.get(key)
        default = None if option is None else option.default
        return self.values.get(key, default) or {}


def check_components(situation: Situation, findings: Findings) -> None:
    """Components are ours, or bring a program; what they need is there, and never itself."""
    components = situation.given(COMPONENTS)
    for name, component in components.items():
        path = (COMPONENTS, name)
        spec = situation.catalogue.specs.get(name)
        ours = spec is not None and spec.component is not None and "spec" not in component
        if name in BUILT_IN:
            findings.error(path, "is built in and cannot be configured")
        elif ours and "program" in component:
            findings.error((*path, "program"), f"{name} is a component of ours; one that is not has another name")
        elif not ours and "program" not in component:
            known = [known for known, spec in situation.catalogue.specs.items() if spec.component is not None]
            hint = did_you_mean(name, set(known) - set(BUILT_IN))
            findings.error(path, f"is no component of ours{hint}; one that is not brings a program")
    _check_needs(_needs(situation), components, findings)


def _needs(situation: Situation) -> dict[str, set[str]]:
    components = situation.given(COMPONENTS)
    needs = {name: set[str]() for name in (*BUILT_IN, *components)}
    for name, spec in situation.catalogue.specs.items():
        if spec.component is not None:
            needs[name] = set(spec.component.needs)
    for name, component in components.items():
        needs[name] |= set(component.get("needs", ()))
    return needs


def _check_needs(needs: dict[str, set[str]], components: Tree, findings: Findings) -> None:
    for name, component in components.items():
        for index, need in enumerate(component.get("needs", ())):
            path = (COMPONENTS, name, "needs", index)
            if need not in needs:
                findings.error(path, f"there is no component {need!r}{did_you_mean(need, needs)}")
            elif name in _reachable(need, needs):
                findings.error(path, f"{need} needs {name} itself")


def _reachable(start: str, needs: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += needs.get(name, ())
    return found


def check_listen(situation: Situation, findings: Findings) -> None:
    """No two sockets want the same address and port. What is not DNS is TCP, as DNS is too."""
    taken: list[tuple[Endpoint, Path]] = []
    listen = situation.given(LISTEN) or []
    places = [((LISTEN, index), value) for index, value in enumerate(listen)]
    for path, value in (*places, *_other_endpoints(situation)):
        endpoint = parse_endpoint(value)
        for other, other_path in taken:
            if _overlap(endpoint, other) and (endpoint != other or path[0] != LISTEN):  # `unique` told the rest
                findings.error(path, f"{endpoint} overlaps with {other} of {other_path[0]}")
                break
        taken.append((endpoint, path))


def _other_endpoints(situation: Situation) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for key, option in situation.catalogue.options.items():
        if isinstance(option, MapOption):
            complete = option.complete(situation.values.get(key)) or {}
            found += [
                ((key, name), complete[name])
                for name, inner in option.options.items()
                if _is_endpoint(inner) and complete.get(name) not in (None, OFF)
            ]
    return found


def _is_endpoint(option: Option) -> bool:
    return isinstance(option, EndpointOption) and not option.pending


def _overlap(one: Endpoint, other: Endpoint) -> bool:
    if one.port != other.port:
        return False
    first, second = ipaddress.ip_address(one.address), ipaddress.ip_address(other.address)
    if first.version != second.version:
        return False  # `::` is bound with IPV6_V6ONLY
    return first == second or first.is_unspecified or second.is_unspecified


def check_data_sources(situation: Situation, findings: Findings) -> None:
    """A data source says where it is, in the way of its type, and is not there under two names."""
    sources = situation.given(DATA_SOURCES)
    if not sources:
        findings.warning((DATA_SOURCES,), "there is no data source: no zone can be served")
    seen: dict[str, str] = {}
    for name, source in sources.items():
        path = (DATA_SOURCES, name)
        wanted = SOURCE_PLACES.get(source.get("type", ""))
        if wanted is None:
            continue
        if wanted not in source:
            findings.error(path, f"{wanted} is missing: a data source of type {source['type']} needs it")
        for field in set(SOURCE_PLACES.values()) - {wanted}:
            if field in source:
                findings.error((*path, field), f"has no meaning for a data source of type {source['type']}")
        place = source.get(wanted, "")
        if place and place in seen:
            findings.error((*path, wanted), f"is the same as that of {seen[place]}")
        seen.setdefault(place, name)


def check_zones(situation: Situation, findings: Findings) -> None:
    """Secondary zones have whom to ask, and where to keep what they get."""
    options = situation.catalogue.options
    if zones.ZONES not in options:
        return
    listed = situation.values.get(zones.ZONES) or {}
    if situation.rows is not None:
        listed = {name: listed[name] for name in situation.rows[zones.ZONES] if name in listed}
    resolved = zones.resolve({**situation.values, zones.ZONES: listed}, options)
    sources = situation.given(DATA_SOURCES)
    for name, zone in resolved.get(zones.ZONES, {}).items():
        if zone.get("role") != "secondary":
            continue
        if not zone.get("primaries"):
            findings.error((zones.ZONES, name), "is a secondary zone, but no primaries are given for it")
        source = sources.get(zone.get("data_source"), {})
        if source.get("type") == "master-files":
            findings.error((zones.ZONES, name), f"cannot be kept in {zone['data_source']}: master files are only read")


def check_statistics(situation: Situation, findings: Findings) -> None:
    """Who has zones counted by the template of all knows which ones are not."""
    template = situation.given(zones.TEMPLATES).get(zones.DEFAULT_TEMPLATE) or {}
    if template.get(STATISTICS):
        findings.warning(
            (zones.TEMPLATES, zones.DEFAULT_TEMPLATE, STATISTICS),
            "zones that are served without being listed in `zones` are not counted: list those that are to be",
        )


def check_keys(situation: Situation, findings: Findings) -> None:
    """Secrets can be read."""
    if situation.unreadable is None:
        return
    for name, key in situation.given(KEYS).items():
        file = situation.substitute(key.get("secret_file", ""))
        reason = situation.unreadable(file) if file else None
        if reason is not None:
            findings.warning((KEYS, name, "secret_file"), f"{file} cannot be used: {reason}")


def check_logging(situation: Situation, findings: Findings) -> None:
    """Modules with a log of their own exist."""
    for name in situation.given(LOGGING).get("modules", {}):
        if name not in situation.catalogue.specs:
            hint = did_you_mean(name, situation.catalogue.specs)
            findings.error((LOGGING, "modules", name), f"there is no module {name!r}{hint}")


CONDITIONS: tuple[Callable[[Situation, Findings], None], ...] = (
    check_components,
    check_listen,
    check_data_sources,
    check_zones,
    check_statistics,
    check_keys,
    check_logging,
)
