"""What is told of a zone: what is served of it, and beside that what is wrong with where it comes from.

Of zone files that is what memmgr says, who has read them; only what it does not know is read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import dns.name

from cmdctl import serving
from cmdctl.api import Served, ZoneEntry
from cmdctl.limits import STATUS_SECONDS
from cmdctl.services import Services
from cmdctl.zonefiles import STALE, FileProblem, Problems
from cmdctl.zonelist import SHADOWED, Located, shown_state
from datasrc.keys import name_key
from datasrc.records import ZoneState
from memmgr import api as memmgr
from msgq.errors import BusError
from msgq.session import Session

READY = ZoneState.READY.value


async def problems(services: Services) -> dict[str, Problems]:
    """What is wrong with zone files, by data source; without those of which memmgr does not say."""
    told = {}
    for source in services.zones.files:
        found = await _problems_of(services.session, source)
        if found is not None:
            told[source] = found
    return told


async def _problems_of(session: Session, source: str) -> Problems | None:
    found: dict[bytes, FileProblem] = {}
    after: str | None = None
    while True:
        request = memmgr.ZoneProblems(source, after, memmgr.MAX_ORIGINS)
        try:
            page = await session.call(request, timeout=STATUS_SECONDS)
        except BusError:
            return None
        for zone in page.zones:
            found[name_key(dns.name.from_text(zone.origin))] = FileProblem(zone.problem, zone.serial)
        if not page.more:
            return found
        after = page.zones[-1].origin


async def entries(services: Services, zones: Sequence[Located], *, untold: bool = False) -> list[ZoneEntry]:
    """How zones are; `untold`: whoever asks is not told of data sources."""
    texts = [text_of(one) for one in zones]
    unread = [text for text, one in zip(texts, zones, strict=True) if one.unread]
    served, images = await asyncio.gather(
        serving.of_zones(services.session, texts), serving.images(services.session, unread)
    )
    known = [_known(one, images.get(text)) for text, one in zip(texts, zones, strict=True)]
    left = [one for one in known if one.unread]
    read = iter(await services.ask(services.zones.read, left) if left else ())
    known = [next(read) if one.unread else one for one in known]
    return [_entry(one, served[text], untold=untold) for text, one in zip(texts, known, strict=True)]


def text_of(located: Located) -> str:
    """The name of a zone as the configuration writes it."""
    return located.info.origin.to_text(omit_final_dot=True)


def _known(located: Located, image: memmgr.ZoneImage | None) -> Located:
    """A zone of a file with what memmgr knows; unread as before where that is nothing."""
    if not located.unread or located.shadowed_by or image is None:
        return located
    if image.state == memmgr.IMAGE and image.source == located.source:
        info = replace(
            located.info,
            version=image.version or 0,
            serial=image.serial,
            records=image.records or 0,
            state=ZoneState.READY,
            reason=serving.kept(image.problem, image.serial) if image.problem else "",
        )
        return replace(located, info=info, unread=False)
    if image.problem:
        return replace(located, info=replace(located.info, reason=image.problem), unread=False)
    return located


def _entry(located: Located, served: list[Served], *, untold: bool) -> ZoneEntry:
    info, state = located.info, shown_state(located)
    serial, reason = info.serial, info.reason
    if located.shadowed_by:
        first = "another data source" if untold else f"the data source {located.shadowed_by}"
        state, reason, served = SHADOWED, f"{first} has it as well and comes first", []
    elif info.state is ZoneState.BROKEN and not located.writable:
        serial = next((one["serial"] for one in served if one["state"] == READY), None)
        if serial is not None:  # whoever answers still has what the file had before
            state, reason = STALE, serving.kept(reason, serial)
    return ZoneEntry(
        origin=text_of(located),
        source=located.source,
        writable=located.writable,
        version=info.version,
        serial=serial,
        records=info.records,
        state=state,
        reason=reason,
        served=served,
    )
