"""The option types that hold other options: lists, maps with fixed keys, sets with free keys, alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from daemonkit.findings import Findings, Path, did_you_mean, shown
from daemonkit.options import MISSING, Option, Scalar, Substitute, Wrong
from daemonkit.rowmap import RowMap


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOption(Option):
    """Values of one type, in order."""

    item: Option
    min_length: int = 0
    max_length: int | None = None
    unique: bool = False

    def expects(self) -> str:
        return f"a list, each item {self.item.expects()}"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        if value is None:
            value = []
        if not isinstance(value, list):
            findings.error(path, f"must be a list, not {shown(value)}")
            return MISSING
        items = [self.item.check(item, (*path, index), findings) for index, item in enumerate(value)]
        if any(item is MISSING for item in items) or not self._fits(items, path, findings):
            return MISSING
        return items

    def child(self, part: str | int) -> Option | None:
        return self.item if isinstance(part, int) else None

    def complete(self, stored: Any = None) -> list[Any]:
        return [self.item.complete(item) for item in (self.default or [] if stored is None else stored)]

    def convert(self, complete: Any, substitute: Substitute) -> list[Any] | None:
        return None if complete is None else [self.item.convert(item, substitute) for item in complete]

    def prune(self, stored: Any) -> Any:
        return MISSING if stored == (self.default or []) else stored

    def _fits(self, items: list[Any], path: Path, findings: Findings) -> bool:
        if len(items) < self.min_length:
            findings.error(path, f"must have at least {_items(self.min_length)}")
            return False
        if self.max_length is not None and len(items) > self.max_length:
            findings.error(path, f"must have at most {_items(self.max_length)}, not {len(items)}")
            return False
        if not self.unique:
            return True
        repeated = [index for index, item in enumerate(items) if item in items[:index]]
        for index in repeated:
            findings.error((*path, index), f"{shown(items[index])} is listed twice")
        return not repeated


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOption(Option):
    """Options under fixed keys.

    An `optional` map is null where it is not given; another one is filled with defaults. The values of a `layered` map
    lie over those of another (a zone's over its template's), so that none is left out for being the default.
    """

    options: Mapping[str, Option]
    optional: bool = False
    layered: bool = False

    def expects(self) -> str:
        return "a map" if not self.options else f"a map with {', '.join(sorted(self.options))}"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        value = {} if value is None else value
        if not isinstance(value, dict):
            findings.error(path, f"must be a map, not {shown(value)}")
            return MISSING
        stored: dict[str, Any] = {}
        for key, inner in value.items():
            option = self.options.get(key)
            if option is None:
                hint = did_you_mean(key, self.options) or f"; there are {', '.join(sorted(self.options))}"
                findings.error((*path, key), f"unknown option{hint}")
                continue
            stored[key] = option.check(inner, (*path, key), findings)
            if option.pending:
                findings.pending((*path, key), option.pending)
        for key, option in self.options.items():
            if option.required and key not in value:
                findings.error(path, f"{key} is missing: {option.expects()}")
        return {key: inner for key, inner in stored.items() if inner is not MISSING}

    def child(self, part: str | int) -> Option | None:
        return self.options.get(part) if isinstance(part, str) else None

    def inside(self) -> tuple[str, ...]:
        return tuple(self.options)

    def complete(self, stored: Any = None) -> dict[str, Any] | None:
        if stored is None:
            if self.default is None and self.optional:
                return None
            stored = self.default or {}
        return {key: option.complete(stored.get(key)) for key, option in self.options.items()}

    def convert(self, complete: Any, substitute: Substitute) -> dict[str, Any] | None:
        if complete is None:
            return None
        return {key: option.convert(complete[key], substitute) for key, option in self.options.items()}

    def prune(self, stored: Any) -> Any:
        if self.layered:
            return stored
        kept = {key: self.options[key].prune(inner) for key, inner in stored.items()}
        kept = {key: inner for key, inner in kept.items() if inner is not MISSING}
        if not kept and not self.optional and not self.default:
            return MISSING
        return stored if self.default else kept


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOption(Option):
    """Values of one type under free keys."""

    key: Scalar
    item: Option
    max_length: int | None = None

    def expects(self) -> str:
        return f"a map of {self.key.expects()} to {self.item.expects()}"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        value = {} if value is None else value
        if not isinstance(value, dict):
            findings.error(path, f"must be a map, not {shown(value)}")
            return MISSING
        if self.max_length is not None and len(value) > self.max_length:
            findings.error(path, f"must have at most {_items(self.max_length)}, not {len(value)}")
            return MISSING
        stored: dict[str, Any] = {}
        written: dict[str, str] = {}
        checked: dict[bytes, tuple[Any, Findings]] = {}  # of 100 000 zones most say the same
        for key, inner in value.items():
            name = self._key(key, (*path, key), findings)
            if name in written:
                findings.error((*path, key), f"is the same as {shown(written[name])}, which is given too")
                name = None
            item = self._item(inner, (*path, key), findings, checked)
            if name is not None and item is not MISSING:
                written[name], stored[name] = key, item
        return stored

    def _item(self, value: Any, path: Path, findings: Findings, checked: dict[bytes, tuple[Any, Findings]]) -> Any:
        """Check an entry; one that says the same as another is that one, and is found fault with in the same way."""
        try:
            marker = msgspec.msgpack.encode(value)
        except OverflowError:  # a number that cannot be right; it is told like others
            return self.item.check(value, path, findings)
        if marker in checked:
            item, found = checked[marker]
            findings.extend(found, path)
            return item
        found = Findings()
        item = self.item.check(value, path, found)
        findings.extend(found)
        checked[marker] = item, found
        return item

    def child(self, part: str | int) -> Option | None:
        return self.item if isinstance(part, str) else None

    def complete(self, stored: Any = None) -> dict[str, Any]:
        items = self.default or {} if stored is None else stored
        return {key: self.item.complete(item) for key, item in items.items()}

    def convert(self, complete: Any, substitute: Substitute) -> dict[str, Any]:
        return {key: self.item.convert(item, substitute) for key, item in complete.items()}

    def prune(self, stored: Any) -> Any:
        if stored == (self.default or {}):
            return MISSING
        kept = {key: self.item.prune(item) for key, item in stored.items()}
        return {key: {} if item is MISSING else item for key, item in kept.items()} if _holds_maps(self) else stored

    def prune_entry(self, stored: Any, key: str) -> Any:
        """As `prune`, where only the entry `key` may have something to leave out; takes no longer for many entries."""
        if stored == (self.default or {}):
            return MISSING
        if key not in stored or not _holds_maps(self):
            return stored
        kept = self.item.prune(stored[key])
        kept = {} if kept is MISSING else kept
        if kept == stored[key]:
            return stored
        return stored.changed([(key, kept)]) if isinstance(stored, RowMap) else {**stored, key: kept}

    def _key(self, key: str, path: Path, findings: Findings) -> str | None:
        try:
            return str(self.key.read(key))
        except Wrong as wrong:
            findings.error(path, f"the key must be {wrong}")
            return None


def _holds_maps(option: SetOption) -> bool:
    return isinstance(option.item, MapOption)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOfOption(Option):
    """A value of the first alternative that takes it."""

    alternatives: tuple[Option, ...]

    def expects(self) -> str:
        return " or ".join(option.expects() for option in self.alternatives)

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        trials = []
        for option in self.alternatives:
            trial = Findings()
            stored = option.check(value, path, trial)
            if stored is not MISSING and not trial.errors:
                findings.extend(trial)
                return stored
            trials.append((option, trial))
        alike = [trial for option, trial in trials if _takes_kind(option, value)]
        if len(alike) == 1 and isinstance(value, dict | list):
            findings.extend(alike[0])
        else:
            findings.error(path, f"must be {self.expects()}, not {shown(value)}")
        return MISSING

    def child(self, part: str | int) -> Option | None:
        return next((found for option in self.alternatives if (found := option.child(part))), None)

    def inside(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for option in self.alternatives for key in option.inside()))

    def complete(self, stored: Any = None) -> Any:
        value = self.default if stored is None else stored
        return None if value is None else self._taker(value).complete(value)

    def convert(self, complete: Any, substitute: Substitute) -> Any:
        return None if complete is None else self._taker(complete).convert(complete, substitute)

    def _taker(self, value: Any) -> Option:
        for option in self.alternatives:
            trial = Findings()
            if option.check(_given(value), (), trial) is not MISSING and not trial.errors:
                return option
        raise AssertionError("a checked value fits none of its alternatives")


def _given(value: Any) -> Any:
    """A complete value without what was not given, as a check wants it."""
    if isinstance(value, dict):
        return {key: _given(inner) for key, inner in value.items() if inner is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value


def _takes_kind(option: Option, value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(option, MapOption | SetOption)
    if isinstance(value, list):
        return isinstance(option, ListOption)
    return isinstance(option, Scalar)
