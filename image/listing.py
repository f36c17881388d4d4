"""Which zones are not just served as the directory has them: those with a policy, and those that may be missing.

A listing is a table of numbers with linear probing: hashes of origins as the directory has them, and the number of
the policy at the same place of another table. A hash that is there for another name, which happens once in 2^64 pairs,
gives that the same policy. A numbering is the same with a number by which a zone is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from image.layout import HALF, NO_HASH
from image.names import NameReader, buffer

ROOM = 2  # places an entry


def listing(seed: int, origins: Iterable[tuple[bytes, int]], count: int) -> tuple[memoryview, memoryview]:
    """Tables of up to `count` origins (wire form, any case): hashes, and the numbers of their policies."""
    reader = NameReader(seed)
    size = ROOM * count + 1
    keys, policies = buffer(8 * size).cast("Q"), buffer(8 * size).cast("Q")
    for origin, policy in origins:
        reader.attach(memoryview(origin))
        reader.read(0, len(origin))
        value = reader.place(reader.hashes[reader.depth], 0)
        at = ((value >> HALF) * size) >> HALF
        while keys[at]:
            at = (at + 1) % size
        keys[at], policies[at] = value or NO_HASH, policy
    return keys, policies


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
