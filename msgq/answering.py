"""Commands that come to a session: each is carried out by a task of its own and answered once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from msgq import envelope
from msgq.envelope import Answer, Delivery, Frames, Refusal
from msgq.errors import ProtocolError, Refused
from msgq.incoming import CommandHandler, IncomingCall
from msgq.remembered import Done, Remembered

MAX_RUNNING: Final = 256  # handlers at a time; as many commands as the broker queues

_logger = logging.getLogger("msgq.session")


@dataclass(slots=True, eq=False)
class _Running:
    """A command being carried out, and where its answer goes (nowhere, once the broker that asked is gone)."""

    delivery: Delivery | None
    task: asyncio.Task[None] | None = None


class Answering:
    """The recipient's side of calls."""

    def __init__(self, send: Callable[[Frames], Awaitable[bool]]) -> None:
        """`send` waits for room on the link."""
        self.handler: CommandHandler | None = None
        self.expired = 0
        self.late = 0
        self._send = send
        self._remembered = Remembered()
        self._running: dict[str, _Running] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def running(self) -> int:
        """How many handlers run."""
        return len(self._running)

    def deliver(self, delivery: Delivery, payload: bytes) -> None:
        """A command came."""
        if delivery.deadline <= _now():
            self.expired += 1
            return
        running = self._running.get(delivery.id)
        if running is not None:  # the caller asks again, through another broker or after its deadline
            running.delivery = delivery
            return
        done = self._known_outcome(delivery)
        if done is not None:
            self._spawn(self._answer(delivery, done))
            return
        running = _Running(delivery)
        self._running[delivery.id] = running
        running.task = self._spawn(self._carry_out(running, delivery, payload))

    def link_lost(self) -> None:
        """Nobody waits for the answers any more; what runs goes on, and is remembered."""
        for running in self._running.values():
            running.delivery = None

    async def close(self, grace: float) -> None:
        """Take no more commands; give those that run `grace` seconds, then cancel and refuse them, within as long."""
        self._closing = True
        tasks = self._answering - {asyncio.current_task()}  # a handler may close its own session
        for _ in range(2):  # the first cancelling ends handlers, the second the sending of what came of them
            if tasks:
                _, tasks = await asyncio.wait(tasks, timeout=grace)
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known_outcome(self, delivery: Delivery) -> Done | None:
        if delivery.changes and (done := self._remembered.find(delivery.id)) is not None:
            return done
        if self._closing or self.handler is None:
            return Done(code="unavailable", text="stopping" if self._closing else "not ready for commands yet")
        if len(self._running) >= MAX_RUNNING:
            return Done(code="unavailable", text=f"{MAX_RUNNING} commands are being carried out already")
        return None

    async def _carry_out(self, running: _Running, delivery: Delivery, payload: bytes) -> None:
        try:
            done = await self._outcome(delivery, payload)
        except asyncio.CancelledError:
            done = Done(code="unavailable", text="stopped before it was finished")
        finally:
            del self._running[delivery.id]
        if delivery.changes:
            self._remembered.keep(delivery.id, done)
        if running.delivery is not None:
            await self._answer(running.delivery, done)

    async def _outcome(self, delivery: Delivery, payload: bytes) -> Done:
        assert self.handler is not None
        try:
            arguments = envelope.decode_payload(payload)
            if not isinstance(arguments, dict):
                return Done(code="usage", text="arguments must be a JSON object")
        except ProtocolError as error:
            return Done(code="usage", text=str(error))
        call = IncomingCall(delivery.command, arguments, delivery.caller, delivery.deadline, delivery.id)
        try:
            return Done(envelope.encode_payload(await self.handler(call)))
        except Refused as refusal:
            return Done(code=refusal.code, text=refusal.text)
        except Exception as error:
            _logger.exception("command %s of %s failed", delivery.command, delivery.caller)
            return Done(code="failed", text=f"{delivery.command}: {error or type(error).__name__}")

    async def _answer(self, delivery: Delivery, done: Done) -> None:
        remaining = delivery.deadline - _now()
        if remaining <= 0:
            self.late += 1
            return
        header: Answer | Refusal = Answer(number=delivery.number)
        if done.code is not None:
            header = Refusal(number=delivery.number, code=done.code, text=envelope.shorten(done.text))
        try:
            async with asyncio.timeout(remaining):
                await self._send((envelope.encode_header(header), done.payload))
        except TimeoutError:
            self.late += 1

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return task


def _now() -> float:
    return asyncio.get_running_loop().time()
