"""RRsets as rows: the stored shape that every backend shares. A row's key is relative to the origin of its zone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import dns.name
from dns.name import Name

from datasrc.keys import key_labels, name_key
from datasrc.rdata import canonical, count, pack, unpack
from datasrc.records import RRset

ORIGINS = 256  # that are kept ready made: zones that change do so again

Columns = tuple[bytes, int, int, int, bytes | None, bytes]
"""What a Row is made of."""


class Row(NamedTuple):
    """One RRset. `owner` is the wire form of its name where that is not what key and origin say in their own case."""

    key: bytes
    rdtype: int
    covers: int
    ttl: int
    owner: bytes | None
    rdatas: bytes  # packed, in normal form

    def records(self) -> int:
        """How many RRs these are."""
        return count(self.rdatas)

    def readable(self) -> bool:
        """Whether the RDATAs are as they were packed."""
        try:
            unpack(self.rdatas)
        except ValueError:
            return False
        return True

    def rrset(self, origin: Name) -> RRset:
        """The RRset. Raises ValueError where the row cannot be read."""
        rdatas = unpack(self.rdatas)
        return RRset(self.name(origin), self.rdtype, self.ttl, rdatas, self.covers)

    def name(self, origin: Name) -> Name:
        """The owner, absolute, in its own case. Raises ValueError where it is not the name of this row's key."""
        if self.owner is None:
            return name_from_labels([*key_labels(self.key), *origin.labels]) if self.key else origin
        name = name_from_wire(self.owner)
        if name_key(name) != name_key(origin) + self.key:
            raise ValueError(f"owner name {name} under the key of another name")
        return name


def name_wire(name: Name) -> bytes:
    """The uncompressed wire form, in the name's own case."""
    return b"".join([bytes((len(label),)) + label for label in name.labels])


def name_from_wire(wire: bytes) -> Name:
    """The name of an uncompressed wire form. Raises ValueError where it is none."""
    labels = []
    position = 0
    while position < len(wire):
        end = position + 1 + wire[position]
        labels.append(wire[position + 1 : end])
        position = end
    if position != len(wire) or not labels or labels[-1]:
        raise ValueError("the wire form of an owner name is damaged")
    return name_from_labels(labels)


def names_in(wires: bytes) -> Iterator[Name]:
    """The names whose uncompressed wire forms are here, one behind the other. Raises ValueError."""
    start = position = 0
    while position < len(wires):
        octets = wires[position]
        position += 1 + octets
        if octets == 0:
            yield name_from_wire(wires[start:position])
            start = position
    if start != len(wires):
        raise ValueError("the wire form of an owner name is damaged")


def name_from_labels(labels: list[bytes]) -> Name:
    """The name of these labels. Raises ValueError where there can be no such name."""
    try:
        return Name(labels)
    except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel) as error:
        raise ValueError(f"no owner name: {error}") from None


@lru_cache(maxsize=ORIGINS)
def stored_origin(key: bytes, wire: bytes) -> Name:
    """An origin in its own case; where its wire form is damaged, in that of its absolute key."""
    try:
        origin = name_from_wire(wire)
    except ValueError:
        origin = None
    if origin is None or name_key(origin) != key:
        return name_from_labels([*key_labels(key), b""])
    return origin


def owner_of(name: Name, origin: Name) -> bytes | None:
    """What to store as the owner: nothing where the key says it all, that is lower case below the origin's spelling."""
    depth = len(name.labels) - len(origin.labels)
    if name.labels[depth:] == origin.labels:
        relative = name.labels[:depth]
        if all(label == label.lower() for label in relative):
            return None
    return name_wire(name)


def split(old: Row | None, new: Row | None) -> tuple[Row | None, Row | None]:
    """What to delete and what to add to make the old row the new one.

    RRs both have are in neither, unless the TTL or the spelling of the owner changed: then it is all of them.
    """
    if old is None or new is None or (old.ttl, old.owner) != (new.ttl, new.owner):
        return old, new
    kept, wanted = unpack(old.rdatas), unpack(new.rdatas)
    return _without(old, kept, frozenset(wanted)), _without(new, wanted, frozenset(kept))


def _without(row: Row, rdatas: tuple[bytes, ...], others: frozenset[bytes]) -> Row | None:
    rest = [rdata for rdata in rdatas if rdata not in others]
    return row._replace(rdatas=pack(rest)) if rest else None


def minus(row: Row, forms: set[bytes]) -> Row | None:
    """The row without the RDATAs of these canonical forms, or None where nothing is left."""
    rest = [rdata for rdata in unpack(row.rdatas) if canonical(row.rdtype, rdata) not in forms]
    return row._replace(rdatas=pack(rest)) if rest else None
