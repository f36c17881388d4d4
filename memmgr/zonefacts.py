"""What is told of single zones: what the images have of them, and what is wrong with the files they are read from.

Nothing is read for it. Blocks; for one thread at a time, that of the worker.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from dns.name import Name

from datasrc.keys import key_text, name_key, name_of
from datasrc.records import ZoneFilter
from image.zonerecord import origin_wire
from memmgr import api
from memmgr.keeper import Keeper

NOT_READY = "the images are not ready"
NOT_BUILT = "it has no usable data, or waits to be built"


def zone_images(keeper: Keeper | None, origins: list[Name], texts: list[str]) -> tuple[api.ZoneImage, ...]:
    """What the images have of these zones, which are told by these texts."""
    names = {} if keeper is None else keeper.following.names()
    return tuple(_zone_image(keeper, names, origin, text) for origin, text in zip(origins, texts, strict=True))


def _zone_image(keeper: Keeper | None, names: Mapping[int, str], origin: Name, text: str) -> api.ZoneImage:
    if keeper is None:
        return api.ZoneImage(text, api.PLAIN, reason=NOT_READY)
    problem = keeper.following.files.fault_of(origin)
    if not keeper.announced:
        return api.ZoneImage(text, api.PLAIN, reason=NOT_READY, problem=problem)
    there = keeper.store.find(origin_wire(origin))
    if there is None or not there.record.answered:
        if there is None or there.record.gone:
            return api.ZoneImage(text, api.ABSENT, problem=problem)
        return api.ZoneImage(text, api.PLAIN, reason=keeper.failures.get(name_key(origin), NOT_BUILT), problem=problem)
    record = there.record
    return api.ZoneImage(
        text,
        api.IMAGE,
        there.slot,
        record.serial,
        record.version,
        record.generation,
        records=record.records,
        source=names.get(record.source, ""),
        problem=problem,
    )


def build_status(keeper: Keeper, origin: Name) -> api.BuildStatusReply:
    """Whether a zone is to be built, and why it could not be."""
    return api.BuildStatusReply(keeper.waits(origin), keeper.failures.get(name_key(origin), ""))


def failures(keeper: Keeper, after: Name | None, limit: int) -> api.FailuresReply:
    """A page, in canonical order, of the zones that cannot be built."""
    behind = None if after is None else name_key(after)
    chosen = heapq.nsmallest(limit + 1, (key for key in keeper.failures if behind is None or key > behind))
    found = [api.ZoneFailure(key_text(key).decode(), keeper.failures[key]) for key in chosen[:limit]]
    return api.FailuresReply(tuple(found), len(chosen) > limit)


def zone_problems(keeper: Keeper, asked: api.ZoneProblems, after: Name | None) -> api.ZoneProblemsReply:
    """A page of the zones of a data source whose files cannot be used. Raises StorageError."""
    number = keeper.following.number_of(asked.source)
    faults = keeper.following.files.faults(number)
    ranked = _ranked(list(faults), asked.beginning, after)
    ordered = heapq.nsmallest(asked.limit + 1, ranked) if asked.served is None else sorted(ranked)
    found = []
    for _, key in ordered:
        origin = name_of(key)
        there = keeper.store.find(origin_wire(origin)) if keeper.announced else None
        answered = there is not None and there.record.answered and there.record.source == number
        if asked.served in (None, answered):
            serial = there.record.serial if there is not None and answered else None
            found.append(api.ZoneProblem(origin.to_text(omit_final_dot=True), faults.get(key, ""), serial))
            if len(found) > asked.limit:
                break
    return api.ZoneProblemsReply(tuple(found[: asked.limit]), len(found) > asked.limit)


def _ranked(keys: list[bytes], beginning: str, after: Name | None) -> Iterator[tuple[bytes, bytes]]:
    """The keys of names that begin so, behind one of them, with what comes before them in the order."""
    begins, behind = ZoneFilter(beginning).matches, None if after is None else name_key(after)
    if not beginning:
        return ((b"", key) for key in keys if behind is None or key > behind)
    last = None if behind is None else (key_text(behind), behind)
    texts = ((key_text(key), key) for key in keys)
    return (rank for rank in texts if begins(rank[0]) and (last is None or rank > last))
