"""Whatever transactions come: database and memory hold what a plain model holds; differences lead from old to new."""

from __future__ import annotations

from collections.abc import Iterator

import dns.name
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datasrc
from datasrc.memory import MemorySource
from datasrc.records import Difference, RRset
from datasrc.source import DataSource, Updater
from tests.datasrc.contract_writing import ORIGIN
from tests.datasrc.zonemaking import SMALL, TESTER, load, rrset, soa

A, TXT = 1, 16

Key = tuple[dns.name.Name, int]
Model = dict[Key, tuple[int, frozenset[bytes]]]
Operation = tuple[str, Key, int, frozenset[bytes]]

owners = st.sampled_from(["a", "B", "b", "x.a", "*"]).map(lambda text: dns.name.from_text(text, ORIGIN))
keys = st.tuples(owners, st.sampled_from([A, TXT]))
rdatas = st.frozensets(st.sampled_from([b"\x01a", b"\x01b", b"\x01c", b"\x00", b"\x02aa"]), min_size=1, max_size=3)
operations = st.tuples(
    st.sampled_from(["add", "add", "delete", "delete set"]), keys, st.sampled_from([60, 300]), rdatas
)
transactions = st.lists(st.tuples(st.booleans(), st.lists(operations, max_size=6)), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataSource]:
    source = datasrc.open(f"sqlite:///{tmp_path_factory.mktemp('property')}/zones.sqlite", create=True)
    yield source
    source.close()


def perform(updater: Updater, operation: Operation) -> None:
    kind, (name, rdtype), ttl, data = operation
    if kind == "add":
        updater.add(RRset(name, rdtype, ttl, tuple(data)))
    else:
        updater.delete(name, rdtype, rdatas=tuple(data) if kind == "delete" else None)


def after(model: Model, replace: bool, done: list[Operation]) -> Model:
    """The model after a transaction."""
    new: Model = {} if replace else dict(model)
    added: Model = {}  # what this transaction added and did not delete again: the lowest of its TTLs is that of the set
    for kind, key, ttl, data in done:
        old_ttl, old = new.pop(key, (ttl, frozenset()))
        added_ttl, fresh = added.pop(key, (ttl, frozenset()))
        if kind == "add":
            added[key] = (min(added_ttl, ttl), fresh | data)
            new[key] = (added[key][0], old | data)
        elif kind == "delete":
            if fresh - data:
                added[key] = (added_ttl, fresh - data)
            if old - data:
                stored_ttl = model[key][0] if key in model and not replace else old_ttl
                new[key] = (added_ttl if fresh - data else stored_ttl, old - data)
    return new


def contents(source: DataSource) -> Model:
    with source.snapshot() as snapshot:
        finder = snapshot.zone(ORIGIN)
        assert finder is not None
        sets = [each for each in finder.rrsets() if each.rdtype in {A, TXT} and each.name.labels[0] != b"ns"]
        assert finder.info.records == sum(len(each.rdatas) for each in finder.rrsets())
    assert len({(each.name, each.rdtype) for each in sets}) == len(sets)
    return {(each.name, each.rdtype): (each.ttl, frozenset(each.rdatas)) for each in sets}


def forward(model: Model, difference: Difference) -> Model:
    """The model after a difference, taken as IXFR takes it (RFC 1995 section 4)."""
    new = dict(model)
    for each in difference.deleted:
        key = each.name, each.rdtype
        if key in model:
            assert frozenset(each.rdatas) <= new[key][1]
            new[key] = (new[key][0], new[key][1] - frozenset(each.rdatas))
    for each in difference.added:
        if each.rdtype in {A, TXT} and each.name.labels[0] != b"ns":
            key = each.name, each.rdtype
            old = new.get(key, (0, frozenset()))[1]
            assert not old & frozenset(each.rdatas)
            new[key] = (each.ttl, old | frozenset(each.rdatas))
    return {key: value for key, value in new.items() if value[1]}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=transactions)
def test_transactions_leave_what_the_model_has(database: DataSource, plan: list[tuple[bool, list[Operation]]]) -> None:
    memory = MemorySource()
    for source in (database, memory):
        load(source, SMALL)
    model: Model = {}
    for serial, (replace, done) in enumerate(plan, 2):
        wanted = after(model, replace, done)
        for source in (database, memory):
            with source.updater(ORIGIN, replace=replace) as updater:
                if replace:
                    updater.add(rrset("@ NS ns"))
                    updater.add(rrset("ns A 192.0.2.1"))
                updater.add(rrset(soa(serial)))
                for operation in done:
                    perform(updater, operation)
                change = updater.commit(TESTER)
            assert change is not None
            assert contents(source) == wanted
            difference = source.difference(ORIGIN, change.version)
            assert difference is not None
            assert forward(model, difference) == wanted
        model = wanted
