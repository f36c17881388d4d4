"""Zones and hosts whose names somebody chose so that dnspython's hashes of them meet: each is compared with few others.

Where names were keys of a table each was compared with all that were there: a configuration of many such zones took
minutes to prepare, and each query for a set that names many such hosts a second.
"""

from __future__ import annotations

import pytest
from dns.name import Name

from auth.listed import list_zones
from auth.options import change_zones, read_zones
from auth.settings import Settings
from auth.zone_counters import ZoneCounters
from daemonkit.configuration import Difference, RowChanges
from daemonkit.log import own_log
from datasrc.keys import name_key
from image.layout import MAX_ADDITIONAL_NAMES
from tests.auth.world import TCP, World
from tests.image.mapping import SEED
from tests.kit.meeting import Compared, names_compared, names_that_meet

COUNT = 200
PER_NAME = 4  # comparisons: with each other they are COUNT / 2 for each of them, in each table
NAMES = names_that_meet(COUNT)
DEFAULT = {"query_acl": [{"action": "ACCEPT"}], "statistics": False, "hook": False}
COUNTED = DEFAULT | {"statistics": True}
REFUSING = COUNTED | {"query_acl": [{"action": "REJECT"}]}


def few(compared: Compared) -> bool:
    """Whether the work grew with the names, and not with their square."""
    return compared.times <= PER_NAME * COUNT


def values(rows: dict[str, object]) -> dict[str, object]:
    return {"zones": rows, "templates": {"default": DEFAULT}}


def listed(row: object) -> dict[str, object]:
    return {name.to_text(): row for name in NAMES}


def test_what_the_configuration_lists(tmp_path):
    """V75."""
    with names_compared() as compared:
        table = read_zones(values(listed(COUNTED)))
        list_zones(table, SEED)
        assert all(table.policy(name).statistics and table.is_listed(name) for name in NAMES)
        assert all(table.closest_listed(Name((b"www", *name.labels))) is not None for name in NAMES)
        counters = ZoneCounters(tmp_path, own_log("auth"))
        rows = counters.prepare(table.counted)
        counters.apply(rows)
    assert rows is not None
    assert len(table.counted) == len(rows.of) == COUNT
    assert few(compared)


def test_what_a_revision_changes():
    """V75."""
    none: frozenset[str] = frozenset()
    with names_compared() as compared:
        before = read_zones(values({}))
        made = list_zones(before, SEED)
        added, touched = change_zones(before, {}, Difference(none, {"zones": RowChanges(listed(COUNTED))}))
        made = made.changed(added, touched)
        changed, touched = change_zones(added, {}, Difference(none, {"zones": RowChanges(listed(REFUSING))}))
        made = made.changed(changed, touched)
        assert not any(changed.policy(name).query_acl.accepts_all for name in NAMES)
        removed = RowChanges({}, tuple(name.to_text() for name in NAMES))
        gone, touched = change_zones(changed, {}, Difference(none, {"zones": removed}))
        made.changed(gone, touched)
    assert touched == set(map(name_key, NAMES))
    assert (len(added.counted), len(gone.counted), len(gone.listed)) == (COUNT, 0, 0)
    assert few(compared)


@pytest.mark.parametrize("rdtype", ["MX", "NS"])
def test_hosts_that_a_set_names(rdtype):
    """V75. Of a set that names more hosts than are looked up each was compared with all before that was known."""
    many = [f"@ NS {name}" for name in NAMES]
    world = World(
        {"example.": "\n".join([*many, "@ MX 10 mail", "mail A 192.0.2.1"])}, Settings(minimal_responses=False)
    )
    with names_compared() as compared:
        reply = world.ask("example.", rdtype, client=TCP)
    assert len(many) > MAX_ADDITIONAL_NAMES
    assert len(reply.additional) == (rdtype == "MX")  # the address of the only host that is looked up
    assert few(compared)
