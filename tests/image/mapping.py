"""Images in an arena with a directory, and a responder over them; compared with the plain implementation.

both = Both(folder); both.put(origin, sets); both.build(); both.compare(query)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dns.message
import dns.name
from dns.name import Name
from dns.rdata import Rdata

from auth.access_lists import AccessLists
from auth.acl import ACCEPT_ALL, compile_acl
from auth.client import Client, Transport
from auth.settings import Settings
from auth.wire import wire_of
from auth.zones import ZonePolicy
from datasrc.records import RRset
from datasrc.source import DataSource, Finder
from image import directory, layout
from image.arena import Arena
from image.builder import build
from image.directory import Directory
from image.file import ImageFile
from image.listing import Listing, OriginReader
from image.responder import Responder
from tests.auth.world import TCP, UDP, World
from tests.datasrc.zonemaking import TESTER
from tests.image.leaving import SLACK, Asked, reason_to_leave
from tests.kit.vouching import is_vouched

UDP_SIZE = 1232
SEED = 0x1234567890ABCDEF
SLOT = 3
TC = 0x02
ARENA = 1 << 30

Build = Callable[[list[Finder], Path, int], None]
Rules = Sequence[Mapping[str, Any]]  # of an access control list
OPEN: Rules = ACCEPT_ALL.source


class Both:
    """The same zones, plain and as an image."""

    def __init__(self, folder: Path, settings: Settings | None = None, *, build: Build = build) -> None:
        self.make = build
        self.world = World({}, settings)
        self.folder = folder
        self.arena = Arena(ARENA)
        self.responder = Responder(SEED, UDP_SIZE)
        self.queries = memoryview(bytearray(1024))
        self.replies = memoryview(bytearray(40000))
        self.responder.serve(self.queries, self.replies)
        self.responder.courteous = settings is not None and not settings.minimal_responses
        self.trusted: int | None = None  # the data sources that are to be vouched for

    @property
    def source(self) -> DataSource:
        return self.world.source

    def put(self, origin: Name, sets: list[RRset]) -> None:
        with self.source.updater(origin, create=True, replace=True) as updater:
            for each in sets:
                updater.add(each)
            updater.commit(TESTER)

    def build(self, name: str = "zones.image") -> None:
        path = self.folder / name
        with self.source.snapshot() as snapshot:
            finders = [snapshot.zone(info.origin) for info in self.source.zones()]
            self.make([finder for finder in finders if finder is not None], path, SEED)
        self.map(path)

    def map(self, path: Path) -> None:
        self.image = ImageFile(self.arena, path, SEED)
        directory.create(self.folder / "directory", SEED, sum(1 for _ in self.image.zones()))
        table = Directory(self.arena, self.folder / "directory", writable=True)
        row = self.image.row()
        for number, value in enumerate(row):
            self.responder.rows[SLOT * layout.ROW + number] = value
        for offset, place in self.image.zones():
            start = place + layout.ZONE_FIXED
            size = self.arena.view[place + layout.ZONE_ORIGIN_OCTETS]
            origin = bytes(self.arena.view[start : start + size])
            table.put(table.find(origin, {SLOT: (row[0], 0)}), origin, SLOT, offset)
        self.responder.map(self.arena.view, self.arena.address, table.place)
        self.directory = table

    def vouch(self, sources: int = 1) -> None:
        """No other zones are there: names of none of them are refused."""
        self.trusted = sources
        self.responder.trust(sources, 0)
        self.directory.vouch(time.monotonic(), sources)

    def image_reply(self, message: bytes, *, stream: bool = False) -> bytes | None:
        """None: left to the plain implementation."""
        self.queries[2 : 2 + len(message)] = message
        self.queries[2 + len(message)] = 0x79
        self.responder.stream = stream
        size = self.responder.answer(2, len(message), 3)
        return bytes(self.replies[3 : 3 + size]) if size else None

    def compare(self, message: bytes, *, stream: bool = False) -> bool:
        """Whether the image answered, which it must but for what leaving.py has: as the plain implementation does."""
        octets = self.image_reply(message, stream=stream)
        client = Client("192.0.2.200", 5353, Transport.TCP, idle_timeout=10.0) if stream else UDP
        plain = self.world.engine.respond(message, client)
        if octets is None:
            with self.source.snapshot() as snapshot:
                reason = reason_to_leave(snapshot, self.asked(message, plain, client))
            assert reason is not None, (
                f"left: {dns.message.from_wire(message)}\n{plain and dns.message.from_wire(plain)}"
            )
            return False
        assert plain is not None
        if octets[2] & TC:
            assert is_empty(octets)
            assert octets[:4] == plain[:4] or len(plain) > size_of(message) - SLACK
            return True
        if plain[2] & TC:  # it compresses in another way, and by that much it is larger
            assert len(octets) > size_of(message) - SLACK
            whole = self.world.engine.respond(message, TCP)
            assert whole is not None
            plain = whole
        compare_whole(octets, plain, layout.MAX_MESSAGE if stream else size_of(message))
        return True

    def asked(self, message: bytes, plain: bytes | None, client: Client) -> Asked:
        """A query that both have, and the plain reply."""
        header = self.arena.view[self.directory.place :][: layout.HEADER_OCTETS]
        vouched = self.trusted is not None and is_vouched(header, self.trusted)
        return Asked(message, plain, client, self.world.engine.serving.settings, vouched=vouched)

    def restrict(self, origins: list[Name]) -> None:
        """Leave these zones."""
        self.list(dict.fromkeys(origins))

    def list(self, origins: dict[Name, Rules | None], usual: Rules | None = None) -> None:
        """Zones that are listed, and the rules for who may ask; and those of all others. None: they are left."""
        lists, reader = AccessLists(), OriginReader(SEED)
        who = {origin: lists.place(policy(rules)) for origin, rules in origins.items()}
        numbers = [(reader.hash_of(wire_of(origin)), place) for origin, place in who.items()]
        usual_place = lists.place(policy(OPEN if usual is None else usual))
        self.responder.heed(Listing.of(numbers, len(numbers)), usual_place, lists.words, 1)

    def close(self) -> None:
        self.arena.close()


def policy(rules: Rules | None) -> ZonePolicy:
    """Of a zone; None: images say nothing of it."""
    return ZonePolicy(hook=True) if rules is None else ZonePolicy(compile_acl(rules))


def is_empty(octets: bytes) -> bool:
    """Whether a reply that is truncated has its question, an OPT where that belongs, and nothing else."""
    message = dns.message.from_wire(octets)
    return len(message.question) == 1 and not message.answer and not message.authority and not message.additional


def compare_whole(octets: bytes, plain: bytes, limit: int) -> None:
    """They say the same, but for sets of the additional section that there may have been no room for."""
    one = records_of(octets)
    if octets == plain:
        return
    other = records_of(plain)
    *most, additional = meaning_of(one)
    *most_of_other, additional_of_other = meaning_of(other)
    assert most == most_of_other, f"{one}\ninstead of\n{other}"
    if additional == additional_of_other:
        return
    sets, sets_of_other = additional_sets(one), additional_sets(other)
    for here, there, size in ((sets, sets_of_other, len(octets)), (sets_of_other, sets, len(plain))):
        for which, records in there.items():
            if which in here:
                assert here[which] == records, f"{one}\ninstead of\n{other}"
            else:
                needed = sum(layout.RECORD_FIXED + len(record.to_digestable()) for record, _ in records)
                assert size + needed > limit - SLACK, f"{one}\ninstead of\n{other}"


def meaning(octets: bytes) -> tuple[Any, ...]:
    """What a reply says, without regard to compression, the case of names and the order of sets."""
    return meaning_of(records_of(octets))


def records_of(octets: bytes) -> dns.message.Message:
    """A reply of which each record is a set of its own: else one that is there twice would not be seen."""
    return dns.message.from_wire(octets, one_rr_per_rrset=True)


def meaning_of(message: dns.message.Message) -> tuple[Any, ...]:
    """The same of a reply that was read by records_of; last are its sections."""
    sections = [sorted(rrset.to_text().lower() for rrset in section) for section in message.sections]
    return message.id, message.flags, message.rcode(), message.edns, message.ednsflags, message.payload, *sections


def additional_sets(message: dns.message.Message) -> dict[tuple[Any, ...], set[tuple[Rdata, int]]]:
    """The records of each set in the additional section, each with its TTL."""
    found: dict[tuple[Any, ...], set[tuple[Rdata, int]]] = {}
    for rrset in message.additional:
        found.setdefault((rrset.name, rrset.rdtype, rrset.covers), set()).update((rdata, rrset.ttl) for rdata in rrset)
    return found


def size_of(message: bytes) -> int:
    """The largest reply to a query."""
    query = dns.message.from_wire(message)
    return min(UDP_SIZE, max(512, query.payload)) if query.edns >= 0 else 512
