"""The journal's rules: how long it may get, and which sequences lead from one serial to another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

JOURNAL_SEQUENCES = 1000  # kept for a zone at most, the newest always
JOURNAL_SHARE = 2  # and at most that many times the records of the zone (the bound of BIND 9, `max-journal-size`)
JOURNAL_LEAST = 10_000  # records kept for a zone however small it is
OUTBOX_ROWS = 1_000_000  # kept at most; readers that are further behind notice the gap and read all zones anew
DELETED_ZONES = 1000  # how many deleted zones can be brought back, the last ones


class Step(NamedTuple):
    """The head of one difference sequence. A serial is None where the zone had, or has, no data."""

    version: int
    from_serial: int | None
    to_serial: int | None
    records: int


SetPlace = tuple[bytes, int, int]
"""Of a set: key, type, covered type."""


def too_long(sequences: int, records: int, zone_records: int) -> bool:
    """Whether a journal of so many sequences and records must lose its oldest sequence."""
    if sequences <= 1:
        return False
    return sequences > JOURNAL_SEQUENCES or records > max(JOURNAL_LEAST, JOURNAL_SHARE * zone_records)


def chain(newest_first: Iterable[Step], from_serial: int, to_serial: int) -> list[int] | None:
    """The versions that lead from one serial to the other, oldest first, or None where there is a gap.

    Data that changed under an unchanged serial is a gap: which of both a secondary has is not known.
    """
    versions: list[int] = []
    wanted: int | None = None  # the serial the next older step must lead to; None until the end of the chain is found
    for step in newest_first:
        if wanted is None and step.to_serial != to_serial:
            continue
        if wanted is not None and (step.to_serial != wanted or step.version != versions[-1] - 1):
            return None
        if step.from_serial is None or step.from_serial == step.to_serial:
            return None
        versions.append(step.version)
        wanted = step.from_serial
        if wanted == from_serial:
            return versions[::-1]
    return None
