"""How often one message may be written: a flood of one must neither hide the others nor fill the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 60.0  # s
PROVOKED = 5  # messages of one ID in a window, where whoever sends us packets can cause them
ORDINARY = 600  # of any other


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What was kept back of one message."""

    id: str
    count: int
    seconds: int


@dataclass(slots=True)
class _Budget:
    """What one message ID has used of its window."""

    began: float
    written: int = 0
    suppressed: int = 0


class Limits:
    """Budgets by message ID. May be used from every thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._budgets: dict[str, _Budget] = {}
        self._lock = threading.Lock()
        self.suppressed = 0  # all in all

    def allows(self, message_id: str, burst: int) -> bool:
        """Whether the message may be written now; one that may not is counted."""
        now = self._clock()
        with self._lock:
            budget = self._budgets.get(message_id)
            if budget is None or (now - budget.began >= WINDOW and not budget.suppressed):
                budget = self._budgets[message_id] = _Budget(now)
            if budget.written >= burst:
                budget.suppressed += 1
                self.suppressed += 1
                return False
            budget.written += 1
            return True

    def ended(self) -> list[Suppressed]:
        """What was kept back in windows that are over: each is told once, and its message may be written again."""
        now = self._clock()
        with self._lock:
            over = [
                (name, budget)
                for name, budget in self._budgets.items()
                if budget.suppressed and now - budget.began >= WINDOW
            ]
            for name, _ in over:
                del self._budgets[name]
        return [Suppressed(name, budget.suppressed, round(now - budget.began)) for name, budget in over]

    def next_end(self) -> float | None:
        """Seconds until a window ends in which something was kept back; None where there is none."""
        with self._lock:
            ends = [budget.began + WINDOW for budget in self._budgets.values() if budget.suppressed]
        return max(0.0, min(ends) - self._clock()) if ends else None
