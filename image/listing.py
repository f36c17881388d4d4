"""Which zones are not just served as the directory has them: those that are restricted, and those that may be missing.

A listing is a table of numbers with linear probing: hashes of origins as the directory has them, the lowest bit of each
saying whether the zone is restricted. A hash that is there for another name costs time only: what is listed is left.
A numbering is the same with a number beside each hash, by which a zone is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from image.layout import HALF, RESTRICTED
from image.names import NameReader, buffer

ROOM = 2  # places an entry
NO_HASH = 2  # in place of 0, which is an empty place


def listing(seed: int, origins: Iterable[tuple[bytes, bool]], count: int) -> memoryview:
    """A table of up to `count` origins (wire form, any case), each with whether it is restricted."""
    reader = NameReader(seed)
    size = ROOM * count + 1
    table = buffer(8 * size).cast("Q")
    for origin, restricted in origins:
        reader.attach(memoryview(origin))
        reader.read(0, len(origin))
        value = reader.place(reader.hashes[reader.depth], 0)
        at = ((value >> HALF) * size) >> HALF
        while table[at]:
            at = (at + 1) % size
        table[at] = (value & ~RESTRICTED or NO_HASH) | (RESTRICTED if restricted else 0)
    return table


def numbering(seed: int, origins: Mapping[bytes, int]) -> tuple[memoryview, memoryview]:
    """Hashes of origins (wire form, any case), and their numbers at the same places."""
    reader = NameReader(seed)
    size = ROOM * len(origins) + 1
    keys, numbers = buffer(8 * size).cast("Q"), buffer(8 * size).cast("Q")
    for origin, number in origins.items():
        reader.attach(memoryview(origin))
        reader.read(0, len(origin))
        value = reader.place(reader.hashes[reader.depth], 0)
        at = ((value >> HALF) * size) >> HALF
        while keys[at]:
            at = (at + 1) % size
        keys[at], numbers[at] = value, number
    return keys, numbers
