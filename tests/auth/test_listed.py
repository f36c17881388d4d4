"""What the loops go by for listed zones: changed by a difference it says what it says made anew."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import replace

import dns.name
from hypothesis import given, settings
from hypothesis import strategies as st

from auth import access_lists
from auth.acl import compile_acl
from auth.listed import Listed, list_zones
from auth.zones import ZonePolicy, ZoneRows, ZoneTable
from daemonkit.rowmap import rows_of
from datasrc.keys import name_key, wire_of
from image.access import Access
from image.layout import FIRST_LIST, HALF, MASK32
from image.listing import OriginReader
from tests.image.mapping import SEED

KEYS = [name_key(dns.name.from_text(text)) for text in ("a.test.", "b.test.", "B.A.test.", "c.test.", ".")]
CLIENTS = [ipaddress.ip_address(text).packed for text in ("192.0.2.1", "192.0.2.2", "2001:db8::1")]
ROW = {key: number for number, key in enumerate(KEYS)}
POLICIES = st.builds(
    lambda rules, counted, hooked: ZonePolicy(compile_acl(rules), counted, hooked),
    st.lists(
        st.fixed_dictionaries(
            {"action": st.sampled_from(["ACCEPT", "REJECT", "DROP"])},
            optional={"from": st.sampled_from(["192.0.2.1", "192.0.2.0/24", "2001:db8::/32"])},
        ),
        max_size=2,
    ),
    st.booleans(),
    st.sampled_from([False, False, True]),
)
CHANGES = st.dictionaries(st.sampled_from(KEYS), st.none() | POLICIES, max_size=3)


def with_rows(table: ZoneTable, *, is_room: bool) -> ZoneTable:
    counted = frozenset(key for key, policy in table.listed.items() if policy.statistics)
    rows = {key: ROW[key] for key in counted}
    place = ZoneRows(rows, memoryview(bytearray(8)).cast("Q")) if rows and is_room else None
    return replace(table, counted=counted, rows=place)


def says(listed: Listed) -> Mapping[bytes | None, object]:
    """What it says of each zone, and of zones that are not listed: who may ask, and where that is counted."""
    reader, access = OriginReader(SEED), Access()
    found: dict[bytes | None, object] = {}
    access.heed(listed.lists.words)
    addresses = memoryview(bytearray(b"".join(client.ljust(16, b"\0") for client in CLIENTS)))
    access.attach(addresses)
    for key in (*KEYS, None):
        value = 0 if key is None else reader.hash_of(wire_of(key))
        number = listed.usual if key is None else listed.listing.number_of(value)
        assert key is None or number is None or listed.listing.may_have(value)  # else nobody looks
        if number is None:
            found[key] = None
        elif (place := number & MASK32) < FIRST_LIST:
            found[key] = number
        else:
            decided = [access.says(place, 16 * at, len(client)) for at, client in enumerate(CLIENTS)]
            found[key] = (number >> HALF, decided)
    return found


@settings(deadline=None, max_examples=60)
@given(
    first=st.dictionaries(st.sampled_from(KEYS), POLICIES),
    default=POLICIES,
    steps=st.lists(st.tuples(CHANGES, st.none() | POLICIES, st.booleans()), min_size=1, max_size=5),
    waste=st.sampled_from([0, 10, 1000]),
)
def test_changed_by_a_difference_it_is_as_made_anew(first, default, steps, waste):
    before, access_lists.WASTE = access_lists.WASTE, waste
    try:
        there_was_room = False
        table = with_rows(ZoneTable(first, default), is_room=there_was_room)
        listed = list_zones(table, SEED)
        kept = [(listed, says(listed))]
        for change, other, is_room in steps:
            changed = {key: policy for key, policy in change.items() if policy is not None}
            gone = [key for key, policy in change.items() if policy is None]
            table = replace(table, listed=rows_of(table.listed).changed(changed.items(), gone))
            there_was_room |= is_room
            table = with_rows(replace(table, default=other or table.default), is_room=there_was_room)
            listed = listed.changed(table, change.keys())
            assert listed.is_of(table, SEED)
            assert says(listed) == says(list_zones(table, SEED))
            kept.append((listed, says(listed)))
        assert [says(one) for one, _ in kept] == [said for _, said in kept]  # a loop may still go by it
    finally:
        access_lists.WASTE = before


def test_a_change_of_one_zone_looks_at_no_other():
    class Counted(dict[bytes, ZonePolicy]):
        looks = 0

        def __getitem__(self, key: bytes) -> ZonePolicy:
            self.looks += 1
            return super().__getitem__(key)

        def __iter__(self):
            raise AssertionError("all zones are looked at")

        keys = values = items = __iter__

    keys = [b"test\0z%d\0" % number for number in range(100)]
    policy = ZonePolicy(compile_acl([{"action": "ACCEPT", "from": "192.0.2.1"}]))
    listed = list_zones(ZoneTable(dict.fromkeys(keys, policy)), SEED)
    rows = Counted(dict.fromkeys(keys, policy))
    table = ZoneTable(rows)
    after = listed.changed(table, keys[:1])
    assert rows.looks == 1
    assert after.listing.base is listed.listing.base
