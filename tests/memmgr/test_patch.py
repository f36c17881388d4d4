"""Zones changed in place answer as if they had been built anew: random zones, random changes, every answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.name
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datasrc.memory import MemorySource
from datasrc.records import RRset
from datasrc.source import Finder
from image import layout
from image.builder import build
from image.errors import NotExpressible
from image.overlay import Place
from image.patch import Patch, Tools
from image.responder import Responder
from image.zonerecord import ZoneRecord, origin_wire
from memmgr.store import Store
from tests.datasrc.zonemaking import TESTER, name, rdtype, rrset
from tests.kit.interpreted import examples

ORIGIN = "example."
SERVERS = ["ns", "ns.sub", "ns.deep.sub", "a", "b.a", "ns.elsewhere.test."]
NAMES = ["@", "ns", "a", "b.a", "c.b.a", "*", "*.a", "x.*.a", "sub", "ns.sub", "deep.sub", "ns.deep.sub", "*.sub", "d"]
ASKED = [*NAMES, "zz", "zz.a", "zz.zz.a", "y.sub", "zz.b.a", "x.d", "zz.x.*.a"]
TYPES = ["A", "AAAA", "NS", "TXT", "CNAME", "DNAME", "MX", "DS", "SOA"]

records = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.just("A"), st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"])),
    st.tuples(st.sampled_from(NAMES), st.just("AAAA"), st.sampled_from(["2001:db8::1", "2001:db8::2"])),
    st.tuples(st.sampled_from(NAMES), st.just("TXT"), st.sampled_from(["one", "two"])),
    st.tuples(st.sampled_from(["sub", "deep.sub", "a", "d", "b.a"]), st.just("NS"), st.sampled_from(SERVERS)),
    st.tuples(st.sampled_from(["a", "c.b.a", "*.a", "d"]), st.just("CNAME"), st.sampled_from(["a", "ns", "zz"])),
    st.tuples(st.sampled_from(["a", "sub", "d", "@"]), st.just("DNAME"), st.sampled_from(["other.test.", "ns"])),
    st.tuples(st.sampled_from(NAMES), st.just("MX"), st.sampled_from(["10 a", "20 ns.sub"])),
)
changes = st.lists(st.tuples(st.booleans(), records), min_size=1, max_size=6)


class Rig:
    """A zone that is changed in place, and built anew beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.source = MemorySource()
        self.origin = dns.name.from_text(ORIGIN)
        self.serial = 0
        self.reasons: list[str] = []  # why it had to be built anew

    @property
    def rebuilt(self) -> int:
        return len(self.reasons)

    def store(self, name: str) -> Store:
        return Store(self.directory / name, self.directory / f"{name}.json", "1.1", lambda path, reason: None)

    def commit(self, wanted) -> None:
        self.serial += 1
        with self.source.updater(self.origin, create=True) as updater:
            updater.add(rrset(f"@ SOA ns hostmaster {self.serial} 3600 900 604800 300", ORIGIN))
            if self.serial == 1:
                updater.add(rrset("@ NS ns", ORIGIN))
            for add, (owner, kind, text) in wanted:
                if add:
                    updater.add(rrset(f"{owner} {kind} {text}", ORIGIN))
                else:
                    updater.delete(name(owner, ORIGIN), rdtype(kind))
            updater.commit(TESTER)

    @contextmanager
    def finder(self) -> Iterator[Finder]:
        with self.source.snapshot() as snapshot:
            finder = snapshot.zone(self.origin)
            assert finder is not None
            yield finder

    def place(self, store: Store) -> tuple[Place, int]:
        there = store.find(origin_wire(self.origin))
        assert there is not None
        return Place(store.arena, store.images[there.slot], store.deltas[there.slot], there.record), there.slot

    def touched(self, finder: Finder) -> dict[bytes, set[int]]:
        touched = finder.touched(finder.info.version - 1, 1000)
        assert touched is not None
        return touched

    def build(self, store: Store) -> None:
        number, path = store.listed.reserve()
        with self.finder() as finder:
            build([finder], path, store.manifest.seed)
        store.enlist(number)
        ((offset, _),) = store.images[number].zones()
        store.publish([(origin_wire(self.origin), number, offset)])

    def change(self, store: Store) -> None:
        place, slot = self.place(store)
        with self.finder() as finder:
            try:
                record = Patch(place, finder, Tools(store.manifest.seed)).change(self.touched(finder))
            except NotExpressible as error:
                self.reasons.append(str(error))
                self.build(store)
                return
        store.publish([(record.origin, slot, store.put_record(slot, record))])

    def change_since(self, store: Store, fate: str) -> None:
        """Change it since its record; that may be killed before it is published, or that of the image come back."""
        place, slot = self.place(store)
        with self.finder() as finder:
            touched = finder.touched(place.record.version, 1000)
            assert touched is not None
            try:
                record = Patch(place, finder, Tools(store.manifest.seed)).change(touched)
            except NotExpressible as error:
                self.reasons.append(str(error))
                self.build(store)
                return
        offset = store.put_record(slot, record)
        if fate == "lost":
            ((offset, _),) = store.images[slot].zones()
        if fate != "killed":
            store.publish([(record.origin, slot, offset)])

    def write_all(self, store: Store) -> None:
        number, path = store.listed.reserve()
        build([], path, store.manifest.seed)
        store.enlist(number)
        blank = ZoneRecord(origin_wire(self.origin), number=layout.IN_DELTA | 7)
        place = Place(store.arena, store.images[number], store.deltas[number], blank)
        with self.finder() as finder:
            record = Patch(place, finder, Tools(store.manifest.seed)).write_all()
        store.publish([(record.origin, number, store.put_record(number, record))])


class Asker:
    """Answers from a store."""

    def __init__(self, store: Store) -> None:
        self.responder = Responder(store.manifest.seed, 1232)
        self.queries, self.replies = memoryview(bytearray(600)), memoryview(bytearray(70000))
        self.responder.serve(self.queries, self.replies)
        rows = self.responder.rows
        for number, image in store.images.items():
            for index, value in enumerate(image.row() + store.deltas[number].row()):
                rows[number * layout.ROW + index] = value
        self.responder.map(store.arena.view, store.arena.address, store.directory.place)

    def ask(self, query: bytes) -> bytes:
        self.queries[: len(query)] = query
        octets = self.responder.answer(0, len(query), 0)
        return bytes(self.replies[:octets])


def queries():
    for owner in ASKED:
        for kind in TYPES:
            text = str(name(owner, ORIGIN))
            yield text, kind, dns.message.make_query(text, kind, use_edns=0, want_dnssec=True, id=7).to_wire()


QUERIES = list(queries())


def compare(one: Store, other: Store, told: str, queries: Sequence[tuple[str, str, bytes]] = QUERIES) -> None:
    left, right = Asker(one), Asker(other)
    for text, kind, query in queries:
        found, wanted = left.ask(query), right.ask(query)
        if found != wanted:
            texts = [str(dns.message.from_wire(octets)) if octets else "left" for octets in (found, wanted)]
            raise AssertionError(f"{text} {kind}, {told}:\n{texts[0]}\ninstead of\n{texts[1]}")


@settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["published", "killed", "lost"]), changes), min_size=3, max_size=7))
@example(
    [
        ("published", [(True, ("ns", "A", "192.0.2.1"))]),
        ("killed", [(True, ("c.b.a", "A", "192.0.2.1"))]),
        ("published", [(False, ("c.b.a", "A", "192.0.2.1"))]),
    ]
)
def test_changed_in_place_is_built_anew_whatever_records_were_lost(tmp_path_factory, steps):
    """Also where the delta was opened again."""
    rig = Rig(tmp_path_factory.mktemp("lost"))
    rig.commit(steps[0][1])
    store = rig.store("changed")
    rig.build(store)
    for number, (fate, step) in enumerate([*steps[1:], ("published", [(True, ("ns", "TXT", "one"))])]):
        rig.commit(step)
        rig.change_since(store, fate)
        if fate == "killed":
            store.close()
            store = rig.store("changed")
        if fate == "published":
            fresh = rig.store(f"fresh{number}")
            rig.build(fresh)
            compare(store, fresh, f"after {steps}")
            fresh.close()
    store.close()


def run(directory: Path, steps) -> Rig:
    rig = Rig(directory)
    rig.commit(steps[0])
    store = rig.store("changed")
    rig.build(store)
    redirected = 0
    for number, step in enumerate(steps[1:]):
        rig.commit(step)
        with rig.finder() as finder:
            redirected += layout.DNAME in rig.touched(finder).get(b"", ())
        rig.change(store)
        fresh = rig.store(f"fresh{number}")
        rig.build(fresh)
        compare(store, fresh, f"after {steps}")
        fresh.close()
    assert rig.reasons == ["the whole zone is redirected, or no longer"] * redirected
    store.close()
    return rig


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=2, max_size=5))
@example(
    [[(True, ("ns.sub", "A", "192.0.2.1"))], [(True, ("sub", "NS", "ns.sub"))], [(False, ("sub", "NS", "ns.sub"))]]
)
@example(
    [  # an empty non-terminal that is a wildcard, hidden for a time by a delegation
        [(True, ("x.*.a", "A", "192.0.2.1")), (True, ("c.b.a", "A", "192.0.2.1"))],
        [(True, ("a", "NS", "ns"))],
        [(False, ("c.b.a", "A", ""))],
        [(False, ("a", "NS", ""))],
    ]
)
@example([[(True, ("a", "A", "192.0.2.1"))], [(True, ("d", "NS", "ns")), (True, ("d", "CNAME", "a"))]])
def test_changed_in_place_is_built_anew(tmp_path_factory, steps):
    run(tmp_path_factory.mktemp("zone"), steps)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes)
def test_written_whole_is_built(tmp_path_factory, step):
    directory = tmp_path_factory.mktemp("zone")
    rig = Rig(directory)
    rig.commit(step)
    written, fresh = rig.store("written"), rig.store("fresh")
    rig.write_all(written)
    rig.build(fresh)
    compare(written, fresh, f"of {step}")
    written.close()
    fresh.close()


def test_what_a_reader_holds_does_not_change_though_its_record_was_lost(tmp_path):
    """The directory has an older record then, and the change after that covers nodes that the reader still sees."""
    rig = Rig(tmp_path)
    rig.commit([(True, ("a", "A", "192.0.2.1"))])
    store = rig.store("zone")
    rig.build(store)
    rig.commit([(False, ("a", "A", "192.0.2.1")), (True, ("a", "A", "192.0.2.2")), (True, ("d", "A", "192.0.2.9"))])
    rig.change(store)
    queries = [dns.message.make_query(f"{owner}.example.", "A").to_wire() for owner in ("a", "d")]
    before = [Asker(store).ask(query) for query in queries]
    place, slot = rig.place(store)
    there = store.find(place.record.origin)
    assert there is not None
    ((offset, _),) = place.image.zones()
    store.publish([(place.record.origin, slot, offset)])
    rig.commit([(False, ("a", "A", "192.0.2.2")), (True, ("a", "A", "192.0.2.3")), (False, ("d", "A", "192.0.2.9"))])
    rig.change_since(store, "published")
    assert not rig.reasons
    assert all(Asker(store).ask(query) != known for query, known in zip(queries, before, strict=True))
    store.publish([(place.record.origin, slot, there.offset)])
    assert [Asker(store).ask(query) for query in queries] == before
    store.close()


def test_what_a_reader_holds_does_not_change(tmp_path):
    """Nodes of a later change are not seen by who holds the record before it."""
    rig = Rig(tmp_path)
    rig.commit([(True, ("a", "A", "192.0.2.1")), (True, ("d", "A", "192.0.2.9"))])
    store = rig.store("zone")
    rig.build(store)
    rig.commit([(False, ("d", "A", "192.0.2.9"))])
    rig.change(store)
    query = dns.message.make_query("a.example.", "A").to_wire()
    gone = dns.message.make_query("d.example.", "A").to_wire()
    before = Asker(store).ask(query), Asker(store).ask(gone)
    place, slot = rig.place(store)
    rig.commit([(False, ("a", "A", "192.0.2.1")), (True, ("d", "A", "192.0.2.8"))])
    with rig.finder() as finder:
        record = Patch(place, finder, Tools(store.manifest.seed)).change(rig.touched(finder))
    assert (Asker(store).ask(query), Asker(store).ask(gone)) == before
    store.publish([(record.origin, slot, store.put_record(slot, record))])
    assert Asker(store).ask(query) != before[0]
    assert Asker(store).ask(gone) != before[1]
    store.close()


def test_negative_answers_do_not_keep_an_soa_that_has_become_too_large(tmp_path):
    """With so many signatures over it there is none to begin them with: that of before the change was sent."""
    rig = Rig(tmp_path)
    soa, ns = rrset("@ SOA ns hostmaster 1 3600 900 604800 300", ORIGIN), rrset("@ NS ns", ORIGIN)

    def commit(serial: int, signatures: int) -> None:
        rig.serial += 1
        head = layout.SOA.to_bytes(2) + bytes(14)
        signer = origin_wire(rig.origin) + bytes(8)
        signed = tuple(head + number.to_bytes(2) + signer for number in range(signatures))
        with rig.source.updater(rig.origin, create=True, replace=True) as updater:
            changed = rrset(f"@ SOA ns hostmaster {serial} 3600 900 604800 300", ORIGIN)
            for one in (changed, ns, RRset(soa.name, layout.RRSIG, 300, signed, layout.SOA)):
                updater.add(one)
            updater.commit(TESTER)

    commit(1, 1)
    store = rig.store("changed")
    rig.build(store)
    query = dns.message.make_query("nowhere.example.", "A").to_wire()
    assert dns.message.from_wire(Asker(store).ask(query)).authority[0][0].serial == 1
    commit(2, 300)
    rig.change(store)
    assert rig.reasons == ["its SOA and the signatures over it are too large"]
    assert Asker(store).ask(query) == b""
    store.close()
