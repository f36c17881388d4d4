"""One test of one domain: cases in their order, those of a step at the same time, within a deadline."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field

import dns.name

from health.engine import system
from health.engine.asking import Figures
from health.engine.clock import Clock, SystemClock
from health.engine.context import Context
from health.engine.domains import domain_name
from health.engine.errors import DeadlinePassed
from health.engine.hints import Hints
from health.engine.network import Network
from health.engine.plan import Found, Plan, Step, case_of, chosen_plan, whole_plan
from health.engine.profiles import Profile
from health.engine.registry import Case, Tag
from health.engine.results import Entry, argument
from health.engine.session import Session, Undelegated

LOG = logging.getLogger(__name__)
_DEPENDENCIES = ("dnspython", "cryptography", "idna")  # what findings may depend on
_GRACE = 1.0  # seconds a door may take beyond the time it was given before it is left alone


@dataclass
class Progress:
    """How far a test is: cases done, of so many; `finished` says that the test is over."""

    done: int = 0
    total: int = 0
    finished: bool = False
    deadline_passed: bool = False

    @property
    def percent(self) -> int:
        """From 0 to 100, which it reaches only at the end."""
        return 100 if self.finished else min(99, 100 * self.done // max(self.total, 1))


@dataclass
class _Ran:
    """One case that runs: what it has emitted so far, and how much of that was handed on."""

    case: Case
    entries: list[Entry] = field(default_factory=list)
    complete: bool = False
    released: int = 0


class Test:
    """A test that can be run once. Several may run at the same time in one loop; they share nothing but the door."""

    __test__ = False  # pytest: not a test of ours

    def __init__(
        self,
        domain: str | dns.name.Name,
        *,
        network: Network,
        clock: Clock | None = None,
        profile: Profile | None = None,
        undelegated: Undelegated | None = None,
        hints: Hints | None = None,
        cases: Collection[str] | None = None,
    ) -> None:
        """A test of `domain`; of these cases and modules only, if named.

        Raises DomainNameError, UnknownCase.
        """
        self.zone = domain if isinstance(domain, dns.name.Name) else domain_name(domain)
        self.progress = Progress()
        self._network = network
        self._clock = clock or SystemClock()
        self._profile = profile or Profile.default()
        self._undelegated = undelegated
        self._hints = hints or Hints.built_in()
        self._chosen = cases is not None
        self._plan: Plan = whole_plan() if cases is None else chosen_plan(cases)
        self._out: asyncio.Queue[Entry | None] = asyncio.Queue()
        self._begun = 0.0
        self.figures = Figures()

    async def run(self) -> AsyncGenerator[Entry, None]:
        """Give the entries as they come; the order does not depend on who answers first.

        When the deadline passes, DEADLINE_PASSED names the cases that did not come to their end and the modules that
        did not begin.
        """
        worker = asyncio.create_task(self._work())
        try:
            while (entry := await self._out.get()) is not None:
                yield entry
            await worker
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        self._begun = loop.time()
        seconds = float(self._profile.get("limits.deadline"))
        session = self._new_session(self._begun + seconds)
        self.figures = session.asker.figures
        try:
            self._announce()
            await self._prepare_and_run(session)
        finally:
            await session.close()
            self.progress.finished = True
            self._out.put_nowait(None)

    def _new_session(self, deadline: float) -> Session:
        return Session(
            self.zone,
            self._network,
            self._clock,
            self._profile,
            self._hints,
            self._undelegated,
            self._say,
            deadline,
        )

    def _announce(self) -> None:
        self._say("START_TIME", time_t=int(self._clock.now()), string=self.zone)
        self._say("TEST_TARGET", domain=self.zone)
        self._say("GLOBAL_VERSION", version=importlib.metadata.version("bobdns"))
        for name in _DEPENDENCIES:
            self._say("DEPENDENCY_VERSION", name=name, version=importlib.metadata.version(name))

    async def _prepare_and_run(self, session: Session) -> None:
        if not (self._profile.ipv4 or self._profile.ipv6) or self._profile.get("no_network"):
            self._say("NO_NETWORK")
            return
        self.progress.total = sum(self._enabled(k) for m in self._plan.modules.values() for s in m for k in s.cases)
        unfinished: list[str] = []
        try:
            async with asyncio.timeout_at(self._last_moment(session)):
                await session.prepare()
        except (DeadlinePassed, TimeoutError):
            unfinished = list(self._plan.modules)
        for module, steps in self._plan.modules.items():
            if unfinished:
                unfinished.append(module)  # nothing of it was run
                continue
            unfinished, tags = await self._module(session, steps)
            self._say("MODULE_END", module=module)
            if module == "Basic" and self._plan.gated and not unfinished and not _may_continue(tags):
                if session.pretended is None and not any(root.address in self.figures.times for root in session.roots):
                    self._say(system.ROOTS_SILENT)
                self._say("CANNOT_CONTINUE", domain=self.zone)
                return
        if unfinished:
            self.progress.deadline_passed = True
            self._say("DEADLINE_PASSED", seconds=self._profile.get("limits.deadline"), cases=unfinished)

    async def _module(self, session: Session, steps: tuple[Step, ...]) -> tuple[list[str], set[str]]:
        tags: set[str] = set()
        for step in steps:
            enabled = [case for key in step.cases if self._enabled(key) and (case := case_of(key)) is not None]
            if not step.condition(Found(tags, self._enabled)):
                self.progress.done += len(enabled)
                self._instead(step, tags)
                continue
            ran = await self._step(session, enabled)
            tags |= {entry.tag for each in ran for entry in each.entries}
            if unfinished := [each.case.name for each in ran if not each.complete]:
                return unfinished, tags
        return [], tags

    def _enabled(self, key: str) -> bool:
        return self._chosen or self._profile.runs(key)

    def _instead(self, step: Step, tags: set[str]) -> None:
        """Basic says that its last case is not needed."""
        if step.cases == ("basic03",) and "B02_AUTH_RESPONSE_SOA" in tags:
            tag = system.NOT_NEEDED
            self._out.put_nowait(self._entry("Basic", system.UNSPECIFIED, tag, system.MODULE_TAGS[tag], {}))

    async def _step(self, session: Session, cases: list[Case]) -> list[_Ran]:
        ran = [_Ran(case) for case in cases]
        tasks = [asyncio.create_task(self._case(session, each)) for each in ran]
        try:
            async with asyncio.timeout_at(self._last_moment(session)):
                for each, task in zip(ran, tasks, strict=True):
                    await asyncio.shield(task)
                    self._release(each)
        except TimeoutError:
            LOG.warning("the network door did not keep to its time-outs: the test of %s is ended", self.zone)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for each in ran:
            self._release(each)
        return ran

    def _last_moment(self, session: Session) -> float:
        """When even a door that does not keep to its time-outs is not waited for any more."""
        assert session.deadline is not None
        return session.deadline + _GRACE

    def _release(self, ran: _Ran) -> None:
        """Hand what a case found on; its entries stay with it, for the steps that depend on them."""
        for entry in ran.entries[ran.released :]:
            self._out.put_nowait(entry)
        ran.released = len(ran.entries)

    async def _case(self, session: Session, ran: _Ran) -> None:
        context = Context(session, ran.case, lambda case, tag, arguments: self._emit(ran, case, tag, arguments))
        context.emit("TEST_CASE_START", testcase=ran.case.name)
        try:
            await ran.case.function(context)
        except DeadlinePassed:
            return
        except Exception as error:
            LOG.debug("the test case %s failed on %s", ran.case.name, self.zone, exc_info=True)
            text = f"{type(error).__name__}: {error}"
            arguments: dict[str, object] = {"module_name": ran.case.module, "testcase": ran.case.name, "msg": text}
            tag = system.TAGS["MODULE_ERROR"]
            ran.entries.append(self._entry(system.MODULE, system.UNSPECIFIED, "MODULE_ERROR", tag, arguments))
        context.emit("TEST_CASE_END", testcase=ran.case.name)
        ran.complete = True
        self.progress.done += 1

    def _emit(self, ran: _Ran, case: Case, tag: str, arguments: dict[str, object]) -> None:
        declared = case.tags.get(tag) or system.FRAME.get(tag)
        if declared is None:
            raise LookupError(f"the test case {case.name} does not declare the tag {tag}")
        ran.entries.append(self._entry(case.module, case.name, tag, declared, arguments))

    def _say(self, tag: str, **arguments: object) -> None:
        self._out.put_nowait(self._entry(system.MODULE, system.UNSPECIFIED, tag, system.TAGS[tag], arguments))

    def _entry(self, module: str, case: str, tag: str, declared: Tag, arguments: dict[str, object]) -> Entry:
        values = {name: argument(value) for name, value in arguments.items()}
        level = self._profile.level(module, tag, values, declared.level)
        return Entry(module, case, tag, level, asyncio.get_running_loop().time() - self._begun, values)


def _may_continue(tags: set[str]) -> bool:
    return "B02_AUTH_RESPONSE_SOA" in tags and "B02_NO_DELEGATION" not in tags
