"""What differs between two zones, set by set, both in canonical order: neither need be in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.keys import name_key
from datasrc.records import RRset


class Pair(NamedTuple):
    """A set before and after; one of them may be absent."""

    old: RRset | None
    new: RRset | None


@dataclass(slots=True)
class Tally:
    """How much differs, in records."""

    deleted: int = 0
    added: int = 0

    def count(self, pair: Pair) -> None:
        """Take one pair in."""
        old = () if pair.old is None else pair.old.rdatas
        new = () if pair.new is None else pair.new.rdatas
        if pair.old is not None and pair.new is not None and _head(pair.old) == _head(pair.new):
            kept = len(set(old) & set(new))
            self.deleted += len(old) - kept
            self.added += len(new) - kept
        else:
            self.deleted += len(old)
            self.added += len(new)


def differences(origin: Name, old: Iterable[RRset], new: Iterable[RRset]) -> Iterator[Pair]:
    """The sets that differ in records, TTL or the spelling of their owner. Of both zones the SOA may come first."""
    order = _order(origin)
    old_sets, new_sets = iter(old), iter(new)
    before, after = next(old_sets, None), next(new_sets, None)
    while before is not None or after is not None:
        if after is None or (before is not None and order(before) < order(after)):
            yield Pair(before, None)
            before = next(old_sets, None)
        elif before is None or order(after) < order(before):
            yield Pair(None, after)
            after = next(new_sets, None)
        else:
            if _head(before) != _head(after) or before.rdatas != after.rdatas:
                yield Pair(before, after)
            before, after = next(old_sets, None), next(new_sets, None)


def _order(origin: Name) -> Callable[[RRset], tuple[bool, bytes, int, int]]:
    apex = name_key(origin)

    def order(rrset: RRset) -> tuple[bool, bytes, int, int]:
        key = name_key(rrset.name)
        return (not (rrset.rdtype == RdataType.SOA and key == apex), key, rrset.rdtype, rrset.covers)

    return order


def _head(rrset: RRset) -> tuple[int, tuple[bytes, ...]]:
    return rrset.ttl, rrset.name.labels
