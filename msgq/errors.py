"""What goes wrong on the bus.

BusError
├── CallError             the outcome of a call that is not an answer
│   ├── Refused           the recipient (or the broker) says no: a code and a text
│   ├── NoRecipient       nobody of that name is on the bus; said at once
│   ├── RecipientDied     the recipient ended with the call in hand; said at once
│   ├── DeadlineExceeded  time ran out
│   └── BusLost           the broker died with the call in flight, or the session is closed
├── ProtocolError         bytes, names or sizes that the envelope does not allow
└── AddressError          the broker's socket cannot be at this place
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

RefusalCode = Literal["usage", "not-found", "conflict", "refused", "failed", "unavailable"]
REFUSAL_CODES: frozenset[str] = frozenset(get_args(RefusalCode))


class BusError(Exception):
    """Root of what the bus raises."""


class CallError(BusError):
    """A call had an outcome that is not an answer.

    `call_id` names the call: one that changes state may be repeated under the same id without being done twice.
    `maybe_done` is whether the recipient may have done it, or may still do it.
    """

    unknown_outcome: ClassVar[bool] = False

    def __init__(self, text: str, *, call_id: str = "", maybe_done: bool | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.call_id = call_id
        self.maybe_done = self.unknown_outcome if maybe_done is None else maybe_done


class Refused(CallError):
    """The recipient says no; a handler raises it to refuse."""

    def __init__(self, code: RefusalCode, text: str, *, call_id: str = "") -> None:
        if code not in REFUSAL_CODES:
            raise ValueError(f"no refusal code {code!r}")
        super().__init__(text, call_id=call_id)
        self.code = code

    def __repr__(self) -> str:
        return f"Refused({self.code!r}, {self.text!r})"


class NoRecipient(CallError):
    """Nobody of that name is on the bus."""


class RecipientDied(CallError):
    """The recipient ended with the call in hand."""

    unknown_outcome = True


class DeadlineExceeded(CallError):
    """Time ran out."""

    unknown_outcome = True


class BusLost(CallError):
    """The broker died with the call in flight, or the session is closed."""

    unknown_outcome = True


class ProtocolError(BusError):
    """Bytes, names or sizes that the envelope does not allow."""


class AddressError(BusError):
    """The broker's socket cannot be at this place."""
