"""The processes there are, each with our end of its channel."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from signal import Signals

from bob.definition import SOCKCREATOR, Definition
from bob.errors import CreatorGone, SpawnError
from bob.processes import Process, Spawner, watch
from bob.sockets import CreatorClient
from daemonkit import control
from daemonkit.control import ControlChannel, control_pair

BEAT_INTERVAL = 1.0  # seconds between the questions whether a sockcreator lives
# A process that closed its channel is ending, or out of control.
CHANNEL_GRACE = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Events:
    """What a process makes happen; each is told with the process id."""

    packet: Callable[[int, bytes], None]  # it said something
    beat: Callable[[int], None]  # a sockcreator lives
    silent: Callable[[int], None]  # it closed its channel a while ago and lives on
    ended: Callable[[int, str], None]  # it is gone, with the words how


@dataclass(slots=True)
class Child:
    """A process and its channel: a control channel, or that of a sockcreator."""

    process: Process
    channel: ControlChannel | CreatorClient
    beating: asyncio.Task[None] | None = None


class Children:
    """All our processes, by id, on the running loop."""

    def __init__(self, spawner: Spawner, events: Events) -> None:
        self._loop = asyncio.get_running_loop()
        self._spawner = spawner
        self._events = events
        self._children: dict[int, Child] = {}
        self._helpers: set[int] = set()  # sockcreators for one occasion

    def __len__(self) -> int:
        return len(self._children)

    @property
    def pids(self) -> frozenset[int]:
        """Every process id."""
        return frozenset(self._children) | self._helpers

    def start(self, definition: Definition, number: str) -> int:
        """Start a process; its id. Raises SpawnError."""
        process, end = self._spawn(definition, number)
        connect = self._connect_creator if definition.name == SOCKCREATOR else self._connect
        self._children[process.pid] = connect(process, end)
        watch(process, self._ended)
        return process.pid

    def send(self, pid: int, packet: bytes, descriptors: Sequence[int] = ()) -> None:
        """Say something to a process; one that is gone hears nothing."""
        child = self._children.get(pid)
        if child is not None and isinstance(child.channel, ControlChannel):
            child.channel.send(packet, descriptors)

    def ask_to_stop(self, pid: int) -> None:
        """Tell a process to finish and exit."""
        child = self._children.get(pid)
        if child is not None and isinstance(child.channel, CreatorClient):
            child.channel.close()  # end-of-file ends it
        else:
            self.send(pid, control.encode(control.Stop()))

    def signal(self, pid: int, number: Signals) -> None:
        """Send a signal to a process and its group."""
        if pid in self._children:
            self._children[pid].process.signal(number)

    def signal_all(self, number: Signals) -> None:
        """Send a signal to every process."""
        for child in self._children.values():
            child.process.signal(number)

    def creator(self, pid: int) -> CreatorClient | None:
        """The channel of a sockcreator."""
        child = self._children.get(pid)
        return child.channel if child is not None and isinstance(child.channel, CreatorClient) else None

    @contextlib.asynccontextmanager
    async def helper(self, definition: Definition) -> AsyncIterator[CreatorClient]:
        """A sockcreator for one occasion. Raises CreatorGone."""
        try:
            process, end = self._spawn(definition, "helper")
        except SpawnError as error:
            raise CreatorGone(str(error)) from error
        self._helpers.add(process.pid)
        watch(process, lambda ended, _how: self._helpers.discard(ended.pid))
        client = CreatorClient(end, on_beat=lambda: None, on_end=lambda: None)
        try:
            yield client
        finally:
            client.close()

    def _spawn(self, definition: Definition, number: str) -> tuple[Process, socket.socket]:
        ours, theirs = control_pair()
        with theirs:
            try:
                return self._spawner.spawn(definition, number, theirs), ours
            except SpawnError:
                ours.close()
                raise

    def _connect(self, process: Process, end: socket.socket) -> Child:
        def heard(packet: bytes, descriptors: list[int]) -> None:
            control.close_all(descriptors)  # no message of a child carries any
            self._events.packet(process.pid, packet)

        return Child(process, ControlChannel(end, on_packet=heard, on_end=lambda: self._silent(process.pid)))

    def _connect_creator(self, process: Process, end: socket.socket) -> Child:
        pid = process.pid
        client = CreatorClient(end, on_beat=lambda: self._events.beat(pid), on_end=lambda: self._silent(pid))
        return Child(process, client, self._loop.create_task(_keep_asking(client)))

    def _silent(self, pid: int) -> None:
        self._loop.call_later(CHANNEL_GRACE, self._still_there, pid)

    def _still_there(self, pid: int) -> None:
        if pid in self._children:
            self._events.silent(pid)

    def _ended(self, process: Process, how: str) -> None:
        child = self._children[process.pid]
        if isinstance(child.channel, ControlChannel):
            child.channel.drain()  # its last words
        child.channel.close()
        if child.beating is not None:
            child.beating.cancel()
        del self._children[process.pid]
        self._events.ended(process.pid, how)


async def _keep_asking(client: CreatorClient) -> None:
    """The heart-beats of a sockcreator."""
    with contextlib.suppress(CreatorGone):
        while True:
            await client.live()
            await asyncio.sleep(BEAT_INTERVAL)
