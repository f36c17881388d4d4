"""A map of 100 000 rows of which one changes: the next one shares all else with it, and neither changes the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

MAX_CHANGES = 1000  # after which they are worked in: two milliseconds for 100 000 rows

K = TypeVar("K")
V = TypeVar("V")

_GONE: Any = object()
_UNCHANGED: Any = object()


class RowMap(Mapping[K, V], Generic[K, V]):
    """A map that is never changed: `changed` gives another one, in the time that the changes take.

    `base` must not be changed by anybody any more. One that keeps its rows in a way of its own has a method `remade`,
    which makes another one like it.
    """

    __slots__ = ("_base", "_changes", "_length")

    def __init__(self, base: Mapping[K, V], changes: dict[K, V] | None = None) -> None:
        self._base = base
        self._changes = changes or {}
        more = sum(key not in base for key, value in self._changes.items() if value is not _GONE)
        fewer = sum(value is _GONE for value in self._changes.values())
        self._length = len(base) + more - fewer

    def changed(self, rows: Iterable[tuple[K, V]], removed: Iterable[K] = ()) -> RowMap[K, V]:
        """The map with other values, and without some keys; one that is not there is not missed."""
        changes = dict(self._changes)
        for key in removed:
            if key in self._base:
                changes[key] = _GONE
            else:
                changes.pop(key, None)
        changes.update(rows)
        made = RowMap(self._base, changes)
        if len(changes) <= MAX_CHANGES:
            return made
        remade: Callable[[Iterable[tuple[K, V]]], Mapping[K, V]] | None = getattr(self._base, "remade", None)
        return RowMap(made.flat() if remade is None else remade(made.items()))

    def flat(self) -> dict[K, V]:
        """All of it as one dict, which must not be changed."""
        if not self._changes and isinstance(self._base, dict):
            return self._base
        made = dict(self._base)
        for key, value in self._changes.items():
            if value is _GONE:
                made.pop(key, None)
            else:
                made[key] = value
        return made

    def may_differ(self, other: RowMap[K, V]) -> Iterable[K] | None:
        """The keys in which it can differ from another map; None where that may be all of either."""
        return None if self._base is not other._base else self._changes.keys() | other._changes.keys()

    @property
    def base(self) -> Mapping[K, V]:
        """What it shares with the maps before and after; `moved` is where it differs from that."""
        return self._base

    @property
    def moved(self) -> Iterable[K]:
        """The keys that are not as in `base`: they have another value, came, or are gone."""
        return self._changes.keys()

    def entries_from(self, place: int) -> Iterator[tuple[int, K, V]]:
        """The entries behind a place in their order, with the place behind each; 0 is the first one of all.

        Takes no time for those before that place. What is gone leaves its place behind, so that a place means nothing
        in another map of the same entries.
        """
        common = min(place, len(self._base))
        added = ((key, value) for key, value in self._changes.items() if key not in self._base)
        ordered = itertools.chain(itertools.islice(self._base.items(), common, None), added)
        for number, (key, before) in enumerate(itertools.islice(ordered, place - common, None), place + 1):
            value = self._changes.get(key, before)
            if value is not _GONE:
                yield number, key, value

    def __getitem__(self, key: K) -> V:
        value: V = self._changes.get(key, _UNCHANGED)
        if value is _UNCHANGED:
            return self._base[key]
        if value is _GONE:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        changed: dict[Any, V] = self._changes
        if changed:
            value = changed.get(key, _UNCHANGED)
            if value is not _UNCHANGED:
                return value is not _GONE
        return key in self._base

    def __iter__(self) -> Iterator[K]:
        return iter(self._base) if not self._changes else (key for _, key, _ in self.entries_from(0))

    def pairs(self) -> Iterator[tuple[K, V]]:
        """Key and value of each."""
        if not self._changes:
            return iter(self._base.items())
        return ((key, value) for _, key, value in self.entries_from(0))

    def items(self) -> ItemsView[K, V]:
        return _Items(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Mapping) or len(self) != len(other):
            return False
        if isinstance(other, RowMap):
            keys = self.may_differ(other)
            if keys is not None:
                return all(self.get(key, _GONE) == other.get(key, _GONE) for key in keys)
            return self.flat() == other.flat()
        return bool(self.flat() == other)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return self._length


class _Items(ItemsView[K, V]):
    """Key and value of each, without a look at each key."""

    _mapping: RowMap[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self._mapping.pairs()


def rows_of(entries: Mapping[K, V]) -> RowMap[K, V]:
    """A map as a RowMap; nobody must change it any more."""
    return entries if isinstance(entries, RowMap) else RowMap(entries)
