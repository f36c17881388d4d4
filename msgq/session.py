"""A process's session on the bus: calls and their outcomes, commands to carry out, events, membership."""

from __future__ import annotations

from typing import Any, TypeVar

from msgq.envelope import MemberEntry
from msgq.incoming import CommandHandler, EpochHandler, Event, EventHandler, Gap, GapHandler, IncomingCall, Request

__all__ = ["Event", "Gap", "IncomingCall", "Request", "Session"]

START_TIMEOUT = 10.0  # seconds to be registered; bob starts the broker before its clients
CALL_TIMEOUT = 5.0  # seconds

R = TypeVar("R")


class Session:
    """One member on the bus, on the running asyncio loop.

    It lives through the death of the broker: each time it comes back the session connects afresh, registers and
    subscribes again, and calls the `on_epoch` handlers. Nothing here may be used from another thread.
    """

    def __init__(self, address: str, member: str, *, pid: int | None = None) -> None:
        """`member` is `module/instance`; raises ProtocolError, and AddressError for an address that cannot work."""

    async def start(self, timeout: float = START_TIMEOUT) -> None:
        """Connect and register. Raises Refused when the name is taken by a live process, DeadlineExceeded."""
        raise NotImplementedError

    async def close(self) -> None:
        """Leave the bus: running handlers get a moment to answer, waiting calls fail with BusLost. Repeatable."""
        raise NotImplementedError

    @property
    def member(self) -> str:
        """The name this session has on the bus."""
        raise NotImplementedError

    async def call(
        self, request: Request[R], to: str | None = None, *, timeout: float = CALL_TIMEOUT, call_id: str | None = None
    ) -> R:
        """Send a command and wait for its one outcome.

        `to` is a module or a member and defaults to the request's module. `timeout` in seconds covers everything, also
        waiting for a broker that is being restarted. `call_id` repeats an earlier call (`CallError.call_id`): if the
        recipient has done it, it gives the same outcome again. Raises CallError in its kinds, and ProtocolError for
        arguments over the limits or an answer that is not of the reply type.
        """
        raise NotImplementedError

    async def call_raw(
        self,
        module: str,
        command: str,
        arguments: dict[str, Any],
        *,
        timeout: float = CALL_TIMEOUT,
        call_id: str | None = None,
        changes: bool = True,
    ) -> Any:
        """The same for a command that is known by name only; `module` may name a member. Gives decoded JSON."""
        raise NotImplementedError

    async def publish(self, topic: str, content: Any) -> None:
        """Tell the subscribers of a topic. Never fails for the state of the bus: what is lost shows as a gap there.

        Raises ProtocolError for content over the limits.
        """
        raise NotImplementedError

    def subscribe(self, topic: str, handler: EventHandler, *, on_gap: GapHandler | None = None) -> None:
        """Hear a topic from now on; events of one session are handled one after the other, in order.

        Calls this session makes afterwards reach the broker after the subscription. `on_gap` is told when events
        were lost, anywhere on their way. Several handlers may hear one topic.
        """
        raise NotImplementedError

    def set_command_handler(self, handler: CommandHandler) -> None:
        """Answer commands with this: it gives what encode_payload takes, or raises Refused."""
        raise NotImplementedError

    def on_epoch(self, callback: EpochHandler) -> None:
        """Call this after each re-registration: events may have been missed, state is to be re-read."""
        raise NotImplementedError

    def members(self, module: str | None = None) -> list[MemberEntry]:
        """Who is on the bus (of one module), lowest instance number first; the view of the broker, a moment old."""
        raise NotImplementedError

    async def rename(self, member: str, timeout: float = CALL_TIMEOUT) -> None:
        """Take another name: a spare becomes `auth/1`. Raises Refused, DeadlineExceeded. The same name: no-op."""
        raise NotImplementedError
