"""What "now" is: the wall clock of signature checks, replaceable beside the network."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells POSIX time in seconds."""

    def now(self) -> float:
        """The time now."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        return time.time()


@dataclass
class FixedClock:
    """A clock that stands still, for recorded traffic and tests."""

    moment: float

    def now(self) -> float:
        return self.moment
