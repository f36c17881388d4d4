"""The zones of the data sources.

GET    /v1/zones?after=&limit=&name=&state=&source=   a page of the list, in canonical order
GET    /v1/zone-names?prefix=&limit=        names of zones that begin so, for who types one
GET    /v1/zones/{origin}?source=           one zone, and who serves it
GET    /v1/zones/{origin}/check?source=     what is wrong with its data
GET    /v1/zones/{origin}/export?source=    its data as a master file (text/dns, RFC 4027)
GET    /v1/zones/{origin}/history?source=&before=&limit=   who changed it when and why, also of one that is gone
DELETE /v1/zones/{origin}?source=&reason=   delete it with all its data
POST   /v1/zones/{origin}/reload            make the servers look at it afresh
POST   /v1/reload                           ... at all zones
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, TypedDict

import dns.exception
import dns.name
from dns.name import Name
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cmdctl import serving, zonefacts
from cmdctl.answers import answer
from cmdctl.api import (
    Finding,
    Reloaded,
    SourceProblem,
    ZoneChange,
    ZoneCheck,
    ZoneEntry,
    ZoneHistory,
    ZoneNames,
    ZonePage,
)
from cmdctl.bodies import number, page_limit, segment
from cmdctl.bus import ZoneChanged
from cmdctl.errors import RequestError
from cmdctl.export import MEDIA_TYPE, Export
from cmdctl.limits import MAX_NAME_TEXT, MAX_REASON
from cmdctl.parameters import AFTER, LIMIT, REASON
from cmdctl.recording import Kept
from cmdctl.roles import Role
from cmdctl.routing import JSON, Endpoint, Operation, Query, caller_of
from cmdctl.services import Services, author_of, note_changed
from cmdctl.zonedesk import NoSuchSource, SourcesUnreadable, ZoneDesk, nowhere, unreadable
from cmdctl.zonefacts import text_of
from cmdctl.zonelist import STATES, Located, Wanted
from datasrc import checks
from datasrc import findings as zone_findings
from datasrc.keys import name_key
from datasrc.records import Change, Provenance

DOOR = "rest"  # the source in the provenance of a change
NAME = Query("name", "Only zones whose name begins so; they come in the order of their text.", {"type": "string"})
STATE = Query("state", "Only zones in this state.", {"type": "string", "enum": list(STATES)})
IN = Query("source", "Only zones of this data source.", {"type": "string"})
PREFIX = Query("prefix", "Only names that begin so.", {"type": "string"})
BEFORE = Query("before", "Only changes before this id.", {"type": "integer", "minimum": 0})
SOURCE = Query("source", "The data source that is meant, where several have the zone.", {"type": "string"})


class ZoneDeleted(TypedDict):
    """What is gone."""

    origin: str
    source: str
    records: int


class ZoneRoutes:
    """Zone data, always in a thread."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """The routes of this group."""
        page, names = (AFTER, LIMIT, NAME, STATE, IN), (PREFIX, LIMIT)
        return [
            Operation("GET", "/v1/zones", self.list_zones, Role.READ, query=page, answer=ZonePage, any_token=True),
            Operation("GET", "/v1/zone-names", self.names, Role.READ, query=names, answer=ZoneNames, any_token=True),
            _of_zone("GET", "", self.show, Role.READ, ZoneEntry),
            _of_zone("DELETE", "", self.delete, Role.CONFIGURE, ZoneDeleted, REASON),
            _of_zone("GET", "/check", self.check, Role.READ, ZoneCheck),
            _of_zone("GET", "/export", self.export, Role.READ, str, media_type=MEDIA_TYPE),
            _of_zone("GET", "/history", self.history, Role.READ, ZoneHistory, BEFORE, LIMIT),
            _of_zone("POST", "/reload", self.reload, Role.OPERATE, Reloaded, kept="if-possible"),
            Operation("POST", "/v1/reload", self.reload_all, Role.OPERATE, answer=Reloaded, kept="if-possible"),
        ]

    async def list_zones(self, request: Request) -> Response:
        """A page of the list."""
        after = request.query_params.get("after")
        behind = None if after is None else parse_origin(after)
        narrow = caller_of(request).zones is not None
        try:
            page = await zonefacts.page(self._services, behind, page_limit(request), _wanted(request))
        except NoSuchSource:
            if not narrow:
                raise
            return answer(ZonePage(zones=[], next=None, problems=[]))  # as of one that has none of theirs
        zones = await zonefacts.entries(self._services, page.zones, untold=narrow)
        following = zones[-1]["origin"] if page.more else None
        problems = page.problems
        if narrow and problems:
            problems = [SourceProblem(source="", reason=unreadable(len(problems)))]
        return answer(ZonePage(zones=zones, next=following, problems=problems))

    async def names(self, request: Request) -> Response:
        """Names that begin as somebody types."""
        wanted = Wanted(_beginning(request, "prefix"), only=_known_to(request))
        names, more = await self._services.ask(self._services.zones.names, wanted, page_limit(request))
        return answer(ZoneNames(names=names, more=more))

    async def show(self, request: Request) -> Response:
        """One zone."""
        origin, source = _addressed(request)
        located = await self._find(request, origin, source)
        (entry,) = await zonefacts.entries(self._services, [located])
        images = await serving.images(self._services.session, [entry["origin"]])
        for image in images.values():
            entry["image"] = serving.image_told(image)
        return answer(entry)

    async def check(self, request: Request) -> Response:
        """What is wrong with a zone's data. A big zone takes its time: that is why only some are checked at once."""
        with _discreet(request):
            return answer(await self._services.checks(_check, self._services.zones, *_addressed(request)))

    async def history(self, request: Request) -> Response:
        """Who changed a zone, when and why."""
        origin, source = _addressed(request)
        before, limit = number(request, BEFORE.name, 0), page_limit(request)
        with _discreet(request):
            found = await self._services.ask(self._services.zones.history, origin, source, before, limit + 1)
        source, changes = found
        return answer(
            ZoneHistory(
                origin=origin.to_text(omit_final_dot=True),
                source=source,
                changes=[_change_told(change) for change in changes[:limit]],
                more=len(changes) > limit,
            )
        )

    async def export(self, request: Request) -> Response:
        """A zone as text."""
        export = Export(self._services.zones, self._services.log, *_addressed(request))
        with _discreet(request):
            await export.begin()
        return export

    async def delete(self, request: Request) -> Response:
        """Delete a zone."""
        origin, source = _addressed(request)
        reason = request.query_params.get("reason", "")[:MAX_REASON]
        provenance = Provenance(author_of(request), DOOR, reason)
        with _discreet(request):
            located, change = await self._services.change(self._services.zones.delete, origin, source, provenance)
        text = text_of(located)
        note_changed(request, [f"{text} in {located.source}: version {change.version}"])
        await self._services.session.publish(ZoneChanged.topic, ZoneChanged(text, located.source, change.version, None))
        return answer({"origin": text, "source": located.source, "records": located.info.records})

    async def reload(self, request: Request) -> Response:
        """Make every auth instance look at the zone afresh."""
        origin, source = _addressed(request)
        located = await self._find(request, origin, source)
        return answer(await serving.reload(self._services.session, text_of(located), located.source))

    async def _find(self, request: Request, origin: Name, source: str | None) -> Located:
        with _discreet(request):
            return await self._services.ask(self._services.zones.locate, origin, source)

    async def reload_all(self, _request: Request) -> Response:
        """Make every auth instance look at all zones afresh."""
        return answer(await serving.reload(self._services.session, None))


def _of_zone(
    method: str,
    what: str,
    endpoint: Endpoint,
    role: Role,
    answer: Any,
    *query: Query,
    media_type: str = JSON,
    kept: Kept = "before",
) -> Operation:
    """An operation on one zone, of a data source that may be named."""
    path = f"/v1/zones/{{origin}}{what}"
    asked = (SOURCE, *query)
    return Operation(
        method, path, endpoint, role, query=asked, answer=answer, media_type=media_type, zone="origin", kept=kept
    )


def parse_origin(text: str) -> Name:
    """The name of a zone, as people write it; raises RequestError."""
    if not text:  # dnspython takes it for the root
        raise RequestError("usage", "a name is missing; that of the root is a dot")
    if len(text) > MAX_NAME_TEXT:
        raise RequestError("usage", f"the name is longer than {MAX_NAME_TEXT} characters")
    try:
        return dns.name.from_text(text, dns.name.root)
    except (dns.exception.DNSException, ValueError) as error:
        raise RequestError("usage", f"{text!r} is no domain name: {error}") from error


@contextlib.contextmanager
def _discreet(request: Request) -> Iterator[None]:
    """Whoever is for some zones only is not told of data sources, and why they cannot be read."""
    try:
        yield
    except SourcesUnreadable as error:
        if caller_of(request).zones is None:
            raise
        raise RequestError("unavailable", error.untold) from None
    except NoSuchSource:
        if caller_of(request).zones is None:
            raise
        raise nowhere(parse_origin(segment(request, "origin")), []) from None  # as of one that has it not


def _wanted(request: Request) -> Wanted:
    """Which zones a list is to have."""
    state = request.query_params.get("state", "")
    if state and state not in STATES:
        raise RequestError("usage", f"state must be one of {', '.join(STATES)}, not {state[:20]!r}")
    return Wanted(_beginning(request, "name"), state, request.query_params.get("source"), _known_to(request))


def _known_to(request: Request) -> frozenset[bytes] | None:
    """The keys of the zones that a token narrowed to zones is for; None: who asks may know of all."""
    zones = caller_of(request).zones
    return None if zones is None else frozenset(name_key(parse_origin(zone)) for zone in zones)


def _beginning(request: Request, parameter: str) -> str:
    text = request.query_params.get(parameter, "")
    if len(text) > MAX_NAME_TEXT:
        raise RequestError("usage", f"{parameter} is longer than {MAX_NAME_TEXT} characters")
    return text


def _addressed(request: Request) -> tuple[Name, str | None]:
    """The zone and, if it is named, the data source a request means."""
    return parse_origin(segment(request, "origin")), request.query_params.get("source")


def _change_told(change: Change) -> ZoneChange:
    return ZoneChange(
        id=change.id,
        version=change.version,
        serial=change.serial,
        time=change.time,
        author=change.provenance.author,
        by=change.provenance.source,
        reason=change.provenance.reason,
        deleted=change.deleted,
    )


def _check(desk: ZoneDesk, origin: Name, source: str | None) -> ZoneCheck:
    findings = zone_findings.Findings()

    def note(found: zone_findings.Finding) -> None:
        findings.add(found)

    with desk.finder(origin, source) as (located, finder):
        checks.check_zone(located.info.origin, finder.rrsets(), note)
    return ZoneCheck(
        origin=text_of(located),
        serial=located.info.serial,
        errors=findings.errors,
        warnings=findings.warnings,
        findings=[
            Finding(severity=found.severity.value, code=found.code.value, place=found.where, text=found.text)
            for found in findings
        ],
        left_out={code.value: count for code, count in findings.left_out.items()},
    )
