"""How the images are, as told on the bus. Blocks; for the thread of the worker."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from datasrc.keys import key_text
from memmgr import api
from memmgr.keeper import Keeper


def status_of(
    keeper: Keeper | None, place: Path, problems: tuple[api.SourceProblems, ...], obstacle: str
) -> api.StatusReply:
    """Of the images in `place`; without a keeper they are not open yet, for what is in their way."""
    if keeper is None:
        reason = f"they cannot be opened: {obstacle}" if obstacle else ""
        doubt = "the images cannot be opened" if obstacle else "memmgr is still starting"
        return api.StatusReply("starting", str(place), 0, 0, 0, 0, None, (), (), doubt=doubt, reason=reason)
    store = keeper.store
    slots = tuple(
        api.SlotStatus(
            slot.number,
            slot.octets,
            slot.delta_octets,
            round(store.deltas[slot.number].filling, 3),
            store.zones[slot.number],
            slot.records,
        )
        for slot in store.manifest.slots
    )
    failures = islice(keeper.failures.items(), api.MAX_FAILURES)
    return api.StatusReply(
        state="ready" if keeper.announced else "starting",
        place=str(place),
        zones=sum(store.zones.values()),
        octets=store.octets(),
        waiting=keeper.waiting,
        building=keeper.building,
        published=keeper.published,
        slots=slots,
        failures=tuple(api.ZoneFailure(key_text(key).decode(), reason) for key, reason in failures),
        sources=problems,
        doubt=keeper.doubt,
    )
