"""What a daemon is made of: one class with handlers for configuration, commands, events and sockets.

A subclass supplies `name` and what it needs of the methods below; `daemonkit.main` calls them, in this order:
prepare (the first configuration), on_start, READY to bob, then prepare / commands / events / on_sockets as they come,
on_stop at the end.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar, ParamSpec, TypeVar

from daemonkit.configuration import Config, Prepared
from daemonkit.control import Died, SocketPlace
from daemonkit.counters import Counters
from daemonkit.durations import Durations
from daemonkit.log import MessageLog
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq.errors import Refused
from msgq.session import Event, IncomingCall, Request, Session

P = ParamSpec("P")
R = TypeVar("R")
CommandHandler = Callable[[Any, IncomingCall, Any], Awaitable[Any]]
EventHandler = Callable[[Any, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    """A socket handed over by bob."""

    place: SocketPlace
    socket: socket.socket


@dataclass(slots=True)
class Context:
    """What a module is given: its name and place, and the means to work."""

    component: str
    instance: str
    directories: Directories
    arguments: tuple[str, ...]
    spec: Spec
    log: MessageLog
    counters: Counters
    session: Session
    progress: str = "starting"  # told to bob with every heart-beat
    stop: asyncio.Event = field(default_factory=asyncio.Event)  # set: the process ends
    failure: BaseException | None = None  # why it ends, if not because bob said so
    durations: Durations = field(init=False)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _closed: bool = False
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "work"))
    _lanes: dict[str, ThreadPoolExecutor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.durations = Durations(self.counters)

    @property
    def member(self) -> str:
        """This process's name on the bus."""
        return f"{self.component}/{self.instance}"

    async def work(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking work in the one worker thread, so that the loop keeps turning; Refused by one that stops."""
        self._require_open()
        return await asyncio.get_running_loop().run_in_executor(self._worker, lambda: fn(*args, **kwargs))

    async def work_apart(self, lane: str, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run work that may take long in the thread of this lane: the worker thread goes on with everything else."""
        self._require_open()
        thread = self._lanes.setdefault(lane, ThreadPoolExecutor(1, lane))  # starts no thread before it has work
        return await asyncio.get_running_loop().run_in_executor(thread, lambda: fn(*args, **kwargs))

    def spawn(self, task: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a task beside the others. An exception in it ends the process: bob starts it afresh."""
        created = asyncio.get_running_loop().create_task(task, name=name)
        self._tasks.add(created)
        created.add_done_callback(self._task_done)
        return created

    async def close(self) -> None:
        """Cancel the spawned tasks and end the threads."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._closed = True
        for threads in (self._worker, *self._lanes.values()):
            threads.shutdown(wait=False, cancel_futures=True)

    def _require_open(self) -> None:
        if self._closed:
            raise Refused("unavailable", "stopped before it was begun")

    def fail(self, error: BaseException) -> None:
        """End the process: something happened after which it must not go on."""
        self.failure = self.failure or error
        self.stop.set()

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)


class Module:
    """A daemon. Handlers are found by their decorators; they run on the event loop and must not block it."""

    name: ClassVar[str]
    uses_bus: ClassVar[bool] = True
    uses_configuration: ClassVar[bool] = True  # False: it brings its own (cfgmgr) or needs none (msgq)

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def own_revision(self) -> int | None:
        """The configuration revision it is on, where it brings its own configuration."""
        return None

    async def prepare(self, config: Config) -> Prepared:  # noqa: ARG002 - for subclasses
        """Do everything that can fail for this configuration, and change nothing visible; raise Rejected to refuse."""
        return Prepared()

    async def on_start(self) -> None:
        """The first configuration is applied: begin. bob is told READY when this returns."""

    async def on_sockets(self, sockets: list[ListeningSocket]) -> None:
        """Serve exactly these sockets from now on; the module owns them."""

    async def on_died(self, notice: Died) -> None:
        """A process of the suite ended (told to msgq only)."""

    async def on_stop(self) -> None:
        """Finish what is in hand and release everything, in reverse order."""


def command(request: type[Request[Any]]) -> Callable[[CommandHandler], CommandHandler]:
    """Mark the method that answers a command: `async def f(self, call, request) -> reply`."""

    def mark(method: CommandHandler) -> CommandHandler:
        method.__command__ = request  # type: ignore[attr-defined]
        return method

    return mark


def subscribe(topic: str) -> Callable[[EventHandler], EventHandler]:
    """Mark the method that hears a topic: `async def f(self, event) -> None`."""

    def mark(method: EventHandler) -> EventHandler:
        method.__topic__ = topic  # type: ignore[attr-defined]
        return method

    return mark


def commands_of(module: type[Module]) -> dict[str, tuple[type[Request[Any]], str]]:
    """Every command a module answers: its name, the request struct, the method's name."""
    found = {}
    for name in dir(module):
        request = getattr(getattr(module, name), "__command__", None)
        if request is not None:
            found[request.command] = (request, name)
    return found


def topics_of(module: type[Module]) -> dict[str, str]:
    """Every topic a module hears, and the method's name."""
    marked = ((getattr(getattr(module, name), "__topic__", None), name) for name in dir(module))
    return {topic: name for topic, name in marked if topic is not None}
