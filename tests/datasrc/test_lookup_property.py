"""Whatever the zone and the question: database, memory and a reference written from the RFCs agree."""

from __future__ import annotations

from collections.abc import Iterator

import dns.name
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datasrc
from datasrc.memory import MemorySource
from datasrc.records import RRset
from datasrc.source import DataSource, Finder
from tests.datasrc.reference import CNAME, DNAME, DS, NS, Reference
from tests.datasrc.zonemaking import SMALL, TESTER, rrsets, wire

ORIGIN = dns.name.from_text("example.")
A, TXT, NSEC, RRSIG, ANY = 1, 16, 47, 46, 255

RDATA = {
    A: wire("A", "192.0.2.1"),
    NS: wire("NS", "ns"),
    CNAME: wire("CNAME", "ns"),
    TXT: wire("TXT", "x"),
    DNAME: wire("DNAME", "ns"),
    DS: wire("DS", "1 13 2 0000000000000000000000000000000000000000000000000000000000000000"),
    NSEC: wire("NSEC", "ns A"),
}

# Few labels, so that names meet; those that an order or an escape could get wrong are among them.
labels = st.sampled_from([b"a", b"b", b"*", b"B", b"\x00", b"\x01", b"a\x00", b"\xff"])
owners = st.lists(labels, max_size=4).map(lambda parts: dns.name.Name((*parts, *ORIGIN.labels)))
zones = st.lists(st.tuples(owners, st.sampled_from(sorted(RDATA))), max_size=14)
questions = st.lists(
    st.tuples(owners, st.sampled_from([*sorted(RDATA), RRSIG, ANY]), st.booleans()), min_size=1, max_size=12
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataSource]:
    source = datasrc.open(f"sqlite:///{tmp_path_factory.mktemp('property')}/zones.sqlite", create=True)
    yield source
    source.close()


def replace(source: DataSource, sets: list[RRset]) -> None:
    with source.updater(ORIGIN, create=True, replace=True) as updater:
        for each in sets:
            updater.add(each)
        updater.commit(TESTER)


def outcome(finder: Finder, name: dns.name.Name, rdtype: int, *, below_cuts: bool) -> tuple[object, ...]:
    found = finder.find(name, rdtype, below_cuts=below_cuts)
    return found.match, found.closest_encloser, found.rrset and found.rrset.name, found.wildcard


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=zones, questions=questions)
def test_every_lookup_is_that_of_the_reference(
    database: DataSource, zone: list[tuple[dns.name.Name, int]], questions: list[tuple[dns.name.Name, int, bool]]
) -> None:
    sets = [*rrsets(SMALL), *(RRset(owner, rdtype, 60, (RDATA[rdtype],)) for owner, rdtype in zone)]
    memory = MemorySource()
    reference = Reference(ORIGIN, {(each.name, each.rdtype) for each in sets})
    for source in (database, memory):
        replace(source, sets)
        with source.snapshot() as snapshot:
            finder = snapshot.zone(ORIGIN)
            assert finder is not None
            for name, rdtype, below_cuts in questions:
                wanted = reference.find(name, rdtype, below_cuts=below_cuts)
                assert outcome(finder, name, rdtype, below_cuts=below_cuts) == wanted, (name, rdtype, below_cuts)


names = st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=6).map(
    lambda parts: dns.name.Name((*parts, b""))
)


@given(one=names, other=names)
def test_keys_are_ordered_as_names_are(one: dns.name.Name, other: dns.name.Name) -> None:
    from datasrc.keys import after_subtree, common_ancestor, key_labels, name_key, parent, path

    left, right = name_key(one), name_key(other)
    assert (left < right, left == right) == (one < other, one == other)
    assert right.startswith(left) == other.is_subdomain(one)
    assert (left <= right < after_subtree(left)) == other.is_subdomain(one)
    assert dns.name.Name((*key_labels(left), b"")) == one
    assert path(left)[-1] == left
    assert path(left)[-2] == parent(left) == name_key(one.parent())
    common = common_ancestor(left, right)
    assert common in path(left)
    assert common in path(right)
    assert len(path(common)) == max(len(set(path(left)) & set(path(right))), 1)
