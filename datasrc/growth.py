"""Blocks of octets that grow where they are: of a large one the system moves pages, and nothing is copied."""

from __future__ import annotations

from time import sleep

AT_ONCE = 1 << 24  # octets that are made zero without others having the interpreter in between: some milliseconds
ZEROS = bytes(1 << 18)  # of which they are made: small enough to stay in the cache of a processor


def grow(block: bytearray, octets: int) -> None:
    """Make a block so large, with zeros at its end; nobody may have a view of it."""
    since = 0
    while (missing := octets - len(block)) > 0:
        block += ZEROS if missing >= len(ZEROS) else bytes(missing)
        since += len(ZEROS)
        if since >= AT_ONCE:
            since = 0
            sleep(0)


def larger(octets: int) -> int:
    """To what size a block of so many is to grow: small ones in large steps, for they may be copied."""
    return octets * 3 // 2 if octets < AT_ONCE else octets * 9 // 8


def shrink(block: bytearray, octets: int) -> bytearray:
    """A block of the leading octets alone, which may be the same; nobody may have a view of it."""
    if len(block) < AT_ONCE:  # what is cut off may stay with the block
        return block[:octets]
    del block[octets:]
    return block


def zeros(octets: int) -> bytearray:
    """A block of so many zeros."""
    block = bytearray()
    grow(block, octets)
    return block
