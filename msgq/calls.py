"""The calls a session has made and waits for."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

from msgq import envelope
from msgq.errors import BusLost, CallError, DeadlineExceeded, NoRecipient, RecipientDied, Refused


@dataclass(slots=True, eq=False)
class PendingCall:
    """A call without an outcome; `sent` is whether the broker may have it."""

    serial: int
    id: str
    outcome: asyncio.Future[bytes]
    sent: bool = False

    def mark_sent(self) -> None:
        """It is on its way."""
        self.sent = True

    def fail(self, error: CallError) -> None:
        """It has an outcome that is not an answer."""
        if not self.outcome.done():
            self.outcome.set_exception(error)


class PendingCalls:
    """All of them by serial. Whatever comes for a call that is not here any more is late and ignored."""

    def __init__(self, token: str) -> None:
        """`token` makes the ids of one session differ from those of others."""
        self.late = 0
        self._token = token
        self._serials = itertools.count(1)
        self._pending: dict[int, PendingCall] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def start(self, call_id: str | None) -> PendingCall:
        """Begin to wait, under a new id or, for a repeat, a given one; raises ProtocolError."""
        serial = next(self._serials)
        call_id = f"{self._token}-{serial}" if call_id is None else envelope.check_name("call id", call_id)
        call = PendingCall(serial, call_id, asyncio.get_running_loop().create_future())
        self._pending[serial] = call
        return call

    def end(self, call: PendingCall) -> None:
        """Nobody waits for it any more."""
        del self._pending[call.serial]
        if call.outcome.done() and not call.outcome.cancelled():
            call.outcome.exception()  # seen, even where the caller left first
        else:
            call.outcome.cancel()

    def answered(self, header: envelope.Result, payload: bytes) -> None:
        """A result came."""
        call = self._pending.get(header.serial)
        if call is None or call.outcome.done():
            self.late += 1
        else:
            call.outcome.set_result(payload)

    def failed(self, header: envelope.Outcome) -> None:
        """Another outcome came."""
        call = self._pending.get(header.serial)
        if call is None or call.outcome.done():
            self.late += 1
        else:
            call.fail(_error_of(header, call.id))

    def lose(self, text: str, *, unsent_too: bool = False) -> None:
        """The broker is gone: what it had has no outcome any more; what it had not may still be sent to the next."""
        for call in self._pending.values():
            if call.sent or unsent_too:
                call.fail(BusLost(text, call_id=call.id, maybe_done=call.sent))


def _error_of(header: envelope.Outcome, call_id: str) -> CallError:
    if header.kind == "refused":
        return Refused(header.code, header.text, call_id=call_id)
    kinds: dict[str, type[NoRecipient | RecipientDied | DeadlineExceeded]] = {
        "no-recipient": NoRecipient,
        "recipient-died": RecipientDied,
        "deadline": DeadlineExceeded,
    }
    return kinds[header.kind](header.text, call_id=call_id)
