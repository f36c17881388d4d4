"""Log messages that clients can provoke, kept to a bounded rate each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from daemonkit.log import MessageLog

BURST = 5  # messages of one ID in a window
WINDOW = 60.0  # seconds


@dataclass(slots=True)
class _Budget:
    """What one message ID has used of its window."""

    began: float
    written: int = 0
    suppressed: int = 0


class Reports:
    """Writes a message, or counts it as suppressed; the count is told with the next that is written."""

    def __init__(self, log: MessageLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._budgets: dict[str, _Budget] = {}

    def info(self, message_id: str, **fields: object) -> None:
        """Something an operator may want to see."""
        if self._allows(message_id):
            self._log.info(message_id, **fields)

    def warning(self, message_id: str, **fields: object) -> None:
        """Something works, but not as it should."""
        if self._allows(message_id):
            self._log.warning(message_id, **fields)

    def error(self, message_id: str, **fields: object) -> None:
        """Something does not work."""
        if self._allows(message_id):
            self._log.error(message_id, **fields)

    def exception(self, message_id: str, error: BaseException, **fields: object) -> None:
        """Something that must not happen."""
        if self._allows(message_id):
            self._log.exception(message_id, error, **fields)

    def _allows(self, message_id: str) -> bool:
        now = self._clock()
        budget = self._budgets.setdefault(message_id, _Budget(now))
        if now - budget.began >= WINDOW:
            if budget.suppressed:
                self._log.warning("AUTH_MESSAGES_SUPPRESSED", id=message_id, count=budget.suppressed)
            budget = self._budgets[message_id] = _Budget(now)
        if budget.written >= BURST:
            budget.suppressed += 1
            return False
        budget.written += 1
        return True
