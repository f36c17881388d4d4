"""From stored values to what runs: the rules of this run, and one configuration under them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from cfgmgr.addressing import find
from cfgmgr.arguments import Arguments
from cfgmgr.catalogue import COMPONENTS, Catalogue, our_catalogue, with_components
from cfgmgr.edits import set_value
from cfgmgr.errors import ArgumentError, Invalid, PathError
from cfgmgr.tree import Tree
from cfgmgr.validation import Validated, validate
from cfgmgr.zones import TEMPLATES, ZONES
from daemonkit.api import Shared
from daemonkit.findings import Findings
from daemonkit.options import Substitute
from daemonkit.spec import SpecError


@dataclass(frozen=True, slots=True)
class Rules:
    """What a configuration of this run is checked by, and what the command line lays over it."""

    ours: Catalogue
    overlay: tuple[tuple[str, Any], ...]
    substitute: Substitute

    @classmethod
    def of(cls, arguments: Arguments, substitute: Substitute) -> Rules:
        """The rules with the defaults and overlay of the command line; raises ArgumentError, SpecError."""
        ours = our_catalogue()
        for path, value in arguments.defaults:
            try:
                ours = ours.with_default(find(path, ours.root, {}).path, value)
            except (PathError, SpecError) as error:
                raise ArgumentError(f"--default {path}: {error}") from error
        return cls(ours, arguments.overlay, substitute)

    def validate(self, values: Any) -> Validated:
        """Check values that are to be stored."""
        return validate(values, self.ours, self.substitute, unreadable)

    def catalogue(self, values: Tree) -> Catalogue:
        """The specs that hold for these values."""
        return with_components(self.ours, values.get(COMPONENTS), Findings())

    def running(self, stored: Validated) -> Validated:
        """The values as they run, with the overlay. Raises ArgumentError where the overlay cannot be."""
        if not self.overlay:
            return stored
        values = stored.values
        for path, value in self.overlay:
            try:
                values = set_value(values, stored.catalogue, path, value)
            except (PathError, Invalid) as error:
                raise ArgumentError(f"on the command line: {error}") from error
        return self.validate(values)

    def overlay_shown(self) -> dict[str, Any]:
        """The overlay for people."""
        return dict(self.overlay)


@dataclass(frozen=True, slots=True)
class Handed:
    """The configuration of one module as it travels: zones that say the same are told once."""

    values: Tree
    shared: dict[str, Shared]

    @classmethod
    def of(cls, tree: Tree) -> Handed:
        """Fold what can be folded."""
        shared = {ZONES: _folded(tree[ZONES])} if ZONES in tree else {}
        return cls({key: value for key, value in tree.items() if key not in shared}, shared)


def _folded(zones: Tree) -> Shared:
    values: list[Any] = []
    index: dict[int, int] = {}
    for zone in zones.values():
        if id(zone) not in index:
            index[id(zone)] = len(values)
            values.append(zone)
    return Shared(values, {name: index[id(zone)] for name, zone in zones.items()})


@dataclass(frozen=True, slots=True)
class Current:
    """One revision in effect."""

    revision: int
    state: Tree  # as stored
    running: Validated  # with the overlay
    complete: Tree
    substitute: Substitute
    handed: dict[str, Handed] = field(default_factory=dict)  # by module, as worked out so far

    @classmethod
    def of(cls, revision: int, state: Tree, running: Validated, substitute: Substitute) -> Current:
        """A revision with everything worked out."""
        return cls(revision, state, running, running.complete(), substitute)

    @property
    def catalogue(self) -> Catalogue:
        """The specs it was checked by."""
        return self.running.catalogue

    def handed_to(self, module: str) -> Handed:
        """What a module is handed; raises KeyError for a module without a spec."""
        if module not in self.handed:
            self.handed[module] = Handed.of(self.running.for_module(module, self.complete, self.substitute))
        return self.handed[module]


def modules_concerned(before: Current, after: Current) -> set[str]:
    """The modules for which anything differs between two revisions."""
    keys = before.complete.keys() | after.complete.keys()
    changed = {key for key in keys if before.complete.get(key) != after.complete.get(key)}
    if TEMPLATES in changed and before.complete.get(ZONES) is not None:
        changed.add(ZONES)
    return before.catalogue.modules_reading(changed) | after.catalogue.modules_reading(changed)


def unreadable(file: str) -> str | None:
    """Why a file cannot be read, or None."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    os.close(descriptor)
    return None
