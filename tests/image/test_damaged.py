"""What no checksum can tell: an image that is damaged while it is mapped costs answers, never the process."""

from __future__ import annotations

import mmap
import struct

import dns.flags
import dns.message
import dns.name
import pytest

from image.layout import (
    BUCKETS,
    CAPACITY_WORD,
    CHAIN,
    FRAGMENTS,
    NODES,
    TO_FRAGMENT,
    UNIT,
    ZONE_LABELS,
    ZONE_UNIT,
    ZONES,
)
from image.zonerecord import origin_wire
from tests.datasrc.zonemaking import SMALL, change, rrsets
from tests.image.mapping import Both
from tests.kit import dnspacket as packet
from tests.memmgr.house import ARENA, House, soa

ORIGIN = dns.name.from_text("example.")
A, CNAME = 1, 5
ALIAS = b"\x00\x05\x00\x01\x00\x00\x0e\x10\x00\x06\x03www"  # type, class, TTL, length, the first label of the target


@pytest.fixture
def both(tmp_path):
    both = Both(tmp_path)
    chain = "www A 192.0.2.1\nalias CNAME www\n@ NSEC alias A NS SOA NSEC\nalias NSEC ns CNAME NSEC\n"
    both.put(ORIGIN, rrsets(f"{SMALL}{chain}ns NSEC www A NSEC\nwww NSEC @ A NSEC\nwww RRSIG A {SIGNATURE}\n"))
    both.build()
    both.responder.limiting = 1  # what a reply has in common with others is taken from names and places, too
    yield both
    both.close()


SIGNATURE = "13 2 3600 20300101000000 20200101000000 1 example. AAAA"


def section(both: Both, number: int) -> tuple[mmap.mmap, int, int]:
    """The file of the image, to be written to; where a section of it begins, and its octets."""
    with (both.folder / "zones.image").open("r+b") as file:
        return mmap.mmap(file.fileno(), 0), *both.image.sections[number]


@pytest.mark.parametrize("number", [ZONES, BUCKETS, NODES, FRAGMENTS, CHAIN])
@pytest.mark.parametrize("octet", [0x00, 0x7F, 0xFF])
def test_every_octet_of_an_image_may_be_wrong(both, number, octet):
    """One after the other: queries are answered, left, or raise IndexError, which the loop takes for being left."""
    queries = [packet.query(f"{name}.example.", kind, additional=[packet.opt(flags=packet.DO)])
               for name, kind in (("www", A), ("alias", A), ("nowhere", A), ("x.ns", CNAME))]  # fmt: skip
    file, start, octets = section(both, number)
    right = [both.image_reply(query) for query in queries]
    others = 0
    for at in range(start, start + octets):
        before = file[at]
        file[at] = octet
        for query, reply in zip(queries, right, strict=True):
            try:
                others += both.image_reply(query) != reply
            except IndexError:
                others += 1
        file[at] = before
    file.close()
    assert others
    assert [both.image_reply(query) for query in queries] == right


@pytest.mark.parametrize("labels", [2, 100, 120, 255])
def test_a_zone_of_more_labels_than_its_name_has_is_none(both, labels):
    """A name that was asked for before had so many: what it left must not be taken for a part of this one."""
    both.image_reply(packet.query("a." * 120 + "example.", A))
    file, start, _ = section(both, ZONES)
    file[start + ZONE_UNIT + ZONE_LABELS] = labels
    assert both.image_reply(packet.query("x.example.", A)) is None
    file.close()


def test_an_alias_whose_name_points_at_itself_is_left(both):
    """The pointer behind `www` in the target of the alias: following it would never end."""
    file, start, octets = section(both, FRAGMENTS)
    wire = file.find(ALIAS, start, start + octets) - 2  # with the pointer to the owner in front
    place = len(ALIAS) + 2  # of the pointer, behind the label
    table = file.rfind(place.to_bytes(2, "little"), start, wire)
    file[table + 2 : table + 4] = (TO_FRAGMENT + place).to_bytes(2, "little")
    assert both.image_reply(packet.query("alias.example.", A)) is None
    file.close()


def test_a_record_of_a_chain_that_is_too_short_to_be_one_is_no_room(both):
    """Its owner gives way to one that is written out: of less than that nothing can be taken away."""
    file, chain, octets = section(both, CHAIN)
    fragments = both.image.sections[FRAGMENTS][0]
    query = packet.query("nowhere.example.", A, additional=[packet.opt(flags=packet.DO)])
    assert both.image_reply(query)
    for _, fragment in struct.iter_unpack("<II", file[chain + UNIT : chain + octets]):
        head = fragments + fragment * UNIT
        file[head : head + 2] = b"\1\0"
    reply = both.image_reply(query)
    assert reply
    assert dns.message.from_wire(reply).flags & dns.flags.TC
    assert both.image_reply(query, stream=True) is None
    file.close()


def test_a_table_of_changes_that_says_it_is_larger_than_all_there_is_is_read_no_further(tmp_path):
    """Where a name would be in it may be behind all addresses then: what is read there would end the process."""
    house = House(tmp_path)
    house.load(soa(1, "www A 192.0.2.1"))
    house.start()
    change(house.source, 2, add="www TXT changed")
    house.settle()
    house.look()
    assert house.keeper is not None
    assert house.collection is not None
    located = house.keeper.store.find(origin_wire(ORIGIN))
    assert located is not None
    delta = house.collection.installed.slots[located.slot].delta
    asked = [f"n{number}.example." for number in range(50)]
    assert all(house.ask(name) for name in asked)
    with delta.path.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as file:
        place = 8 * CAPACITY_WORD
        before = file[place : place + 8]
        for capacity in (ARENA // 8, 1 << 40, 1 << 62):
            file[place : place + 8] = capacity.to_bytes(8, "little")
            for name in asked:
                with pytest.raises(IndexError):
                    house.ask(name)
        file[place : place + 8] = before
    assert all(house.ask(name) for name in asked)
    house.stop()
    house.source.close()
