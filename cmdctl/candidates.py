"""Changes of configuration on behalf of an author, through cfgmgr; requests of one author are done one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar
from weakref import WeakValueDictionary

from cfgmgr import api
from cmdctl.api import ErrorDetail
from cmdctl.errors import RequestError
from cmdctl.limits import COMMIT_SECONDS
from msgq.errors import BusError, CallError, Refused
from msgq.session import Request, Session

Edit = api.Set | api.Unset | api.Add | api.Remove
R = TypeVar("R")


class Candidates:
    """The candidates of all authors, as cfgmgr keeps them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def do(self, author: str, request: Request[R]) -> R:
        """Send one request of this author to cfgmgr."""
        async with self._lock(author):
            return await self._session.call(request, timeout=COMMIT_SECONDS)

    async def commit(self, order: api.Commit) -> api.Committed:
        """Commit the author's candidate, as far as their role and zones permit.

        Raises RequestError with every finding where it is refused.
        """
        async with self._lock(order.author):
            return await self._commit(order)

    async def at_once(self, author: str, edits: Sequence[Edit], reason: str) -> api.Committed:
        """Make and commit a change of its own: the author must have no candidate, and has none afterwards."""
        async with self._lock(author):
            before = await self._session.call(api.Diff(author))
            if before.changes:
                raise RequestError("conflict", "you have uncommitted changes: commit or revert them first")
            try:
                for edit in edits:
                    await self._session.call(edit)
                return await self._commit(api.Commit(author, reason))
            except (RequestError, BusError) as error:
                if not (isinstance(error, CallError) and error.maybe_done):
                    await self._forget(author)
                raise

    async def _commit(self, order: api.Commit) -> api.Committed:
        try:
            return await self._session.call(order, timeout=COMMIT_SECONDS)
        except Refused as error:
            raise RequestError(error.code, error.text, await self._findings(order, error)) from error

    async def _findings(self, order: api.Commit, error: Refused) -> list[ErrorDetail]:
        """Everything that stands in the way; a refusal's text holds only the beginning of a long list."""
        if error.code != "refused":
            return []
        try:
            question = api.Check(order.author, order.role, order.zones)
            checked = await self._session.call(question, timeout=COMMIT_SECONDS)
        except BusError:  # the refusal itself says enough
            return []
        details = [_detail(problem) for problem in checked.problems if problem.severity == "error"]
        refusing = [answer for answer in checked.modules if answer.state not in ("accepted", "adjusted")]
        return details + [ErrorDetail(path=answer.member, reason=answer.reason or answer.state) for answer in refusing]

    async def forget(self, author: str) -> None:
        """Forget what nobody can commit any more."""
        async with self._lock(author):
            await self._forget(author)

    async def _forget(self, author: str) -> None:
        try:
            await self._session.call(api.Discard(author))
        except BusError:  # it is shown by `config diff`, and the error that led here is what counts
            pass

    def _lock(self, author: str) -> asyncio.Lock:
        lock = self._locks.get(author)
        if lock is None:
            lock = self._locks[author] = asyncio.Lock()
        return lock


def narrowed_author(user: str, token: str) -> str:
    """Who a token that is narrowed to zones changes configuration as: its user may have a candidate of wider scope."""
    return f"{user}/{token}"


def _detail(problem: api.Problem) -> ErrorDetail:
    detail = ErrorDetail(path=problem.path, reason=problem.reason)
    if problem.place:
        detail["place"] = problem.place
    return detail
