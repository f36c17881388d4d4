"""A row that cannot be read costs its zone the image, and no other zone anything: it is answered from the source."""

from __future__ import annotations

import sqlite3

import dns.name
import pytest

from datasrc.keys import labels_key
from datasrc.records import RRset
from datasrc.rows import name_wire
from memmgr import api
from memmgr.zonefacts import NOT_BUILT, zone_images
from tests.datasrc.zonemaking import TESTER, name, rdtype
from tests.memmgr.house import House, soa

HOST = name_wire(dns.name.from_text("ns.example."))
NAMES = {
    "empty": b"",
    "truncated": HOST[:-1],
    "one octet behind": HOST + b"\0",
    "many octets behind": HOST + bytes(3000),
    "pointer": b"\xc0\x0c",
    "label with a pointer": b"\x01a\xc0\x00",
    "too long": (b"\x3f" + b"a" * 63) * 4 + b"\0",
    "too long a label": b"\x40" + b"a" * 64 + b"\0",
}
BEFORE = {"NS": b"", "CNAME": b"", "DNAME": b"", "PTR": b"", "MX": b"\0\x0a", "MINFO": HOST}  # the last name


@pytest.fixture
def house(tmp_path):
    with House(tmp_path) as house:
        yield house


def put(house: House, owner: str, kind: str, *rdatas: bytes) -> None:
    with house.source.updater(name("@")) as updater:
        updater.add(RRset(name(owner), rdtype(kind), 300, rdatas))
        updater.commit(TESTER)


def spoil(house: House, owner: str, kind: str, octets: bytes) -> None:
    """Write what is no packed RDATA where a set is, as a damaged page may have it."""
    with sqlite3.connect(house.directory / "zones.sqlite") as connection:
        place = (octets, rdtype(kind), labels_key([owner.encode()]))
        assert connection.execute("UPDATE rrsets SET rdatas = ? WHERE type = ? AND key = ?", place).rowcount == 1
    connection.close()


def expect_left(house: House) -> None:
    """The hostile zone is left and told; the other one is answered, and changes."""
    assert house.text("www.example.") == "left"
    (told,) = zone_images(house.keeper, [name("@")], ["example"])
    assert (told.state, told.reason) == (api.PLAIN, NOT_BUILT)
    for serial in (7, 8):
        house.load(soa(serial, f"www A 192.0.2.{serial}"), "example.net.")
        house.settle()
        assert house.text("www.example.net.") == f"192.0.2.{serial}"
    house.load(soa(9, "www A 192.0.2.99"))
    house.settle()
    assert house.text("www.example.") == "192.0.2.99"  # as soon as it can be read


def prepare(house: House) -> None:
    house.load(soa(1, "www A 192.0.2.80", "cut NS ns"))
    house.load(soa(1, "www A 192.0.2.81"), "example.net.")


@pytest.mark.parametrize("fault", NAMES)
@pytest.mark.parametrize("kind", BEFORE)
def test_a_zone_that_is_changed_to_what_cannot_be_read_is_left_and_no_other(house, kind, fault):
    prepare(house)
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    put(house, "hostile", kind, BEFORE[kind] + NAMES[fault])
    house.settle()
    expect_left(house)


@pytest.mark.parametrize("fault", NAMES)
@pytest.mark.parametrize("kind", BEFORE)
def test_a_zone_that_is_built_of_what_cannot_be_read_is_left_and_no_other(house, kind, fault):
    prepare(house)
    put(house, "hostile", kind, BEFORE[kind] + NAMES[fault])
    house.start()
    expect_left(house)


@pytest.mark.parametrize("fault", NAMES)
def test_a_new_zone_that_cannot_be_read_is_not_written_to_the_delta(house, fault):
    house.load(soa(1, "www A 192.0.2.81"), "example.net.")
    house.start()
    house.load(soa(1, "www A 192.0.2.80"))
    put(house, "hostile", "NS", NAMES[fault])
    house.settle()
    expect_left(house)


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\x09\x01", b"\xff\xff" + HOST], ids=["none", "half", "cut", "long"])
@pytest.mark.parametrize(("owner", "kind"), [("cut", "NS"), ("ns", "A")])
def test_a_set_that_cannot_be_unpacked_leaves_its_zone_when_names_beside_it_change(house, owner, kind, octets):
    """The delegation that changed is of a server whose addresses are damaged, or is damaged itself."""
    house.load(soa(1, "www A 192.0.2.80", "cut NS ns"))
    house.start()
    put(house, "cut", "NS", HOST, name_wire(name("www")))
    spoil(house, owner, kind, octets)
    house.settle()
    assert house.text("www.example.") == "left"


@pytest.mark.parametrize("kind", ["NSEC", "NSEC3"])
@pytest.mark.parametrize("fault", NAMES)
def test_a_chain_that_cannot_be_read_ends_nothing(house, kind, fault):
    prepare(house)
    house.start()
    put(house, "@" if kind == "NSEC" else "0" * 32, kind, NAMES[fault] or b"\0")
    house.settle()
    house.load(soa(2, "www A 192.0.2.82"), "example.net.")
    house.settle()
    assert house.text("www.example.net.") == "192.0.2.82"


@pytest.mark.parametrize(
    "key",
    [b"a" * 64 + b"\0", b"a" * 300 + b"\0", b"\0", b"A\0", b"a", (b"a" * 60 + b"\0") * 5],
    ids=["long label", "very long label", "no label", "capital", "no end", "too long"],
)
def test_a_key_of_no_name_leaves_its_zone(house, key):
    prepare(house)
    house.start()
    put(house, "hostile", "A", bytes(4))
    with sqlite3.connect(house.directory / "zones.sqlite") as connection:
        for table in ("rrsets", "journal_rrsets"):
            changed = connection.execute(f"UPDATE {table} SET key = ? WHERE key = ?", (key, b"hostile\0"))
            assert changed.rowcount == 1
    connection.close()
    house.settle()
    house.load(soa(2, "www A 192.0.2.82"), "example.net.")
    house.settle()
    assert house.text("www.example.") == "left"
    assert house.text("www.example.net.") == "192.0.2.82"
