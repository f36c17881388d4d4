"""The last lines of the log, as every process has them in its memory.

GET /v1/log?module=&level=&limit=&after=   of all processes, or of one module or instance, oldest first

The lines of cmdctl have what the audit log has, who asked for what and from where, and are for who may see that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cmdctl.answers import answer
from cmdctl.api import LogPage, LogText, SilentMember
from cmdctl.bodies import page_limit
from cmdctl.errors import RequestError
from cmdctl.limits import STATUS_SECONDS
from cmdctl.parameters import LIMIT
from cmdctl.roles import Role
from cmdctl.routing import Operation, Query, caller_of
from cmdctl.services import Services
from daemonkit.api import LogLevel, LogLine, LogLines, LogLinesReply
from daemonkit.findings import did_you_mean
from msgq.envelope import MemberEntry
from msgq.errors import BusError

LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
OF_AUDIT = "cmdctl"  # the module whose lines take the role of the audit log
MAX_PLACES = 200  # processes whose place in their log a caller may tell
NOT_FOR_ALL = f"they take the role {Role.ADMIN.word}, as the audit log does"
_PLACES = r"([0-9]{1,10}:[0-9]{1,15})(,[0-9]{1,10}:[0-9]{1,15})*"  # pid and number of the next line
_AFTER = re.compile(_PLACES)
MODULE = Query("module", "Only this module, or this instance of it, as auth/1.", {"type": "string"})
LEVEL = Query("level", "Only lines of this level and above.", {"type": "string", "enum": list(LEVELS)})
AFTER = Query(
    "after",
    "Only what was logged since an answer that had this as its `next`.",
    {"type": "string", "pattern": f"^{_PLACES}$", "maxLength": 28 * MAX_PLACES},
)


class LogRoutes:
    """Asks every process for its lines, and puts them into one row."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """The routes of this group."""
        query = (MODULE, LEVEL, LIMIT, AFTER)
        return [Operation("GET", "/v1/log", self.lines, Role.READ, query=query, answer=LogPage)]

    async def lines(self, request: Request) -> Response:
        """The newest lines of the log, oldest first; those of cmdctl for who may see the audit log."""
        level = _level(request.query_params.get(LEVEL.name, "debug"))
        limit, places = page_limit(request), _places(request.query_params.get(AFTER.name))
        members = self._members(request.query_params.get(MODULE.name, ""))
        kept_from = [one for one in members if one.module == OF_AUDIT and caller_of(request).role < Role.ADMIN]
        members = [one for one in members if one not in kept_from]
        if not members:  # nothing else was asked for
            caller_of(request).require(Role.ADMIN)
        wanted = [LogLines(places.get(member.pid, 0), level, limit) for member in members]
        found = await asyncio.gather(*(self._ask(*one) for one in zip(members, wanted, strict=True)))
        told = [reply for reply in found if isinstance(reply, LogLinesReply)]
        lines = sorted((line for reply in told for line in reply.lines), key=lambda line: line.time)
        missed = sum(reply.missed for reply in told) + max(0, len(lines) - limit) if places else 0
        kept = {member.pid: places[member.pid] for member in members if member.pid in places}
        return answer(
            LogPage(
                lines=[_text(line) for line in lines[-limit:]],
                next=_after({**kept, **{reply.pid: reply.next for reply in told}}),
                missed=missed,
                silent=[
                    *(one for one in found if not isinstance(one, LogLinesReply)),
                    *(SilentMember(member=one.member, reason=NOT_FOR_ALL) for one in kept_from),
                ],
            )
        )

    async def _ask(self, member: MemberEntry, wanted: LogLines) -> LogLinesReply | SilentMember:
        try:
            return await self._services.session.call(wanted, to=member.member, timeout=STATUS_SECONDS)
        except BusError as error:
            return SilentMember(member=member.member, reason=str(error))

    def _members(self, named: str) -> Sequence[MemberEntry]:
        """The processes that are meant; raises RequestError where there are none."""
        module, slash, _ = named.partition("/")
        known = self._services.catalog.specs
        if module and module not in known:
            raise RequestError("not-found", f"there is no module {module[:40]!r}{did_you_mean(module, known)}")
        members = self._services.session.members(module or None)
        if slash:
            members = [member for member in members if member.member == named]
        if not members:
            raise RequestError("not-found", f"no {named[:40]} is running")
        return members[:MAX_PLACES]


def _level(word: str) -> LogLevel:
    for level in LEVELS:
        if word == level:
            return level
    raise RequestError("usage", f"level must be one of {', '.join(LEVELS)}, not {word[:20]!r}")


def _places(text: str | None) -> dict[int, int]:
    """Where each process was in its log when the caller last looked; raises RequestError."""
    if text is None:
        return {}
    if len(text) > 28 * MAX_PLACES or not _AFTER.fullmatch(text):
        raise RequestError("usage", f"after must be the `next` of an answer, not {text[:20]!r}")
    return {int(pid): int(number) for pid, _, number in (place.partition(":") for place in text.split(","))}


def _after(places: Mapping[int, int]) -> str:
    return ",".join(f"{pid}:{number}" for pid, number in places.items())


def _text(line: LogLine) -> LogText:
    return LogText(
        time=line.time,
        severity=line.severity,
        who=line.who,
        id=line.id,
        text=line.text,
        traceback=list(line.traceback),
        revision=line.revision,
    )
