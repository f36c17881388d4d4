"""A keeper of images over an SQLite database, without the daemon around it, and a reader as auth is one.

house.load(text, origin); house.settle(); house.answer(name, type) -> reply, or None where it is left to auth
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import dns.message
import dns.name
import dns.rdatatype

import datasrc
from daemonkit.counters import Counters
from daemonkit.log import MessageLog, own_log
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from datasrc.errors import DataSourceError
from datasrc.keys import name_key
from datasrc.sources import open_sources
from image import manifest
from image.arena import Arena
from image.collection import Collection
from image.responder import Responder
from memmgr import marks
from memmgr.building import build_here
from memmgr.keeper import Keeper
from memmgr.plan import Build
from memmgr.store import Store
from tests.datasrc.zonemaking import load
from tests.kit.bus import FakeBus

RUN = "1.2"
ARENA = 1 << 32
UDP_SIZE = 1232
DEADLINE = 60.0  # s, ten times what is expected and more


def soa(serial: int, *lines: str) -> str:
    return "\n".join([f"@ SOA ns hostmaster {serial} 3600 900 604800 300", "@ NS ns", "ns A 192.0.2.1", *lines])


class House:
    """One state directory. start() and stop() may be called again; at the end of a `with` all is closed."""

    def __init__(self, directory: Path, *, listed: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.url = f"sqlite:///{directory}/zones.sqlite"
        self.source = datasrc.open(self.url, create=True)
        self.place = directory / "images"
        self.announcement = directory / "images.json"
        self.listed = listed
        self.configured = {"main": {"type": "database", "url": self.url}}
        self.refused: list[tuple[str, str]] = []
        self.built: list[list[str]] = []  # origins of each image that was built since start()
        self.collection: Collection | None = None
        self.responder: Responder | None = None
        self.keeper: Keeper | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the keeper, if one runs, and close the database."""
        if self.keeper is not None:
            self.stop()
        self.source.close()

    def load(self, text: str, origin: str = "example.") -> None:
        load(self.source, text, origin)

    def start(self) -> House:
        self.begin()
        return self.settle()

    def begin(self) -> Keeper:
        """Only that: nothing is built yet."""
        self.built.clear()
        store = Store(self.place, self.announcement, RUN, lambda path, reason: self.refused.append((path.name, reason)))
        self.keeper = Keeper(store, MessageLog("memmgr", Spec.load("memmgr").messages))
        self.sources = open_sources(self.configured)
        self.keeper.configure(self.sources, [name_key(dns.name.from_text(text)) for text in self.listed])
        return self.keeper

    def settle(self, *, compacting: bool = True) -> House:
        """As the daemon does it: follow, and build what waits; then what nobody waits for."""
        assert self.keeper is not None
        self.keeper.follow()
        while (task := self.keeper.take()) is not None or self.keeper.unfinished:
            if task is None:
                continue
            try:
                self.build(task)
            except DataSourceError as error:
                self.keeper.failed(task, str(error))
                continue
            self.keeper.built(task)
        while compacting and (task := self.keeper.take_worn()) is not None:
            self.compact(task)
        return self

    def build(self, task: Build) -> None:
        """Build an image; nobody is told. Raises StorageError."""
        assert self.keeper is not None
        batch = task.batch
        source = self.keeper.following.source(batch.source)
        self.built.append(sorted(origin.to_text() for origin in batch.origins))
        seed = self.keeper.store.manifest.seed
        build_here(source, self.keeper.following.number_of(batch.source), batch.origins, task.path, seed)

    def compact(self, task: Build) -> None:
        """Build what nobody waits for, and have it answered."""
        assert self.keeper is not None
        try:
            self.build(task)
        except DataSourceError:
            self.keeper.not_compacted(task)
        else:
            self.keeper.compacted(task)

    def stop(self) -> None:
        assert self.keeper is not None
        self.keeper.close()
        self.keeper.store.close()
        self.sources.close()
        self.keeper = None

    def kill(self) -> None:
        """End as a process that notes nothing for the next one, and brings nothing to an end."""
        assert self.keeper is not None
        os.close(self.keeper.store._kept._lock)
        self.sources.close()
        self.keeper = None

    def look(self) -> None:
        """What auth does each turn."""
        if self.collection is None:
            self.collection = Collection(self.announcement, RUN, arena=Arena(ARENA))
        prepared = self.collection.prepare()
        if prepared is None:
            return
        if self.responder is None or self.responder.seed != prepared.seed:
            self.responder = Responder(prepared.seed, UDP_SIZE)
            self.collection.install(prepared)
            self.collection.attach(self.responder)
        else:
            self.collection.install(prepared, self.responder)

    def answer(self, name: str, rdtype: str = "A", *, dnssec: bool = False) -> dns.message.Message | None:
        """From the images; None: left to auth."""
        self.look()
        return self.ask(name, rdtype, dnssec=dnssec)

    def ask(self, name: str, rdtype: str = "A", *, dnssec: bool = False) -> dns.message.Message | None:
        """From what is mapped."""
        if self.collection is None or self.collection.installed.directory is None:
            return None
        assert self.responder is not None
        query = dns.message.make_query(name, rdtype, use_edns=0, want_dnssec=dnssec).to_wire()
        queries, replies = memoryview(bytearray(1024)), memoryview(bytearray(70000))
        queries[: len(query)] = query
        self.responder.serve(queries, replies)
        octets = self.responder.answer(0, len(query), 0)
        return dns.message.from_wire(bytes(replies[:octets])) if octets else None

    def text(self, name: str, rdtype: str = "A") -> str:
        """The answer section, or the rcode where there is none, or `left`."""
        reply = self.answer(name, rdtype)
        if reply is None:
            return "left"
        return " ".join(str(rdata) for rrset in reply.answer for rdata in rrset) or dns.rcode.to_text(reply.rcode())


def listed_files(store: Store) -> set[str]:
    """All that is in a directory of images, but for what is known of zone files."""
    named = {manifest.NAME, manifest.LOCK, store.manifest.directory, *marks_files(store.place)}
    return named.union(*((slot.image, slot.delta) for slot in store.manifest.slots))


def marks_files(place: Path) -> list[str]:
    """The note of how far data sources were followed, of which there is one at most."""
    found = [path.name for path in place.glob(marks.FILES)]
    assert len(found) < 2
    return found


@asynccontextmanager
async def process(directory: Path) -> AsyncIterator[Context]:
    """What the tasks of a daemon have of it; they end with the block."""
    bus, spec = FakeBus(), Spec.load("memmgr")
    log, counters, session = own_log("memmgr", spec.messages), Counters(spec.statistics), bus.session("memmgr/0")
    context = Context("memmgr", "0", Directories(directory, directory), (), spec, log, counters, session)
    try:
        yield context
    finally:
        await context.close()
        await bus.close()


async def until(condition: Callable[[], object]) -> None:
    """Let the others go on until that is so."""
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.01)
