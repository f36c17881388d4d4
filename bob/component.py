"""The life of one instance of a component, as a state machine (bob/states.py has the drawing).

No clock, no process, no channel: events come in with the time, actions go out. Times are seconds of one monotonic
clock. The supervisor spawns what is WAITING when its needs are ready; all else is decided here.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bob.definition import ORPHAN_PATIENCE, Definition
from bob.states import ALIVE, VACANT, Kind, State

# From the spawn to the first heart-beat, and between heart-beats until it is ready: an interpreter starts and imports,
# and files are synchronised, with others, perhaps on a small machine. Nobody is served by it yet, and where the system
# needs it at its start, to kill it then ends everything.
FIRST_BEAT_TIMEOUT = 20.0
# From the last progress it told to READY: loading a million zones takes long, and says so.
PROGRESS_TIMEOUT = 60.0
# Silent for so long, it may hang: the spare stands in at its sockets until it is heard again, or killed. A client that
# asks again after a second then has its answer before it asks a third time.
SUSPECT_AFTER = 0.75
# Told to stop -> SIGTERM -> SIGKILL. A daemon takes milliseconds; all together stay under the 2 s of a clean stop.
STOP_TIMEOUT = 1.0
TERMINATE_TIMEOUT = 0.6


class Action(enum.Enum):
    """What the supervisor shall do to the process, or to the system."""

    SEND_STOP = "send stop"
    TERMINATE = "terminate"
    KILL = "kill"
    COVER = "cover"  # let the spare serve its sockets beside it
    UNCOVER = "uncover"
    FAIL_SYSTEM = "fail system"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When a failed instance gets its next attempt: at once, then later and later, then no more."""

    first_delay: float = 0.25
    longest_delay: float = 10.0
    jitter: float = 0.2  # of the delay, either way, so that instances do not fail in step
    stable_after: float = 10.0  # a run this long forgets the failures before it
    window: float = 300.0  # in which an instance has Definition.give_up_after failures and is given up
    # Without the built-in ones no operator could say start, without the needed ones nothing is answered.
    retry_exhausted: float = 30.0  # seconds

    def delay(self, failures: int, chance: float) -> float:
        """Seconds before the next attempt after so many failures in a row; `chance` is random in [0, 1)."""
        if failures <= 1:
            return 0.0
        doubled: float = self.first_delay * 2.0 ** min(failures - 2, 30)
        return min(doubled, self.longest_delay) * (1.0 + self.jitter * (2.0 * chance - 1.0))


@dataclass(slots=True, eq=False)
class Run:
    """One process of an instance, from spawn to exit."""

    pid: int
    started: float
    definition: Definition  # what it was started as
    serving: float | None = None  # since when it is ready in its place
    heard: float | None = None  # the last heart-beat
    revision: int = 0
    progress: str = ""
    progressed: float = 0.0
    announced: str = ""  # why it says it stops
    cause: str = ""  # why we stop it
    asked: bool = False  # its end is wanted and no failure
    planned: bool = False  # its end is wanted and no remark
    escalation: Action | None = None  # the last step taken to end it
    escalated: float = 0.0
    suspect: bool = False  # silent, perhaps hung
    stale: bool = False  # to be replaced by a new run when that costs nothing
    late: bool = False  # the same, for it stays on an older configuration


def _unobserved(_instance: Instance, _old: State, _new: State) -> None:
    """Tell nobody."""


@dataclass(slots=True, eq=False)
class Instance:
    """One place of a component: number 0, 1, ... or `spare`."""

    definition: Definition
    number: str
    chance: Callable[[], float]
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    observe: Callable[[Instance, State, State], None] = _unobserved
    vital: bool = False  # it belongs to the start of the system: if it never comes up, the system ends

    state: State = State.STOPPED
    since: float = 0.0
    wanted: bool = False
    run: Run | None = None
    due: float = 0.0  # of the next attempt, in BACKOFF and GIVEN_UP
    spawns: int = 0
    restarts: int = 0  # after ends that were not planned
    was_ready: bool = False
    last_exit: str = ""
    last_planned: bool = False  # the last end was
    failures: deque[float] = field(default_factory=deque)
    exhausted: bool = False  # failed too often, and has not done well since
    late_for: int = 0  # the revision it was last found to be late for
    unrecovered: bool = False  # the next process counts as a restart

    @property
    def name(self) -> str:
        """`auth/0`: what it is called in logs and on the bus."""
        return f"{self.definition.name}/{self.number}"

    @property
    def remark(self) -> str:
        """How the process before ended; a planned end says nothing about the one that is there now."""
        return "" if self.last_planned and self.run is not None else self.last_exit

    @property
    def next_attempt(self) -> float | None:
        """When it is tried again, if it failed and ever is."""
        waits = self.state in (State.BACKOFF, State.GIVEN_UP) and math.isfinite(self.due)
        return self.due if waits else None

    def serves_soon(self, now: float) -> bool:
        """Whether queries that wait for it are answered before their clients lose patience."""
        if not self.wanted or self.state is State.GIVEN_UP:
            return False
        return self.state is not State.BACKOFF or self.due - now <= ORPHAN_PATIENCE

    # What is wanted of it.

    def start(self, now: float) -> None:
        """Let it run; an instance that was given up or waits for its time gets a new chance at once."""
        self.wanted = True
        self._forget()
        if self.state not in ALIVE:
            self._move_to(State.WAITING, now)

    def stop(self, now: float) -> list[Action]:
        """End it and leave it ended."""
        self.wanted = self.unrecovered = False
        if self.state in ALIVE:
            return self._end(now, "told to stop", planned=True)
        self._move_to(State.STOPPED, now)
        return []

    def restart(self, now: float, cause: str = "told to restart", *, planned: bool = True) -> list[Action]:
        """End it and start it afresh; this is not counted as a failure, and as a restart only if it is not planned."""
        if self.state not in ALIVE:
            self.start(now)
            return []
        self.wanted = True
        self._forget()
        return self._end(now, cause, planned=planned)

    def kill(self, now: float, cause: str) -> list[Action]:
        """End it by force: it hangs, or talks nonsense. Counted as a failure."""
        if self.run is None:
            return []
        if not self.run.cause:
            self.run.cause = cause
        if self.state is not State.STOPPING:
            self._move_to(State.STOPPING, now)
        return self._escalate(Action.KILL, now)

    # What happens to it.

    def spawned(self, now: float, pid: int) -> None:
        """WAITING -> STARTING: there is a process."""
        assert self.state is State.WAITING, self.state
        self.run = Run(pid=pid, started=now, progressed=now, definition=self.definition)
        self._came_back()
        self._move_to(State.STARTING, now)

    def not_spawned(self, now: float, reason: str) -> list[Action]:
        """WAITING -> a failure: the process could not even be made."""
        assert self.state is State.WAITING, self.state
        self.last_exit, self.last_planned = reason, False
        self._came_back()
        self.unrecovered = True
        return self._failed(now)

    def ready(self, now: float) -> None:
        """STARTING -> RUNNING; said again, or by a process that is stopping, it means nothing."""
        if self.run is None:
            return
        self.run.heard = now
        if self.state is State.STARTING:
            self.was_ready = True
            self.run.serving = now
            self._move_to(State.RUNNING, now)

    def beat(self, now: float, revision: int, progress: str) -> list[Action]:
        """It lives."""
        if self.run is None:
            return []
        self.run.heard = now
        self.run.late = self.run.late and revision == self.run.revision
        self.run.revision = revision
        if progress != self.run.progress:
            self.run.progress, self.run.progressed = progress, now
        was_suspect, self.run.suspect = self.run.suspect, False
        return [Action.UNCOVER] if was_suspect else []

    def announce(self, reason: str) -> None:
        """It says why it is going to exit."""
        if self.run is not None:
            self.run.announced = reason

    def exited(self, now: float, how: str) -> list[Action]:
        """The process is gone; `how` says with what status or signal."""
        run, self.run = self.run, None
        assert run is not None, self.name
        self.last_exit, self.last_planned = _exit_text(how, run), run.planned
        if not self.wanted:
            self._move_to(State.STOPPED, now)
            return []
        self.unrecovered = not run.planned
        if run.asked:
            self._move_to(State.WAITING, now)
            return []
        if run.serving is not None and now - run.serving >= self.policy.stable_after:
            self._forget()
        return self._failed(now)

    def tick(self, now: float) -> list[Action]:
        """Do what its time has come for."""
        limit = self.deadline()
        if limit is None or now < limit:
            return []
        if self.state in (State.BACKOFF, State.GIVEN_UP):
            self._move_to(State.WAITING, now)  # BACKOFF, GIVEN_UP -> WAITING
            return []
        assert self.run is not None
        if self.state is State.STOPPING:
            follower = Action.TERMINATE if self.run.escalation is Action.SEND_STOP else Action.KILL
            return self._escalate(follower, now)
        if self._is_quiet(now, self.run):
            self.run.suspect = True
            return [Action.COVER]
        return self.kill(now, self._why_killed(now, self.run))  # STARTING, RUNNING -> STOPPING

    def deadline(self) -> float | None:
        """When tick must be called next, if nothing else happens."""
        run = self.run
        if run is None:
            return self.next_attempt
        if self.state is State.STOPPING:
            return _next_escalation(run)
        if run.heard is None:
            return run.started + FIRST_BEAT_TIMEOUT
        hung = run.heard + self._hang_timeout()
        if self.state is State.STARTING:
            return min(hung, run.progressed + PROGRESS_TIMEOUT)
        return hung if run.suspect else min(hung, run.heard + SUSPECT_AFTER)

    def forgive(self, seconds: float) -> None:
        """We were stopped ourselves for so long: nothing that was missed meanwhile counts."""
        if self.run is not None:
            self.run.started += seconds
            self.run.progressed += seconds
            if self.run.heard is not None:
                self.run.heard += seconds

    # How it is done.

    def _end(self, now: float, cause: str, *, planned: bool) -> list[Action]:
        assert self.run is not None
        self.run.asked, self.run.planned = True, planned
        if self.state is State.STOPPING:
            return []  # on its way already
        self.run.cause = cause
        self._move_to(State.STOPPING, now)  # STARTING, RUNNING -> STOPPING
        return self._escalate(Action.SEND_STOP, now)

    def _escalate(self, action: Action, now: float) -> list[Action]:
        assert self.run is not None
        self.run.escalation, self.run.escalated = action, now
        return [action]

    def _failed(self, now: float) -> list[Action]:
        self.failures.append(now)
        while self.failures[0] < now - self.policy.window:
            self.failures.popleft()
        if self._ends_the_system():
            self._give_up(now, math.inf)
            return [Action.FAIL_SYSTEM]
        self.exhausted = self.exhausted or len(self.failures) >= self.definition.give_up_after
        if self.exhausted and not self.definition.builtin:
            retried = self.definition.kind is not Kind.DISPENSABLE
            self._give_up(now, now + self.policy.retry_exhausted if retried else math.inf)
            return []
        delay = self.policy.delay(len(self.failures), self.chance())
        self.due = now + (self.policy.retry_exhausted if self.exhausted else delay)
        self._move_to(State.BACKOFF if self.due > now else State.WAITING, now)
        return []

    def _give_up(self, now: float, due: float) -> None:
        self.due = due
        self._move_to(State.GIVEN_UP, now)

    def _forget(self) -> None:
        """Its failures are of the past."""
        self.failures.clear()
        self.exhausted = False

    def _came_back(self) -> None:
        """There is a process again, or was one for a moment."""
        self.spawns += 1
        self.restarts += self.unrecovered
        self.unrecovered = False

    def _ends_the_system(self) -> bool:
        if self.definition.kind is Kind.DISPENSABLE:
            return False
        never_up = self.vital and not self.was_ready
        return never_up or (self.definition.kind is Kind.CORE and not self.definition.builtin)

    def _is_quiet(self, now: float, run: Run) -> bool:
        """Silent long enough to be suspected, not yet long enough to be killed."""
        if self.state is not State.RUNNING or run.suspect or run.heard is None:
            return False
        return run.heard + SUSPECT_AFTER <= now < run.heard + self.definition.hang_timeout

    def _hang_timeout(self) -> float:
        configured = self.definition.hang_timeout
        return max(configured, FIRST_BEAT_TIMEOUT) if self.state is State.STARTING else configured

    def _why_killed(self, now: float, run: Run) -> str:
        if run.heard is None:
            return f"no sign of life {FIRST_BEAT_TIMEOUT:g} s after its start"
        if now - run.heard >= self._hang_timeout():
            return f"hung: no heart-beat for {now - run.heard:.1f} s"
        return f"not ready, and no progress for {PROGRESS_TIMEOUT:g} s ({run.progress or 'none told'})"

    def _move_to(self, state: State, now: float) -> None:
        old, self.state = self.state, state
        self.since = now
        if old is not state:
            self.observe(self, old, state)


def promote(spare: Instance, vacancy: Instance, now: float) -> Run:
    """The warm spare takes a place that has no process; a new spare is wanted. Returns the process that moved."""
    assert spare.state is State.RUNNING
    assert vacancy.state in VACANT
    run = spare.run
    assert run is not None
    spare.run, vacancy.run = None, run
    vacancy.was_ready = True
    vacancy._came_back()  # noqa: SLF001
    run.serving = now
    vacancy._move_to(State.RUNNING, now)  # noqa: SLF001  (one transition of two machines)
    spare._move_to(State.WAITING, now)  # noqa: SLF001
    return run


def _next_escalation(run: Run) -> float | None:
    if run.escalation is Action.SEND_STOP:
        return run.escalated + STOP_TIMEOUT
    if run.escalation is Action.TERMINATE:
        return run.escalated + TERMINATE_TIMEOUT
    return None  # after SIGKILL there is nothing left to do


def _exit_text(how: str, run: Run) -> str:
    reasons = [reason for reason in dict.fromkeys((run.cause, run.announced)) if reason]
    return f"{how} ({'; '.join(reasons)})" if reasons else how
