"""All or none: prepare on every running member concerned, the commit point, commit on all of them.

    IDLE --> PREPARING --all accepted--> STORING --fsynced--> APPLYING --> IDLE on N
                 |                          |
                 |--refused, died, silent---|--the disk fails--> aborted everywhere, IDLE as before

Before the commit point anything may go wrong, and nothing changes anywhere. After it nothing can be refused: a member
that does not apply N is reported, and bob restarts it; it starts on N.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from bob import api as bob
from cfgmgr.api import ModuleAnswer
from cfgmgr.errors import StoreUncertain, Uncommitted
from daemonkit import api
from daemonkit.log import MessageLog
from msgq.errors import BusError, BusLost, DeadlineExceeded, NoRecipient, Refused
from msgq.session import Session

PREPARE_TIMEOUT = 5.0  # seconds (design section 5)
ABORT_TIMEOUT = 2.0  # seconds; who does not hear it asks for the committed revision
APPLY_TIMEOUT = 5.0  # seconds; after it bob restarts the member
RESTART_TIMEOUT = 5.0  # seconds for bob to take the order

GOOD = ("accepted", "adjusted")


class Phase(enum.Enum):
    """Where a commit stands."""

    IDLE = "idle"
    PREPARING = "preparing"
    STORING = "storing"
    APPLYING = "applying"


class OwnPart(Protocol):
    """What cfgmgr itself takes of the configuration."""

    async def prepare(self, member: str, part: api.Prepare) -> ModuleAnswer:
        """Get ready for a revision, or refuse it."""

    def commit(self, revision: int) -> None:
        """Apply what was prepared."""

    def abort(self, revision: int) -> None:
        """Forget what was prepared."""


class CommitProtocol:
    """Carries revisions out, one at a time."""

    def __init__(self, session: Session, log: MessageLog, own: OwnPart | None = None) -> None:
        """`own` is the part of this process, which takes part like the others but not by the bus."""
        self._session = session
        self._own = own
        self._log = log
        self.phase = Phase.IDLE
        self.revision = 0  # in hand; 0: none

    async def ask(self, revision: int, parts: Mapping[str, api.Prepare]) -> list[ModuleAnswer]:
        """Prepare a revision on members and abort it again: what would they say? `parts` by member."""
        self._move_to(Phase.PREPARING, revision)
        try:
            answers = await self._prepare(parts)
            await self._abort(revision, parts)
            return answers
        finally:
            self._move_to(Phase.IDLE)

    async def carry_out(
        self,
        revision: int,
        parts: Mapping[str, api.Prepare],
        store: Callable[[], Awaitable[None]],
        settled: Callable[[Sequence[ModuleAnswer]], None],
    ) -> tuple[list[ModuleAnswer], list[ModuleAnswer]]:
        """Commit a revision; gives how members prepared, and who was late to apply it.

        `store` is the commit point. Raises Uncommitted, or what `store` raises; then nothing has changed, except after
        StoreUncertain, when only the next start can tell: members that prepared ask then. `settled` may raise before
        it, where the answers ask for something else.
        """
        try:
            self._move_to(Phase.PREPARING, revision)
            answers = await self._prepare(parts)
            bad = [answer for answer in answers if answer.state not in GOOD]
            if bad:
                await self._abort(revision, parts)
                raise Uncommitted(_said(bad), bad, refused=any(a.state == "refused" for a in bad))
            self._move_to(Phase.STORING, revision)
            try:
                settled(answers)
                await store()
            except StoreUncertain:
                raise
            except Exception:
                await self._abort(revision, parts)
                raise
            self._move_to(Phase.APPLYING, revision)
            return answers, await self._apply(revision, parts)
        finally:
            self._move_to(Phase.IDLE)

    def _move_to(self, phase: Phase, revision: int = 0) -> None:
        self.phase, self.revision = phase, revision

    async def _prepare(self, parts: Mapping[str, api.Prepare]) -> list[ModuleAnswer]:
        asked = (self._prepare_one(member, part) for member, part in parts.items())
        return list(await asyncio.gather(*asked))

    async def _prepare_one(self, member: str, part: api.Prepare) -> ModuleAnswer:
        if self._own is not None and member == self._session.member:
            return await self._own.prepare(member, part)
        try:
            prepared = await self._session.call(part, member, timeout=PREPARE_TIMEOUT)
        except BusError as error:
            return _failure(member, error, PREPARE_TIMEOUT)
        if prepared.adjustments:
            return ModuleAnswer(member, "adjusted", adjustments=prepared.adjustments)
        return ModuleAnswer(member, "accepted")

    async def _abort(self, revision: int, members: Iterable[str]) -> None:
        """Tell everybody, also who did not answer: it may have prepared all the same."""
        await asyncio.gather(*(self._abort_one(member, revision) for member in members))

    async def _abort_one(self, member: str, revision: int) -> None:
        if self._own is not None and member == self._session.member:
            self._own.abort(revision)
            return
        try:
            await self._session.call(api.Abort(revision), member, timeout=ABORT_TIMEOUT)
        except BusError:  # dead, or not hearing: it asks for the committed revision when nothing follows
            pass

    async def _apply(self, revision: int, members: Iterable[str]) -> list[ModuleAnswer]:
        outcomes = await asyncio.gather(*(self._apply_one(member, revision) for member in members))
        return [outcome for outcome in outcomes if outcome is not None]

    async def _apply_one(self, member: str, revision: int) -> ModuleAnswer | None:
        if self._own is not None and member == self._session.member:
            self._own.commit(revision)
            return None
        try:
            await self._session.call(api.Commit(revision), member, timeout=APPLY_TIMEOUT)
        except NoRecipient:  # renamed or ended meanwhile: the event, or its start, brings it to the revision
            return None
        except BusError as error:
            late = _failure(member, error, APPLY_TIMEOUT)
            self._log.error("CFGMGR_COMMIT_LATE", member=member, revision=revision, reason=late.reason)
            if isinstance(error, DeadlineExceeded | Refused):  # it lives; one that died is restarted anyway
                await self._restart(member)
            return late
        return None

    async def _restart(self, member: str) -> None:
        try:
            await self._session.call(bob.Restart(member), timeout=RESTART_TIMEOUT)
        except BusError as error:
            self._log.error("CFGMGR_RESTART_FAILED", member=member, reason=error)


def _failure(member: str, error: BusError, seconds: float) -> ModuleAnswer:
    match error:
        case Refused(code="unavailable"):  # it stops: nothing is wrong with the revision
            return ModuleAnswer(member, "unreachable", error.text)
        case Refused():
            return ModuleAnswer(member, "refused", error.text)
        case DeadlineExceeded():
            return ModuleAnswer(member, "silent", f"did not answer within {seconds:g} s")
        case BusLost():
            return ModuleAnswer(member, "unreachable", "the bus was lost")
        case NoRecipient():
            return ModuleAnswer(member, "died", "is gone")
        case _:
            return ModuleAnswer(member, "died", str(error))


def _said(answers: Iterable[ModuleAnswer]) -> str:
    """Each reason once, with all members that give it."""
    members: dict[str, list[str]] = {}
    for answer in answers:
        members.setdefault(answer.reason, []).append(answer.member)
    return "; ".join(f"{', '.join(who)}: {reason}" for reason, who in members.items())
