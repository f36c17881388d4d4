"""Images as auth has them, of zones that have it all, with deltas: built by memmgr's own code."""

from __future__ import annotations

import itertools
import mmap
import time
from collections.abc import Iterator
from pathlib import Path

import dns.name
import dns.rdatatype
import pytest

from image import layout
from image.delta import USED_PLACE
from image.responder import Responder
from image.zonerecord import origin_wire
from memmgr import imagelist, slots
from tests.datasrc.zonemaking import change
from tests.fuzz import zones
from tests.kit import dnspacket as packet
from tests.memmgr.house import UDP_SIZE, House

NAMES = ("www", "nowhere", "far.from.here", "ent", "a.b.wild", "x.a.*.wild", "sub", "x.own", "secure", "alias2",
         "alias3", "into", "gone", "away", "round", "y.alias", "x.tree", "tree", "big", "many", "new.deep", "sub2",
         "alias4", "", "_sip._tcp", "own", "WWW", "up", "b", "www.b", "service", "web", "mail")  # fmt: skip
TYPES = ("A", "TXT", "DS", "MX", "NS", "SOA", "SRV", "CNAME", "NSEC", "DNSKEY", "AAAA", "RRSIG", "ANY", "SVCB", "HTTPS")
OURS, OTHERS = 1, 2  # fingerprints of data sources


class Images:
    """Zones and their images in a directory; the same each time."""

    def __init__(self, directory: Path) -> None:
        numbers = itertools.count(1)
        with pytest.MonkeyPatch.context() as patch:
            for module in (slots, imagelist):  # the seed of hashes, too
                patch.setattr(module, "stamp", lambda: next(numbers))
            self.house = House(directory)
            for origin, text in zones.zones().items():
                self.house.load(text, origin)
            self.house.start()
            self.house.look()
            change(self.house.source, 2, add=zones.CHANGED, delete=zones.GONE)
            self.house.settle()
            self.house.look()
            self.moved = self._move(dns.name.from_text(zones.BELOW))
        assert self.house.responder is not None
        self.responder = self.house.responder

    def _move(self, origin: dns.name.Name) -> int:
        """Have a zone in an image that nobody has mapped, so that it is answered as it was; the number of its entry."""
        assert self.house.keeper is not None
        assert self.house.keeper.rebuild(origin)
        self.house.settle(compacting=False)
        store = self.house.keeper.store
        return store.directory.find(origin_wire(origin), store.heaps)

    def close(self) -> None:
        """Unmap everything; the responders must not be asked any more."""
        assert self.house.collection is not None
        self.house.close()
        self.house.collection.arena.close()

    def editable(self) -> Iterator[tuple[mmap.mmap, int, int]]:
        """The files that are mapped, to be written to: for each section the file, where it begins, and its octets."""
        assert self.house.collection is not None
        installed = self.house.collection.installed
        assert installed.directory is not None
        deltas = []
        for mapped in installed.slots.values():
            file = _writable(mapped.image.path)
            for start, size in mapped.image.sections:
                if size:  # the margin has no zones
                    yield file, start, size
            file = _writable(mapped.delta.path)
            deltas.append(file)
            table = layout.HEADER_OCTETS
            heap = mapped.delta.heap - mapped.delta.place
            yield file, table, heap - table
            yield file, heap, int.from_bytes(file[USED_PLACE : USED_PLACE + 8], "little")
        file = _writable(installed.directory.path)
        entries, octets = layout.HEADER_OCTETS, installed.directory.capacity * 8
        yield file, entries, octets
        # Of the zone that moved the entry, and what that was before; how large the table of a delta is.
        before = len(file) - octets
        for start in (entries, before):
            yield file, start + 8 * self.moved, 8
        yield deltas[0], 8 * layout.CAPACITY_WORD, 8

    def vouch(self, *, is_believed: bool) -> None:
        """Say that no other zones are there."""
        assert self.house.keeper is not None
        self.house.keeper.store.directory.vouch(time.monotonic(), OURS)
        self.responder.trust(OURS if is_believed else OTHERS, 0)

    def another(self) -> Responder:
        """Another responder over the same images."""
        assert self.house.collection is not None
        responder = Responder(self.responder.seed, UDP_SIZE)
        self.house.collection.attach(responder)
        return responder


def _writable(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def questions() -> Iterator[bytes]:
    """Queries that reach all there is to reach, or so."""
    ident = itertools.count(1)
    options: tuple[list[bytes], ...] = ([], [packet.opt()])
    options += ([packet.opt(flags=packet.DO, size=512)], [packet.opt(flags=packet.DO)])
    for origin in zones.zones():
        for number, name in enumerate(NAMES):
            for kind in TYPES[:1] if number % 3 else TYPES:
                owner = f"{name}.{origin}" if name else origin
                rdtype = int(dns.rdatatype.from_text(kind))
                for additional in options:
                    yield packet.query(owner, rdtype, additional=additional, ident=next(ident))
