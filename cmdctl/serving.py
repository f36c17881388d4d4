"""What the running auth instances say about zones. The spare is not asked: it serves nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from auth import api as auth
from cmdctl.api import Reloaded, ReloadedInstance, Served
from cmdctl.limits import CALL_SECONDS, STATUS_SECONDS
from daemonkit.control import SPARE
from memmgr import api as memmgr
from msgq.errors import BusError
from msgq.session import Session

UNREACHABLE = "unreachable"


async def of_zones(session: Session, origins: Sequence[str]) -> dict[str, list[Served]]:
    """For each zone, how every instance answers for it."""
    members = instances(session)
    wanted = list(dict.fromkeys(origins))
    answers = await asyncio.gather(*(_ask(session, member, wanted) for member in members))
    return {origin: [answer[index] for answer in answers] for index, origin in enumerate(wanted)}


async def reload(session: Session, origin: str | None, source: str | None = None) -> Reloaded:
    """Have every instance open its data sources afresh; `origin` is a zone to tell about, and only about that;
    `source` is where it is, and the only one that images are looked at for.
    """
    members = instances(session)
    sources = await _reload_images(session, source)  # first, so that what the instances say is of the new data
    found = await asyncio.gather(*(_reload(session, member, origin) for member in members))
    if origin is None:
        problems = [problem for source in sources for problem in source.problems]
        left_out = sum(source.count for source in sources) - len(problems)
    else:
        image = (await images(session, [origin])).get(origin)
        problems = [kept(image.problem, image.serial)] if image is not None and image.problem else []
        left_out = 0
    return Reloaded(origin=origin, instances=list(found), problems=problems, left_out=left_out)


def kept(problem: str, serial: int | None) -> str:
    """What is wrong with a zone file, and what comes of it."""
    return f"{problem}; {'the zone is not served' if serial is None else f'serial {serial} goes on being served'}"


def instances(session: Session) -> list[str]:
    """The auth instances that serve."""
    return [entry.member for entry in session.members("auth") if entry.instance != SPARE]


async def _ask(session: Session, member: str, origins: list[str]) -> list[Served]:
    found: list[Served] = []
    try:
        for part in _parts(origins):
            reply = await session.call(auth.ZoneStatus(part), to=member, timeout=STATUS_SECONDS)
            found += [_served(member, zone) for zone in reply.zones]
    except BusError as error:
        return [Served(instance=member, state=UNREACHABLE, serial=None, reason=str(error)) for _ in origins]
    return found


async def images(session: Session, origins: Sequence[str]) -> dict[str, memmgr.ZoneImage]:
    """What memmgr says of these zones; nothing where it does not answer."""
    found: list[memmgr.ZoneImage] = []
    try:
        for part in _parts(list(dict.fromkeys(origins))):
            found += (await session.call(memmgr.ZoneStatus(part), timeout=STATUS_SECONDS)).zones
    except BusError:
        return {}
    return {zone.origin: zone for zone in found}


def image_told(zone: memmgr.ZoneImage) -> str:
    """What the images have of a zone, in words."""
    if zone.state != memmgr.IMAGE:
        return f"none: {zone.reason}" if zone.reason else "none"
    changed = f", changed {zone.generation} times since it was built" if zone.generation else ""
    return f"serial {zone.serial} in file {zone.slot}{changed}"


async def _reload_images(session: Session, source: str | None) -> Sequence[memmgr.SourceProblems]:
    """What is wrong with data sources then. Without memmgr there are no images: everything is answered from those."""
    try:
        return (await session.call(memmgr.Reload(source), timeout=CALL_SECONDS)).sources
    except BusError:
        return ()


async def _reload(session: Session, member: str, origin: str | None) -> ReloadedInstance:
    try:
        reply = await session.call(auth.Reload(origin), to=member, timeout=CALL_SECONDS)
    except BusError as error:
        return ReloadedInstance(instance=member, error=str(error), serial=None)
    return ReloadedInstance(instance=member, error="", serial=reply.zones[0].serial if reply.zones else None)


def _parts(origins: list[str]) -> Iterator[list[str]]:
    """What one question may hold at a time."""
    for start in range(0, len(origins), auth.MAX_ORIGINS):
        yield origins[start : start + auth.MAX_ORIGINS]


def _served(member: str, zone: auth.ZoneServed) -> Served:
    return Served(instance=member, state=zone.state, serial=zone.serial, reason=zone.reason, by=zone.by)
