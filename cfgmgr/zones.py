"""A zone's values: its own over its template's over the template `default`; built-in defaults come last of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cfgmgr.tree import Tree, look_up, merged
from daemonkit.findings import Path
from daemonkit.option_trees import MapOption, SetOption
from daemonkit.options import Option, Substitute
from daemonkit.rowmap import RowMap

TEMPLATES = "templates"
ZONES = "zones"
DEFAULT_TEMPLATE = "default"
TEMPLATE = "template"


def resolve(values: Tree, options: Mapping[str, Option]) -> Tree:
    """Stored values with `templates` and `zones` resolved: each entry has all that is given for it anywhere."""
    if ZONES not in options or TEMPLATES not in options:
        return values
    nested = _nested(options[ZONES])
    templates = _templates(values, nested)
    shared: dict[bytes, dict[str, Any]] = {}
    zones = {}
    for name, zone in (values.get(ZONES) or {}).items():
        # Zones that say the same share one value: of 100 000 most do.
        key = kind_of(zone)
        if key not in shared:
            base = templates.get(zone.get(TEMPLATE, DEFAULT_TEMPLATE), templates[DEFAULT_TEMPLATE])
            shared[key] = merged((base, zone), nested)
        zones[name] = shared[key]
    return {**values, TEMPLATES: templates, ZONES: zones}


def kind_of(zone: Any) -> bytes:
    """What two zones have in common that say the same."""
    return msgspec.msgpack.encode(zone)


def complete(resolved: Tree, options: Mapping[str, Option]) -> Tree:
    """Every default filled in; zones that share one value go on sharing it."""
    result = {key: option.complete(resolved.get(key)) for key, option in options.items() if key != ZONES}
    if ZONES in options:
        item = _item(options[ZONES])
        done: dict[int, Any] = {}
        zones = resolved.get(ZONES) or {}
        for zone in zones.values():
            if id(zone) not in done:
                done[id(zone)] = item.complete(zone)
        result[ZONES] = RowMap({name: done[id(zone)] for name, zone in zones.items()})
    return result


def convert(zones: Option, complete_zones: Mapping[str, Any], substitute: Substitute) -> RowMap[str, Any]:
    """The effective values of all zones; zones that share one value go on sharing it."""
    item = _item(zones)
    done: dict[int, Any] = {}
    for zone in complete_zones.values():
        if id(zone) not in done:
            done[id(zone)] = item.convert(zone, substitute)
    return RowMap({name: done[id(zone)] for name, zone in complete_zones.items()})


def inherited(values: Tree, options: Mapping[str, Option], path: Path) -> Any:
    """What templates give for a path inside one entry of `zones` or `templates`; None where they do not."""
    root, entry = str(path[0]), str(path[1])
    item = look_up(values, path[:2]) or {}
    alone = {TEMPLATES: values.get(TEMPLATES) or {}, ZONES: {}}
    alone[root] = {**alone[root], entry: item}
    return look_up(resolve(alone, options), path)


def _templates(values: Tree, nested: frozenset[str]) -> dict[str, dict[str, Any]]:
    given = values.get(TEMPLATES) or {}
    default = given.get(DEFAULT_TEMPLATE) or {}
    others = {name: merged((default, template), nested) for name, template in given.items()}
    return {**others, DEFAULT_TEMPLATE: default}


def _item(zones: Option) -> MapOption:
    assert isinstance(zones, SetOption)
    assert isinstance(zones.item, MapOption)
    return zones.item


def _nested(zones: Option) -> frozenset[str]:
    return frozenset(name for name, option in _item(zones).options.items() if isinstance(option, MapOption))
