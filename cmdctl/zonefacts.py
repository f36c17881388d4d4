"""What is told of a zone: what is served of it, and beside that what is wrong with where it comes from.

Of zone files that is what memmgr says, who has read them; only what it does not know is read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import dns.name
from dns.name import Name

from cmdctl import serving
from cmdctl.api import Served, ZoneEntry
from cmdctl.limits import STATUS_SECONDS
from cmdctl.services import Services
from cmdctl.zonefiles import STALE, BeyondTold, FileProblem, Told
from cmdctl.zonelist import BY_PROBLEM, READY, SHADOWED, Located, Page, Wanted, shown_state
from datasrc.keys import key_labels, name_key
from datasrc.records import ZoneState
from memmgr import api as memmgr
from msgq.errors import BusError

LOOKED_BEYOND = 2  # zones behind a page: whether there is one, and whether that one's entries are all


async def page(services: Services, after: Name | None, limit: int, wanted: Wanted) -> Page:
    """A page of the list of zones. What is wrong with zone files is asked for as far as the page goes."""
    told: dict[str, Told] = {}
    if wanted.state not in ("", SHADOWED):
        for source in services.zones.files:
            if wanted.source in (None, source):
                await _ask_on(services, told, Told(source, {}), after, limit, wanted)
    while True:
        try:
            return await services.ask(services.zones.page, after, limit, wanted, told)
        except BeyondTold as beyond:
            before = told.pop(beyond.source)
            assert before.upto is not None
            await _ask_on(services, told, before, Name([*key_labels(before.upto[1]), b""]), memmgr.MAX_ORIGINS, wanted)


async def _ask_on(
    services: Services, told: dict[str, Told], before: Told, after: Name | None, limit: int, wanted: Wanted
) -> None:
    """Note what memmgr tells of zones behind one, up to which all are told already; nothing where it does not answer:
    then the files are read.
    """
    if wanted.state not in (READY, *BY_PROBLEM):  # no zone file is
        told[before.source] = before
        return
    request = memmgr.ZoneProblems(
        before.source,
        None if after is None else after.to_text(),
        min(limit + LOOKED_BEYOND, memmgr.MAX_ORIGINS),
        wanted.beginning,
        None if wanted.state == READY else wanted.state == STALE,
    )
    try:
        reply = await services.session.call(request, timeout=STATUS_SECONDS)
    except BusError:
        return
    found = {name_key(dns.name.from_text(one.origin)): FileProblem(one.problem, one.serial) for one in reply.zones}
    upto = wanted.rank(next(reversed(found))) if reply.more else None
    told[before.source] = Told(before.source, {**before.problems, **found}, upto)


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
