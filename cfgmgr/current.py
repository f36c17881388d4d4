"""From stored values to what runs: the rules of this run, and one configuration under them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cfgmgr.addressing import find
from cfgmgr.arguments import Arguments
from cfgmgr.catalogue import COMPONENTS, Catalogue, our_catalogue, with_components
from cfgmgr.edits import set_value
from cfgmgr.errors import ArgumentError, Invalid, PathError
from cfgmgr.tree import Change, Tree
from cfgmgr.validation import Validated, validate
from cfgmgr.zones import ZONES
from daemonkit.api import Shared
from daemonkit.findings import Findings, Path
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

    def overlaid(self, changes: Iterable[Change], catalogue: Catalogue) -> list[Path]:
        """The paths on the command line that hide one of these changes."""
        hidden = []
        for text, value in self.overlay:
            path = find(text, catalogue.root, {}, value).path
            if any(change.path[: len(path)] == path or path[: len(change.path)] == change.path for change in changes):
                hidden.append(path)
        return hidden

    def overlay_shown(self) -> dict[str, Any]:
        """The overlay for people."""
        return dict(self.overlay)


@dataclass(frozen=True, slots=True)
class Handed:
    """The configuration of one module as it travels: zones that say the same are told once."""

    values: Tree
    shared: dict[str, Shared]


@dataclass(frozen=True, slots=True)
class Current:
    """One revision in effect, with everything worked out: to hand it over takes no more work."""

    revision: int
    state: Tree  # as stored
    running: Validated  # with the overlay
    complete: Tree
    handed: Mapping[str, Handed]  # by module

    @classmethod
    def of(cls, revision: int, state: Tree, running: Validated, substitute: Substitute) -> Current:
        """Work everything out; takes a second for 100 000 zones."""
        complete = running.complete()
        return cls(revision, state, running, complete, _handed(running, running.converted(complete, substitute)))

    @property
    def catalogue(self) -> Catalogue:
        """The specs it was checked by."""
        return self.running.catalogue


def _handed(running: Validated, converted: Tree) -> dict[str, Handed]:
    shared = {ZONES: _folded(converted[ZONES])} if ZONES in converted else {}
    handed = {}
    for module in running.catalogue.specs:
        keys = running.catalogue.keys_of(module)
        values = {key: converted[key] for key in keys if key not in shared}
        handed[module] = Handed(values, {key: shared[key] for key in keys if key in shared})
    return handed


def _folded(zones: Tree) -> Shared:
    values: list[Any] = []
    index: dict[int, int] = {}
    for zone in zones.values():
        if id(zone) not in index:
            index[id(zone)] = len(values)
            values.append(zone)
    return Shared(values, {name: index[id(zone)] for name, zone in zones.items()})


def modules_concerned(before: Current, after: Current) -> set[str]:
    """The modules for which anything differs between two revisions."""
    keys = before.complete.keys() | after.complete.keys()
    changed = {key for key in keys if before.complete.get(key) != after.complete.get(key)}
    return before.catalogue.modules_reading(changed) | after.catalogue.modules_reading(changed)


def unreadable(file: str) -> str | None:
    """Why a file cannot be read, or None."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    os.close(descriptor)
    return None
