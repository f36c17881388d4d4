"""An event loop whose time is simulated: waiting costs nothing, and everything that waits does so together."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Selector(selectors.SelectSelector):
    """A selector that lets simulated time pass instead of waiting."""

    passed = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("everything waits and no timer is set: this would wait for ever")
        self.passed += max(timeout, 0.0)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop with time of its own, from 0."""

    def __init__(self) -> None:
        self._clockwork = _Selector()
        super().__init__(self._clockwork)

    def time(self) -> float:
        return self._clockwork.passed


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in simulated time.

    Without the debug mode that `-X dev` asks for: it notes the stack for every task, which takes half of the time.
    """
    with asyncio.Runner(loop_factory=SimulatedLoop, debug=False) as runner:
        return runner.run(coroutine)
