"""The last lines of the log, as every process has them in a file of the run directory, also after its end.

GET /v1/log?module=&level=&limit=&after=   of all processes, or of one module or instance, oldest first

The lines of cmdctl have what the audit log has, who asked for what and from where, and are for who may see that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cmdctl.answers import answer
from cmdctl.api import LogPage, SilentMember
from cmdctl.bodies import page_limit
from cmdctl.errors import RequestError
from cmdctl.log_page import MAX_PLACES, LogLevel, Wanted, is_of, page, silent_files
from cmdctl.parameters import LIMIT
from cmdctl.roles import Role
from cmdctl.routing import Operation, Query, caller_of
from cmdctl.services import Services
from daemonkit.findings import did_you_mean
from daemonkit.log_files import ProcessLines, read_lines

LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
OF_AUDIT = "cmdctl"  # the module whose lines take the role of the audit log
NOT_FOR_ALL = f"its lines take the role {Role.ADMIN.word}, as the audit log does"
UNKEPT = "its last lines are in no file; its log says why (DAEMON_LINES_UNKEPT)"
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
    """Puts the lines of all processes, as their files have them, into one row."""

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
        named = request.query_params.get(MODULE.name, "")
        self._check_module(named)
        if named.partition("/")[0] == OF_AUDIT:  # nothing else was asked for
            caller_of(request).require(Role.ADMIN)
        kept_from = "" if caller_of(request).role >= Role.ADMIN else OF_AUDIT
        # In no thread that a data source may hold up: the log is wanted just then.
        found, problems = await asyncio.to_thread(read_lines, self._services.last_lines)
        silent = [*self._silent(named, found), *silent_files(problems)]
        if kept_from and not named:
            silent.append(SilentMember(member=OF_AUDIT, reason=NOT_FOR_ALL))
        wanted = Wanted(named, level, limit, places, kept_from)
        return answer(await asyncio.to_thread(page, found, wanted, silent))

    def _check_module(self, named: str) -> None:
        """Raise RequestError where there is no such module."""
        module, known = named.partition("/")[0], self._services.catalog.specs
        if module and module not in known:
            raise RequestError("not-found", f"there is no module {module[:40]!r}{did_you_mean(module, known)}")

    def _silent(self, named: str, found: Sequence[ProcessLines]) -> Iterator[SilentMember]:
        """Who runs and does not keep its lines."""
        keep = {process.pid for process in found}
        for member in self._services.session.members(named.partition("/")[0] or None):
            if member.pid not in keep and is_of(named, member.member):
                yield SilentMember(member=member.member, reason=UNKEPT)


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
