"""A supervisor on the running loop with real processes: sockcreator, and children written for the tests."""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from bob.component import Instance
from bob.definition import BUILTIN, SOCKCREATOR, Definition
from bob.directories import clear_run_directory
from bob.equipment import Offer
from bob.listening import places_of
from bob.processes import Spawner
from bob.sockets import place_text
from bob.states import State
from bob.supervisor import Supervisor
from bob.systemd import ServiceManager
from bob.tally import COUNTED
from daemonkit.log import MessageLog
from daemonkit.paths import Directories
from daemonkit.spec import Spec

DEADLINE = 60.0
CHILD = Path(__file__).with_name("child.py")


class World:
    """Use as an async context manager."""

    def __init__(self, directory: Path, environment: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.directories = Directories(directory / "state", directory / "run")
        self.directories.state.mkdir()
        self.directories.run.mkdir()
        clear_run_directory(self.directories)
        self.program = directory / "child"
        self.program.write_text(f"#!{sys.executable} -IS\n{CHILD.read_text()}")
        self.program.chmod(0o755)
        self.manager = ServiceManager({} if environment is None else environment)
        spawner = Spawner(self.directories, os.environ, "debug")
        self.supervisor = Supervisor(spawner, self.manager, MessageLog("bob", Spec.load("bob").messages))
        self.definitions: dict[str, Definition] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with asyncio.timeout(DEADLINE):
            await self.supervisor.shut_down()
        self.manager.close()

    def counted(self) -> dict[str, int]:
        """What bob counted, without what it did not."""
        return {name: count for name, count in zip(COUNTED, self.supervisor.tally.slots, strict=True) if count}

    def define(self, name: str, *ways: str, **how: Any) -> Definition:
        """A component of the test's child."""
        return Definition(name=name, program=str(self.program), foreign=True, arguments=ways, **how)

    async def run(self, *definitions: Definition, listen: Sequence[tuple[str, int]] | None = None) -> None:
        """Run these components, listening there."""
        offer = None
        if listen is not None:
            offer = await self.prepare(*definitions, listen=listen)
        self.commit(*definitions, offer=offer)

    async def prepare(self, *definitions: Definition, listen: Sequence[tuple[str, int]]) -> Offer:
        """The sockets for a configuration; waits for a sockcreator."""
        if SOCKCREATOR not in self.definitions:
            self.definitions[SOCKCREATOR] = BUILTIN[0]
            self.supervisor.change(self.definitions)
        return await self.supervisor.prepare(places_of(listen), {one.name: one for one in definitions})

    def commit(self, *definitions: Definition, offer: Offer | None = None) -> None:
        """Make these the components."""
        places = self.supervisor.equipment.listening.places if offer is None else offer.places
        creator = replace(BUILTIN[0], arguments=tuple(place_text(place) for place in places))
        self.definitions = {SOCKCREATOR: creator} | {one.name: one for one in definitions}
        self.supervisor.change(self.definitions, offer)

    def get(self, name: str) -> Instance:
        """An instance by its name."""
        component, number = name.split("/")
        return self.supervisor.roster.components[component].instances[number]

    def pid(self, name: str) -> int:
        """The process of an instance."""
        run = self.get(name).run
        assert run is not None
        return run.pid

    async def until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Wait for something the supervisor does."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self.supervisor.until(lambda: bool(condition()))
        except TimeoutError:
            states = {one.name: (one.state.value, one.last_exit) for one in self.supervisor.roster}
            raise AssertionError(f"not within {DEADLINE} s: {what}; {states}") from None

    async def until_running(self, *names: str) -> None:
        """Wait until these run."""
        await self.until(lambda: all(self.get(name).state is State.RUNNING for name in names), f"{names} run")

    async def until_served(self, *numbers: str) -> None:
        """Wait until the processes of these numbers say they serve their last hand-over."""
        listening = self.supervisor.equipment.listening

        def served() -> bool:
            holdings = [listening.holding(number) for number in numbers]
            return all(one.holder is not None and one.taken == one.sent for one in holdings)

        await poll(served, f"{numbers} are served")


async def poll(condition: Callable[[], Any], what: str = "") -> Any:
    """Wait for something nobody tells us of."""
    async with asyncio.timeout(DEADLINE):
        while not (value := condition()):
            await asyncio.sleep(0.01)
    return value


class Client:
    """Asks children who they are, over UDP, each time from a socket of its own."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.place = (address, port)
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def send(self) -> socket.socket:
        """One question on its way."""
        sock = socket.socket(self.family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.sendto(b"who", self.place)
        return sock

    async def answer(self, sock: socket.socket) -> dict[str, Any]:
        """Its answer."""
        with sock:
            await poll(lambda: select.select([sock], [], [], 0)[0], "an answer")
            return json.loads(sock.recv(65536))  # type: ignore[no-any-return]

    async def ask(self) -> dict[str, Any]:
        """Ask and wait."""
        return await self.answer(self.send())

    def connect(self) -> dict[str, Any]:
        """Ask over TCP."""
        with socket.create_connection(self.place, timeout=DEADLINE) as sock:
            data = b""
            while piece := sock.recv(65536):
                data += piece
        return json.loads(data)  # type: ignore[no-any-return]


def open_descriptors() -> int:
    """How many this process has."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
