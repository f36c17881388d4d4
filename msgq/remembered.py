"""The commands a session has carried out or is at, so that one that comes again is not done again.

Only commands that change state are kept. The table is bounded for each caller and in all; of what it had to drop it
remembers the highest number, so that a repeat which is too old is refused and never done twice.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from msgq.errors import RefusalCode

CALLERS: Final = 256  # sessions; the one unheard of for longest is forgotten
OUTCOMES_OF_ONE: Final = 128
OUTCOME_BYTES: Final = 64 * 1024  # a longer result is not kept, only that there was one
ALL_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to: a result, or a refusal where `code` is set."""

    payload: bytes = b""
    code: RefusalCode | None = None
    text: str = ""


@dataclass(slots=True)
class _Caller:
    outcomes: OrderedDict[int, Done] = field(default_factory=OrderedDict)
    forgotten: int = 0  # every call up to this number was, or may have been, seen


class Remembered:
    """Outcomes by call id."""

    def __init__(self) -> None:
        self._callers: OrderedDict[str, _Caller] = OrderedDict()
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes of results kept."""
        return self._bytes

    def find(self, call_id: str) -> Done | None:
        """What this call came to, if it was carried out; a refusal if it is too old to know."""
        token, number = _parts(call_id)
        caller = self._callers.get(token)
        if caller is None:
            return None
        self._callers.move_to_end(token)
        if number in caller.outcomes:
            return caller.outcomes[number]
        if number <= caller.forgotten:
            return Done(code="conflict", text="this call is too old to be repeated: it may have been carried out")
        return None

    def keep(self, call_id: str, done: Done) -> None:
        """Remember what a call came to."""
        token, number = _parts(call_id)
        caller = self._callers.setdefault(token, _Caller())
        self._callers.move_to_end(token)
        if len(done.payload) > OUTCOME_BYTES:
            done = Done(code="conflict", text="this call was carried out; its result was too long to be kept")
        caller.outcomes[number] = done
        self._bytes += len(done.payload)
        while len(caller.outcomes) > OUTCOMES_OF_ONE:
            self._drop_oldest(caller)
        while len(self._callers) > CALLERS:
            self._drop_caller()
        while self._bytes > ALL_BYTES:
            self._drop_oldest(next(caller for caller in self._callers.values() if caller.outcomes))

    def _drop_oldest(self, caller: _Caller) -> None:
        number, done = caller.outcomes.popitem(last=False)
        caller.forgotten = max(caller.forgotten, number)
        self._bytes -= len(done.payload)

    def _drop_caller(self) -> None:
        _, caller = self._callers.popitem(last=False)
        self._bytes -= sum(len(done.payload) for done in caller.outcomes.values())


def _parts(call_id: str) -> tuple[str, int]:
    token, _, number = call_id.partition("-")
    return token, int(number)
