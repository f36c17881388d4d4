"""From stored values to what runs: the rules of this run, and one configuration under them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cfgmgr.addressing import find
from cfgmgr.arguments import Arguments
from cfgmgr.catalogue import COMPONENTS, Catalogue, our_catalogue, with_components
from cfgmgr.edits import set_value
from cfgmgr.errors import ArgumentError, Invalid, PathError
from cfgmgr.rows import rows_in
from cfgmgr.tree import ROWS, Change, Tree, scope
from cfgmgr.validation import Validated, revalidate, validate
from cfgmgr.zones import DEFAULT_TEMPLATE, TEMPLATE, TEMPLATES, ZONES, kind_of
from daemonkit.findings import Findings, Path
from daemonkit.options import Substitute
from daemonkit.secretfiles import SecretError, read_secret
from daemonkit.spec import SpecError


class Overlaid(NamedTuple):
    """Values with the overlay, and where it is."""

    tree: Tree
    scopes: frozenset[Path]


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

    def revalidate(self, before: Validated, values: Tree, scopes: Iterable[Path]) -> Validated:
        """Check values that differ from checked ones in these scopes at most."""
        return revalidate(before, values, scopes, self.ours, self.substitute, unreadable)

    def catalogue(self, values: Tree) -> Catalogue:
        """The specs that hold for these values."""
        return with_components(self.ours, values.get(COMPONENTS), Findings())

    def running(self, stored: Validated) -> Validated:
        """The values as they run, with the overlay. Raises ArgumentError where the overlay cannot be."""
        return self.validate(self._overlaid(stored).tree) if self.overlay else stored

    def running_after(self, before: Validated, stored: Validated, scopes: frozenset[Path]) -> Validated:
        """As `running`, where what runs differs from what ran before in these scopes, and in the overlay's, at most."""
        if not self.overlay:
            return stored
        overlaid = self._overlaid(stored)
        return self.revalidate(before, overlaid.tree, scopes | overlaid.scopes)

    def _overlaid(self, stored: Validated) -> Overlaid:
        values, scopes = stored.values, set()
        for path, value in self.overlay:
            try:
                edited = set_value(values, stored.catalogue, path, value)
            except (PathError, Invalid) as error:
                raise ArgumentError(f"on the command line: {error}") from error
            values = edited.tree
            scopes.add(scope(edited.path))
        return Overlaid(values, frozenset(scopes))

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
class RowChanges:
    """How the rows of one top-level map differ from those of another revision, as daemons get them."""

    changed: Tree
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """How one revision differs from the one before, as daemons get them."""

    values: Tree  # top-level keys, whole; those of rows are below
    rows: Mapping[str, RowChanges]
    modules: frozenset[str]  # whom it concerns

    def part(self, keys: Iterable[str]) -> tuple[Tree, dict[str, RowChanges]]:
        """What of it lies below these top-level keys."""
        keys = list(keys)
        return (
            {key: self.values[key] for key in keys if key in self.values},
            {key: self.rows[key] for key in keys if key in self.rows},
        )


@dataclass(frozen=True, slots=True)
class Current:
    """One revision in effect, with everything worked out."""

    revision: int
    state: Tree  # as it is stored; `stored.values` themselves, unless something in them is left out
    stored: Validated
    running: Validated  # with the overlay
    complete: Tree
    effective: Tree
    kinds: dict[bytes, tuple[Any, Any]]  # complete and effective row of each kind, as long as templates are the same
    # A place among the rows means another row in another process or attempt, though the revision is the same.
    edition: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)

    @classmethod
    def of(cls, revision: int, state: Tree, stored: Validated, running: Validated, substitute: Substitute) -> Current:
        """Work everything out; takes half a second for 100 000 zones."""
        complete = running.complete()
        effective = running.converted(complete, substitute)
        kinds: dict[bytes, tuple[Any, Any]] = {}
        seen: set[int] = set()
        for name, row in (running.values.get(ZONES) or {}).items():
            if id(row) not in seen:
                seen.add(id(row))
                kinds[kind_of(row)] = complete[ZONES][name], effective[ZONES][name]
        return cls(revision, state, stored, running, complete, effective, kinds)

    @property
    def catalogue(self) -> Catalogue:
        """The specs it was checked by."""
        return self.running.catalogue

    def successor(
        self, stored: Validated, running: Validated, scopes: frozenset[Path], substitute: Substitute
    ) -> tuple[Current, Difference]:
        """What another configuration, which differs in these scopes at most, would be, and how it differs."""
        rows = rows_in(scopes)
        if rows is None or running.catalogue is not self.catalogue:
            after = Current.of(self.revision, stored.values, stored, running, substitute)
            rows = {
                root: list(dict.fromkeys((*self.effective.get(root, ()), *after.effective.get(root, ()))))
                for root in ROWS
            }
            return after, _difference(self, after, rows)
        kinds = self.kinds
        if (TEMPLATES,) in {part[:1] for part in scopes}:
            kinds = {}  # rows that say the same are not worth the same any more
            rows = {**rows, ZONES: list(dict.fromkeys((*rows[ZONES], *self._inheriting(running))))}
        after = self._patched(stored, running, rows[ZONES], kinds, substitute)
        return after, _difference(self, after, rows)

    def _inheriting(self, running: Validated) -> list[str]:
        """The zones that take values from templates that are not what they were."""
        before, after = self.running.values.get(TEMPLATES) or {}, running.values.get(TEMPLATES) or {}
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        listed = running.values.get(ZONES) or {}
        if DEFAULT_TEMPLATE in changed:
            return list(listed)
        return [name for name, row in listed.items() if row.get(TEMPLATE) in changed]

    def _patched(
        self,
        stored: Validated,
        running: Validated,
        zones: Iterable[str],
        kinds: dict[bytes, tuple[Any, Any]],
        substitute: Substitute,
    ) -> Current:
        """What it would be where of all zones these may differ; `kinds` are known, and more are added."""
        listed = running.values.get(ZONES) or {}
        of_zone = {name: kind_of(listed[name]) for name in zones if name in listed}
        new = {kind: name for name, kind in of_zone.items() if kind not in kinds}
        rest = replace(running, values={**running.values, ZONES: {name: listed[name] for name in new.values()}})
        complete = rest.complete()
        effective = rest.converted(complete, substitute)
        for kind, name in new.items():
            kinds[kind] = complete[ZONES][name], effective[ZONES][name]
        gone = [name for name in zones if name not in of_zone]
        rows = {name: kinds[kind] for name, kind in of_zone.items()}
        complete[ZONES] = self.complete[ZONES].changed(((name, row[0]) for name, row in rows.items()), gone)
        effective[ZONES] = self.effective[ZONES].changed(((name, row[1]) for name, row in rows.items()), gone)
        return Current(self.revision, stored.values, stored, running, complete, effective, kinds)


def _difference(before: Current, after: Current, rows: Mapping[str, list[str]]) -> Difference:
    keys = (before.effective.keys() | after.effective.keys()) - ROWS
    values = {key: after.effective.get(key) for key in keys if before.effective.get(key) != after.effective.get(key)}
    changes = {}
    for root, names in rows.items():
        old, new = before.effective.get(root, {}), after.effective.get(root, {})
        changed = {name: new[name] for name in names if name in new and new[name] != old.get(name)}
        removed = tuple(name for name in names if name in old and name not in new)
        if changed or removed:
            changes[root] = RowChanges(changed, removed)
    differing = values.keys() | changes.keys()
    modules = before.catalogue.modules_reading(differing) | after.catalogue.modules_reading(differing)
    return Difference(values, changes, frozenset(modules))


def unreadable(file: str) -> str | None:
    """Why a file is no secret that can be used, or None."""
    try:
        read_secret(file)
    except SecretError as error:
        return str(error)
    return None
