"""Going over all records of a directory at once tells what looking at one after the other does."""

from __future__ import annotations

from collections import Counter

from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from datasrc.keys import name_key
from datasrc.keytable import KeyTable
from image import layout
from image.census import Census
from image.directory import record_place, slot_and_offset
from image.zonerecord import ZoneRecord, identity, origin_at, origin_wire, source_at

LABELS = st.binary(min_size=1, max_size=6) | st.sampled_from([b"\x00", b"\x01\x00", b"\x02", b"a" * 63, b"WWW"])
ORIGINS = st.lists(LABELS, max_size=3).map(lambda labels: Name([*labels, b""]))
LONGEST = Name([b"\x00" * 63, b"\x01" * 63, b"\x00" * 63, b"\x01" * 61, b""])
SOURCES = (1, 2, (1 << 32) - 1)
RECORDS = st.builds(
    ZoneRecord,
    (ORIGINS | st.just(LONGEST)).map(origin_wire),
    flags=st.sampled_from([0, layout.ZONE_SIGNED, layout.ZONE_LEFT, layout.ZONE_GONE]),
    version=st.integers(0, (1 << 63) - 1),
    source=st.sampled_from(SOURCES),
)
SLOTS = (0, 7, layout.MAX_SLOTS - 1)
ELSEWHERE = (8, layout.SLOT_MASK)  # slots that are not there
ROOM = 1 << 12  # octets of records of a slot, and of its heap


class Records:
    """Records in three slots, in their images and heaps, and entries that point to them."""

    def __init__(self) -> None:
        self.arena = bytearray(layout.ZONE_UNIT + ROOM * 2 * len(SLOTS))
        self.heaps = {
            slot: (layout.ZONE_UNIT + ROOM * 2 * at, layout.ZONE_UNIT + ROOM * (2 * at + 1))
            for at, slot in enumerate(SLOTS)
        }
        self.ends = Counter({(slot, there): layout.ZONE_UNIT for slot in SLOTS for there in (False, True)})
        self.entries: list[int] = []

    def add(self, slot: int, in_delta: bool, record: ZoneRecord) -> None:
        octets, at = record.pack(), self.ends[slot, in_delta]
        if at + len(octets) > ROOM:
            return
        place = self.heaps[slot][in_delta] + at
        self.arena[place : place + len(octets)] = octets
        self.ends[slot, in_delta] = at + len(octets)
        self.point(slot, (layout.IN_DELTA if in_delta else 0) | at // layout.ZONE_UNIT)

    def point(self, slot: int, offset: int) -> None:
        self.entries.append(0xABCD << layout.ZONE_TAG_SHIFT | slot << layout.SLOT_SHIFT | offset)

    def table(self) -> memoryview:
        found = memoryview(bytearray(8 * 2 * len(self.entries))).cast("Q")
        for at, entry in enumerate(self.entries):
            found[2 * at] = entry  # the others are free
        return found

    def places(self) -> list[int]:
        found = (record_place(*slot_and_offset(entry), self.heaps) for entry in self.entries)
        return [place for place in found if place]


@st.composite
def directories(draw) -> Records:
    found = Records()
    drawn = st.lists(st.tuples(st.sampled_from(SLOTS), st.booleans(), RECORDS), max_size=12)
    for slot, in_delta, record in draw(drawn):
        found.add(slot, in_delta, record)
    return found


@given(directories(), st.sampled_from([None, *ELSEWHERE]))
def test_zones_are_counted_by_source_and_their_versions_found_by_key(records, elsewhere):
    if elsewhere is not None:
        records.point(elsewhere, 1)
    view = memoryview(records.arena)
    there = [(place, one) for place in records.places() if (one := identity(view, place)) is not None]
    census, found = Census(view, records.heaps), Counter[int]()
    census.add_sources(records.table(), found)
    assert found == Counter(source_at(view, place) for place, _ in there)
    for source in SOURCES:
        versions = KeyTable(numbered=True)
        census.add_versions(records.table(), source, versions)
        expected = {}
        for place, (number, version) in there:
            if number == source:
                expected[name_key(ZoneRecord.read(view, place).name)] = version
        assert len(versions) == len(expected)
        assert {key: versions.number(key) for key in expected} == expected


@given(directories())
def test_zones_are_counted_by_slot_where_all_are_there(records):
    census = Census(memoryview(records.arena), records.heaps)
    ends = {slot: records.ends[slot, True] for slot in SLOTS}
    assert census.count(records.table(), ends)
    assert census.counted() == Counter(slot_and_offset(entry)[0] for entry in records.entries)


def outside(slot: int, offset: int) -> bool:
    records = Records()
    records.point(slot, offset)
    census = Census(memoryview(records.arena), records.heaps)
    return not census.count(records.table(), dict.fromkeys(SLOTS, 2 * layout.ZONE_UNIT))


def test_an_entry_that_points_to_no_slot_or_beyond_what_was_written_there_is_found():
    assert not outside(7, layout.IN_DELTA | 1)
    assert not outside(7, 100)  # images were checked as a whole
    assert outside(7, layout.IN_DELTA | 2)
    assert outside(7, layout.IN_DELTA)
    assert outside(7, layout.IN_DELTA | layout.BELOW_DELTA)
    assert all(outside(slot, 1) for slot in ELSEWHERE)


def test_the_origin_of_a_record_is_where_the_key_is_made_of():
    records = Records()
    records.add(0, True, ZoneRecord(origin_wire(LONGEST), version=5, source=1))
    (place,) = records.places()
    assert origin_at(memoryview(records.arena), place) == origin_wire(LONGEST)
