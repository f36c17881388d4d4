"""A map of very many names without an object for any of them: what most of them say is said once.

Names are told by their keys (datasrc.keys), as everywhere where there are many that others choose.
"""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Generic, TypeVar

from datasrc.keytable import KeyTable

LENGTH = 2  # octets before each key: one with many escapes is longer than a name

V = TypeVar("V")


class NameMap(Mapping[bytes, V], Generic[V]):
    """By the keys of names. Never changed. 45 octets for a name of 20; equal values are to be one object."""

    def __init__(self, entries: Iterable[tuple[bytes, V]]) -> None:
        """`entries` are the keys, and what there is for them; of a key the last counts."""
        self._keys = bytearray()  # each behind its length
        self._which = array("I")  # in the order of the keys: the place of the value
        self._values: list[V] = []
        self._places = KeyTable(numbered=True)  # of keys, in the order
        values: dict[int, int] = {}  # places of values, by their identity
        for key, value in entries:
            which = values.setdefault(id(value), len(self._values))
            if which == len(self._values):
                self._values.append(value)
            place = self._places.number(key)
            if place >= 0:
                self._which[place] = which
            else:
                self._places.put(key, len(self._which))
                self._keys += len(key).to_bytes(LENGTH) + key
                self._which.append(which)

    @classmethod
    def remade(cls, items: Iterable[tuple[bytes, V]]) -> NameMap[V]:
        """As RowMap makes another one."""
        return cls(items)

    def __getitem__(self, key: bytes) -> V:
        place = self._places.number(key)
        if place < 0:
            raise KeyError(key)
        return self._values[self._which[place]]

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, bytes):
            raise TypeError(f"{key!r} is no key of a name")  # a name that is never found would go unnoticed
        return self._places.number(key) >= 0

    def __iter__(self) -> Iterator[bytes]:
        keys, at = self._keys, 0
        while at < len(keys):
            start = at + LENGTH
            at = start + int.from_bytes(keys[at:start])
            yield bytes(keys[start:at])

    def __len__(self) -> int:
        return len(self._which)

    def items(self) -> ItemsView[bytes, V]:
        """As of any map, without looking for each key."""
        return _Items(self)

    def values(self) -> ValuesView[V]:
        """As of any map, without looking for each key."""
        return _Values(self)

    def in_order(self) -> Iterator[V]:
        """The values, in the order of the keys."""
        return map(self._values.__getitem__, self._which)


class _Items(ItemsView[bytes, V]):
    _mapping: NameMap[V]

    def __iter__(self) -> Iterator[tuple[bytes, V]]:
        return zip(self._mapping, self._mapping.in_order(), strict=True)


class _Values(ValuesView[V]):
    _mapping: NameMap[V]

    def __iter__(self) -> Iterator[V]:
        return self._mapping.in_order()
