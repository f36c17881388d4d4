"""Changes of configuration on behalf of an author, through cfgmgr; requests of one author are done one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from weakref import WeakValueDictionary

from cfgmgr import api
from cmdctl.accounts import AUTHOR, Accounts
from cmdctl.api import ErrorDetail
from cmdctl.errors import RequestError
from cmdctl.limits import COMMIT_SECONDS
from cmdctl.pools import Work
from cmdctl.store import StoreFailed
from daemonkit.log import MessageLog
from msgq.errors import BusError, CallError, Refused
from msgq.session import Request, Session

Edit = api.Set | api.Unset | api.Add | api.Remove
R = TypeVar("R")
T = TypeVar("T")


class Candidates:
    """The candidates of all authors, as cfgmgr keeps them."""

    def __init__(self, session: Session, log: MessageLog, store_work: Work) -> None:
        self._session = session
        self._log = log
        self._store_work = store_work
        self.accounts: Accounts | None = None  # while the store of cmdctl can be used
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def do(self, author: str, request: Request[R]) -> R:
        """Send one request of this author to cfgmgr."""

        async def sent() -> R:
            async with self._lock(author):
                return await self._session.call(request, timeout=COMMIT_SECONDS)

        return await self._with_room(sent)

    async def commit(self, order: api.Commit) -> api.Committed:
        """Commit the author's candidate, as far as their role and zones permit.

        Raises RequestError with every finding where it is refused.
        """
        async with self._lock(order.author):
            return await self._commit(order)

    async def at_once(self, author: str, edits: Sequence[Edit], reason: str) -> api.Committed:
        """Make and commit a change of its own: the author must have no candidate, and has none afterwards."""
        return await self._with_room(lambda: self._at_once(author, edits, reason))

    async def _at_once(self, author: str, edits: Sequence[Edit], reason: str) -> api.Committed:
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
        refusing: dict[str, list[str]] = {}  # whoever gives the same reason
        for answer in checked.modules:
            if answer.state not in ("accepted", "adjusted"):
                refusing.setdefault(answer.reason or answer.state, []).append(answer.member)
        return details + [ErrorDetail(path=", ".join(who), reason=reason) for reason, who in refusing.items()]

    async def all(self) -> api.CandidateList:
        """Everybody's, but of who is no more."""
        await self.let_go()
        return await self._session.call(api.ListCandidates())

    async def discard(self, author: str) -> api.Candidate:
        """Forget somebody's, and say what it was; raises Refused where there is none."""
        async with self._lock(author):
            return await self._session.call(api.Discard(author))

    async def let_go(self) -> int:
        """Forget the candidates of users and tokens that are gone, and of tokens that have expired; how many it were.

        Whoever is removed has none left (`forget`); but a token expires by itself, and cfgmgr may not have been there.
        """
        if self.accounts is None:
            return 0
        listed = await self._session.call(api.ListCandidates())  # before the look at who there is: nobody is too new
        try:
            there = await self._store_work(self.accounts.authors)
        except StoreFailed as error:
            self._log.error("CMDCTL_STORE_FAILED", reason=error)
            return 0
        gone = [one for one in listed.candidates if one.author.startswith(AUTHOR) and one.author not in there]
        for one in gone:
            await self.forget(one.author)
            self._log.info("CMDCTL_CANDIDATE_LET_GO", author=one.author, changes=one.count)
        return len(gone)

    async def _with_room(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What comes of an attempt; where cfgmgr has no room for another candidate, after those have gone that may."""
        try:
            return await attempt()
        except Refused as error:
            if error.code != "unavailable" or not await self.let_go():
                raise
        return await attempt()

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


def _detail(problem: api.Problem) -> ErrorDetail:
    detail = ErrorDetail(path=problem.path, reason=problem.reason)
    if problem.place:
        detail["place"] = problem.place
    return detail
