"""Zones that are looked at again whether anything changed or not: all there are, once, and those that are listed anew.

A few at a time, so that what changes elsewhere waits for no more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, islice

from dns.name import Name

from datasrc.keys import name_of, wire_key, wire_of
from datasrc.keytable import KeyTable
from datasrc.rows import names_in
from memmgr.following import Following
from memmgr.store import Store

AT_ONCE = 500  # zones that are looked at in one go, 0.1 ms each

Act = Callable[[Name], None]


class Sweeping:
    """What is yet to be looked at. Blocks; for one thread at a time."""

    def __init__(self, store: Store, following: Following, update: Act, leave: Act) -> None:
        """`update` brings a zone in line; `leave` has it answered by auth itself."""
        self.listed: frozenset[bytes] = frozenset()  # keys of zones of the configuration
        self.unsettled: tuple[bytes, ...] = ()  # keys of zones that the process before was yet to bring in line
        self.done = False  # whether all zones were looked at
        self._store = store
        self._following = following
        self._update = update
        self._leave = leave
        self._zones: Iterator[None] | None = None  # looks at one after the other

    @property
    def under_way(self) -> bool:
        """Whether zones are being looked at."""
        return self._zones is not None

    def begin(self) -> None:
        """Have all zones looked at, if that was not done and is not under way."""
        if not self.done and self._zones is None:
            self._zones = self._all()

    def begin_anew(self) -> None:
        """What was found so far says nothing."""
        self.done, self._zones = False, None

    def take_listed(self, listed: Collection[bytes]) -> None:
        """What the configuration lists; where that is the same set as before, 100 000 zones are not compared."""
        if listed is self.listed:
            return
        difference = self.listed.symmetric_difference(listed)
        self.listed = frozenset(listed)
        if difference and (self.done or self._zones is not None):
            self._zones = chain(self._zones or (), self._each(difference))
            self.go_on()

    def go_on(self) -> bool:
        """Bring in line some of the zones that wait for it; whether none is left."""
        if self._zones is None:
            return True
        try:
            looked = 0
            for _ in islice(self._zones, AT_ONCE):
                looked += 1
        except BaseException:  # what was in hand is to be looked at again
            self.begin_anew()
            raise
        if looked == AT_ONCE:
            return False
        self._zones = None
        return True

    def _all(self) -> Iterator[None]:
        """Bring in line zones that are unsettled, that no source has any more, or that are listed and have no data."""
        yield from self._each(self.unsettled)
        keys = self._following.keys()
        for origin in names_in(b"" if self._has_all(keys) else self._left_over(keys)):
            self._update(origin)
            yield
        for key in self.listed:
            if self._store.find(wire_of(key)) is None:
                if any(known is None or key in known for known in keys.values()):
                    self._update(name_of(key))
                else:  # whoever gets it now tells, and has it updated
                    self._leave(name_of(key))
                yield
        self.done, self.unsettled = True, ()

    def _each(self, keys: Iterable[bytes]) -> Iterator[None]:
        """Bring in line the zones of these keys, one after the other."""
        for key in keys:
            self._update(name_of(key))
            yield

    def _left_over(self, keys: Mapping[int, KeyTable | None]) -> bytes:
        """The origins that the directory has of data sources that do not have them, one behind the other (wire form).

        A source that cannot be asked keeps its zones.
        """
        found = bytearray()
        nothing = KeyTable()
        for origin, source in self._store.there():
            known = keys.get(source, nothing)
            if known is not None and wire_key(origin) not in known:
                found += origin
        return bytes(found)

    def _has_all(self, keys: Mapping[int, KeyTable | None]) -> bool:
        """Whether the directory has as many zones of each source as there are, but for what one before it hides."""
        there_are = self._store.by_source()
        before: list[KeyTable] = []
        for number, known in keys.items():
            if known is None or len(known) - known.in_any(before) != there_are.pop(number, 0):
                return False
            before.append(known)
        return not there_are
