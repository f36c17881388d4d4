"""Listening sockets on their way: from sockcreator into bob's keeping, from there to the processes that serve them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from bob.component import Instance
from bob.errors import CreatorGone, SocketError
from bob.listening import HandOver, Listening
from bob.sockets import CreatorClient, Made, acquire, place_text
from bob.states import State
from bob.systemd import ServiceManager, StoredDescriptor
from bob.tally import Tally
from daemonkit import control
from daemonkit.control import SocketPlace, close_all
from daemonkit.log import MessageLog

RETRY_INTERVAL = 1.0  # seconds before sockets are asked for again
ATTEMPTS = 3  # with a sockcreator that dies meanwhile
STORE_PREFIX = "listen-"

Send = Callable[[int, bytes, Sequence[int]], None]  # process id, packet, descriptors
Creator = Callable[[Sequence[str]], AbstractAsyncContextManager[CreatorClient]]


@dataclass(slots=True)
class Offer:
    """Sockets made for a configuration that is not committed yet."""

    places: tuple[SocketPlace, ...]
    made: Made = field(default_factory=dict)


class Equipment:
    """The sockets of the one component that has any."""

    def __init__(self, creator: Creator, send: Send, manager: ServiceManager, log: MessageLog, tally: Tally) -> None:
        """`creator(places)` is a sockcreator that may bind these places."""
        self.listening = Listening()
        self._creator = creator
        self._send = send
        self._manager = manager
        self._log = log
        self._tally = tally
        self._stored = list(manager.stored)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stand_in = 0  # the process that serves beside silent ones
        self._covered: list[str] = []  # their numbers

    # Configuration.

    async def prepare(self, places: tuple[SocketPlace, ...], numbers: Sequence[str]) -> Offer:
        """Make every socket that is missing for these places and instances; change nothing. Raises SocketError."""
        self._take_back(places, numbers)
        wanted = {number: self.listening.missing(number, places) for number in numbers}
        if not any(wanted.values()):
            return Offer(places)
        made = await self._make(places, wanted)
        without = {place for number, missing in wanted.items() for place in missing if place not in made[number]}
        for place in without:
            self._log.warning("BOB_NO_IPV6", address=place.address, port=place.port, protocol=place.protocol)
        if len(without) == len(places):
            raise SocketError("this machine has no IPv6, and no other address is listed")
        return Offer(tuple(place for place in places if place not in without), made)

    def commit(self, offer: Offer, running: Sequence[Instance]) -> None:
        """Listen on the offered places; the processes that run are given their new sets."""
        close_all(self.listening.settle(offer.places))
        for number, descriptors in offer.made.items():
            missing = self.listening.missing(number)  # some may have been made for its process meanwhile
            self.listening.add(number, {place: made for place, made in descriptors.items() if place in missing})
            close_all([made for place, made in descriptors.items() if place not in missing])
        for number in self.listening.numbers:
            self._store(number)
        for instance in running:
            self.serve(instance)

    def discard(self, offer: Offer) -> None:
        """The configuration does not come."""
        close_all([descriptor for made in offer.made.values() for descriptor in made.values()])

    # Processes.

    def serve(self, instance: Instance) -> None:
        """The instance has a process that is ready: hand its set over, once it is complete."""
        number = instance.number
        if number in self._tasks:
            return  # it gets its set when that is complete
        if self.listening.missing(number):
            task = self._complete(instance)
            self._tasks[number] = asyncio.get_running_loop().create_task(task, name=f"sockets {instance.name}")
        else:
            self._hand_over(instance)

    def taken(self, instance: Instance, generation: int) -> None:
        """A process says which generation it serves."""
        if instance.run is not None:
            self.listening.took(instance.number, instance.run.pid, generation)

    def cover(self, instance: Instance, spare: Instance) -> bool:
        """Let the spare serve the sockets of an instance beside it. False: it does, or there is none."""
        if spare.run is None:
            return False
        if self._stand_in != spare.run.pid:  # the one before took a place and serves that alone
            self._stand_in, self._covered = spare.run.pid, []
        if instance.number in self._covered:
            return False
        self._covered.append(instance.number)
        self._lend()
        return True

    def uncover(self, instance: Instance, spare: Instance) -> bool:
        """The instance serves again itself. False: nobody stood in for it."""
        if spare.run is None or self._stand_in != spare.run.pid or instance.number not in self._covered:
            return False
        self._covered.remove(instance.number)
        self._lend()
        return True

    def release(self, instance: Instance) -> None:
        """The instance is going to end for good: keep none of its sockets."""
        self._drop(instance.number)

    def left(self, instance: Instance) -> None:
        """The process of the instance is gone; its sockets wait for the next one."""
        self.listening.vacate(instance.number)

    def consider(self, instance: Instance, now: float) -> None:
        """The state of an instance changed: close sockets nobody will serve soon, so that others get the queries."""
        if instance.state in (State.STOPPED, State.GIVEN_UP):
            self._drop(instance.number)
        elif not instance.serves_soon(now):
            places = self.listening.places
            if places and all(self.listening.is_served(place, besides=instance.number) for place in places):
                self._drop(instance.number)

    def close(self) -> None:
        """The suite ends. What the service manager stores lives on there."""
        for task in self._tasks.values():
            task.cancel()
        for number in self.listening.numbers:
            close_all(self.listening.drop(number))
        close_all([stored.descriptor for stored in self._stored])

    # How it is done.

    def _hand_over(self, instance: Instance) -> None:
        if instance.run is None or instance.state is not State.RUNNING:
            return
        pid = instance.run.pid
        if pid == self._stand_in:  # it has a place of its own now
            self._stand_in, self._covered = 0, []
        for packet, descriptors in packets_of(self.listening.assign(instance.number, pid)):
            self._tally.add("sockets", len(descriptors))
            self._send(pid, packet, descriptors)

    def _lend(self) -> None:
        for packet, numbers in packets_of(self.listening.loan(control.SPARE, self._covered)):
            self._tally.add("sockets", len(numbers))
            self._send(self._stand_in, packet, numbers)

    async def _complete(self, instance: Instance) -> None:
        """Make what is missing, however often it takes, and hand the set over."""
        number = instance.number
        try:
            while instance.state is State.RUNNING and (missing := self.listening.missing(number)):
                try:
                    made = await self._make(self.listening.places, {number: missing})
                except SocketError as error:
                    self._log.error("BOB_NO_SOCKET", instance=instance.name, reason=error)
                    await asyncio.sleep(RETRY_INTERVAL)
                    continue
                if instance.state is not State.RUNNING or missing != self.listening.missing(number):
                    close_all(list(made[number].values()))  # overtaken by events
                    continue
                self.listening.add(number, made[number])
                if len(made[number]) < len(missing):
                    break  # IPv6 went away
        finally:
            if self._tasks.get(number) is asyncio.current_task():
                del self._tasks[number]
        self._store(number)
        self._hand_over(instance)

    async def _make(self, places: Sequence[SocketPlace], wanted: dict[str, tuple[SocketPlace, ...]]) -> Made:
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._creator([place_text(place) for place in places]) as client:
                    return await acquire(client, wanted, self.listening.held, self.listening.descriptors)
            except CreatorGone:
                if attempt == ATTEMPTS:
                    raise

    def _drop(self, number: str) -> None:
        if number in self._tasks:
            self._tasks.pop(number).cancel()
        descriptors = self.listening.drop(number)
        if number in self._covered:
            self._covered.remove(number)
            self._lend()
        close_all(descriptors)
        if descriptors:
            self._manager.forget(STORE_PREFIX + number)

    def _store(self, number: str) -> None:
        if self._manager.present:
            self._manager.forget(STORE_PREFIX + number)
            self._manager.store(STORE_PREFIX + number, list(self.listening.holding(number).descriptors.values()))

    def _take_back(self, places: Sequence[SocketPlace], numbers: Sequence[str]) -> None:
        """Descriptors a bob before us left with the service manager: keep those that fit, close the others."""
        stored, self._stored = self._stored, []
        for item in stored:
            number, place = item.name.removeprefix(STORE_PREFIX), place_of(item)
            if place in self.listening.missing(number, places) and number in numbers:
                self.listening.add(number, {place: item.descriptor})
            else:
                close_all([item.descriptor])
        for name in {item.name for item in stored if item.name.removeprefix(STORE_PREFIX) not in numbers}:
            self._manager.forget(name)


def packets_of(hand_over: HandOver) -> list[tuple[bytes, list[int]]]:
    """The packets that carry a set to a process, with the descriptors of each."""
    items = hand_over.sockets
    starts = range(0, max(len(items), 1), control.MAX_DESCRIPTORS)
    packets = []
    for start in starts:
        part = items[start : start + control.MAX_DESCRIPTORS]
        message = control.Sockets(
            generation=hand_over.generation,
            instance=hand_over.number,
            sockets=tuple(place for place, _ in part),
            more=start != starts[-1],
        )
        packets.append((control.encode(message), [descriptor for _, descriptor in part]))
    return packets


def place_of(stored: StoredDescriptor) -> SocketPlace | None:
    """Where a socket is bound, if it is one of the kinds we make."""
    try:
        made = socket.socket(fileno=stored.descriptor)
    except OSError:
        return None
    try:
        kind = {socket.SOCK_DGRAM: "udp", socket.SOCK_STREAM: "tcp"}.get(socket.SocketKind(made.type))
        if kind is None or made.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        name = made.getsockname()
        return SocketPlace(kind, name[0], name[1])
    finally:
        made.detach()
