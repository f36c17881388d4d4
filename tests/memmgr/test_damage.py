"""Files of images that are not what was written: found before anything is answered from them, and made anew."""

from __future__ import annotations

import errno
import itertools
import mmap
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from image import directory, layout, manifest
from image.arena import Arena
from image.collection import Collection
from image.overlay import Place
from image.patch import Patch, Tools
from image.raw import Memory
from image.zonerecord import origin_wire
from memmgr import marks
from tests.datasrc.zonemaking import TESTER, name
from tests.memmgr.house import ARENA, RUN, House, soa

ZONES = 6
FILES = ["*.image", "*.delta", "*.directory", manifest.NAME, marks.FILES]


@pytest.fixture
def changed(house: House) -> House:
    """A house that stopped, with some zones of which one changed in place, one is gone, and one came later."""
    for number in range(ZONES):
        house.load(soa(1, f"www A 192.0.2.{number}"), f"zone{number}.")
    house.load(soa(1), "gone.")
    house.start()
    house.load(soa(2, "www A 192.0.2.82"))
    house.load(soa(1, "www A 192.0.2.83"), "sub.zone1.")
    house.source.delete_zone(name("gone.", "."), TESTER)
    house.settle()
    house.stop()
    house.refused.clear()
    return house


def assert_right(house: House) -> None:
    assert house.text("www.example.") == "192.0.2.82"
    assert house.text("www.sub.zone1.") == "192.0.2.83"
    for number in range(ZONES):
        assert house.text(f"www.zone{number}.") == f"192.0.2.{number}"
    assert house.text("ns.gone.") == "left"


def places(path: Path) -> Iterator[int]:
    """Octets of a file that is in use: of its header, its end, and those between that are not zero."""
    octets = path.read_bytes()
    used = [at for at, octet in enumerate(octets) if octet]
    yield from [0, 8, 16, 24, 32, 40, layout.HEADER_OCTETS]
    yield from random.Random(path.name).sample(used, min(40, len(used)))


def files(house: House, pattern: str) -> list[Path]:
    return sorted(path for path in house.place.glob(pattern) if path.is_file())


@pytest.mark.parametrize("victim", FILES)
@pytest.mark.parametrize("damage", ["remove", "empty", "truncate", "foreign"])
def test_no_damage_of_a_file_is_answered_from(changed, victim, damage):
    for path in files(changed, victim):
        size = path.stat().st_size
        if damage == "remove":
            path.unlink()
        else:
            path.write_bytes({"empty": b"", "truncate": path.read_bytes()[: size // 2], "foreign": b"x" * size}[damage])
    changed.start()
    if victim not in (manifest.NAME, marks.FILES) or damage != "remove":
        assert Path(victim).suffix in [Path(file).suffix for file, _ in changed.refused]
    assert_right(changed)
    changed.load(soa(3, "www A 192.0.2.84"))
    changed.settle()
    assert changed.text("www.example.") == "192.0.2.84"


@pytest.mark.parametrize("victim", FILES)
def test_no_octet_of_a_file_can_be_another_and_is_answered_from(changed, victim):
    for path in files(changed, victim):
        for at in places(path):
            if not path.exists():  # it was made anew under another name
                break
            octets = bytearray(path.read_bytes())
            if at >= len(octets):
                continue
            octets[at] ^= 0x10
            path.write_bytes(octets)
            changed.start()
            assert_right(changed)
            changed.stop()


@pytest.mark.parametrize("bit", [0, 5, 16, 31, 33, 47, 48, 63])
def test_one_bit_of_every_entry_of_the_directory_refuses_no_zone(changed, bit):
    (path,) = files(changed, "*.directory")
    octets = bytearray(path.read_bytes())
    for at in range(layout.HEADER_OCTETS, len(octets), directory.ENTRY):
        if any(octets[at : at + directory.ENTRY]):
            octets[at + bit // 8] ^= 1 << bit % 8
    path.write_bytes(octets)
    changed.start()
    assert [file for file, _ in changed.refused] == [path.name]
    assert_right(changed)


def test_one_octet_of_the_heap_of_a_delta_costs_the_changes_in_it_alone(changed):
    path = next(path for path in files(changed, "*.delta") if b"\xc0\x00\x02\x52" in path.read_bytes())  # 192.0.2.82
    path.write_bytes(path.read_bytes().replace(b"\xc0\x00\x02\x52", b"\xc0\x00\x02\x53"))
    changed.start()
    assert changed.refused == [(path.name, "its heap is damaged: its checksum is wrong")]
    assert_right(changed)
    assert changed.built == [["example."]]


def test_an_entry_of_the_table_of_a_delta_that_is_gone_is_found(changed):
    """Else a name would be answered as it was before its change."""
    for path in files(changed, "*.delta"):
        octets = bytearray(path.read_bytes())
        heap = int.from_bytes(octets[32:40], "little")
        octets[layout.HEADER_OCTETS : len(octets) - heap] = bytes(len(octets) - heap - layout.HEADER_OCTETS)
        path.write_bytes(octets)
    changed.start()
    assert {Path(file).suffix for file, _ in changed.refused} == {".delta"}
    assert_right(changed)


@pytest.mark.parametrize("damage", ["remove", "foreign"])
@pytest.mark.parametrize("victim", ["*.image", "*.delta", "*.directory"])
def test_what_is_removed_or_replaced_while_it_is_in_use_is_made_anew(changed, victim, damage):
    """Who has it mapped answers on; who starts then cannot map it."""
    changed.start()
    changed.load(soa(3, "www A 192.0.2.84"))
    changed.settle()
    changed.look()
    for path in files(changed, victim):
        path.unlink()
        if damage == "foreign" and victim != "*.directory":
            path.write_bytes(b"x" * 100)
    assert changed.text("www.example.") == "192.0.2.84"
    changed.keeper.retry()
    changed.settle()
    assert {Path(file).suffix for file, _ in changed.refused} == {Path(victim).suffix}
    changed.keeper.retry()
    told = len(changed.refused)
    changed.keeper.retry()
    assert len(changed.refused) == told
    changed.collection = changed.responder = None  # another process
    assert changed.text("www.example.") == "192.0.2.84"
    for number in range(ZONES):
        assert changed.text(f"www.zone{number}.") == f"192.0.2.{number}"


@pytest.mark.parametrize("victim", ["*.image", "*.delta", "*.directory"])
def test_what_is_removed_while_there_is_no_room_is_made_anew_when_there_is(changed, monkeypatch, victim):
    """A full disk is why files are removed."""
    changed.start()
    for path in files(changed, victim):
        path.unlink()
    with monkeypatch.context() as patched:

        def full(*_arguments, **_options):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patched.setattr(os, "posix_fallocate", full)
        patched.setattr(tempfile, "mkstemp", full)
        for _ in range(2):
            with suppress(OSError):  # as the daemon, which tells it
                changed.keeper.retry()
            while (build := changed.keeper.take()) is not None:
                changed.keeper.failed(build, "No space left on device")
    changed.keeper.retry()
    changed.settle()
    changed.keeper.retry()
    changed.settle()
    changed.collection = changed.responder = None  # another process
    assert_right(changed)
    assert not changed.keeper.failures
    assert changed.keeper.doubt == ""


@pytest.mark.parametrize("victim", ["*.image", "*.delta", "*.directory"])
@pytest.mark.parametrize("fault", [errno.EIO, errno.EACCES])
def test_what_cannot_be_read_is_made_anew(changed, monkeypatch, victim, fault):
    """One file that the system does not give is no reason to answer nothing from all others."""
    lost = {path: path.stat().st_ino for path in files(changed, victim)}
    real = Path.open

    def opened(path, *arguments, **options):
        if path in lost and path.exists() and path.stat().st_ino == lost[path]:
            raise OSError(fault, os.strerror(fault))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    changed.start()
    assert {(Path(file).suffix, reason) for file, reason in changed.refused} == {
        (Path(victim).suffix, os.strerror(fault))
    }
    assert_right(changed)


def test_what_the_system_lacks_for_a_moment_says_nothing_of_a_file(changed, monkeypatch):
    with monkeypatch.context() as patched:

        def opened(*_arguments, **_options):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        patched.setattr("image.file.Path.open", opened)
        with pytest.raises(OSError, match="Too many open files"):
            changed.start()
    changed.start()
    assert changed.refused == []
    assert changed.built == []
    assert_right(changed)


def cut_when_mapped(monkeypatch: pytest.MonkeyPatch, victim: Path, octets: int) -> None:
    """What cannot be read behind a mapping ends who reads it: the file is cut short when it has been mapped."""
    really, inodes = Arena.map, {victim.stat().st_ino}

    def mapped(arena: Arena, descriptor: int, *arguments: int, **options: bool) -> int:
        place = really(arena, descriptor, *arguments, **options)
        if (inode := os.fstat(descriptor).st_ino) in inodes:
            os.truncate(victim, octets)
            inodes.remove(inode)  # another file may have it next
        return place

    monkeypatch.setattr(Arena, "map", mapped)


def in_its_table(_path: Path) -> int:
    return mmap.PAGESIZE  # of an image, delta and directory the header alone is left


def in_its_heap(path: Path) -> int:
    octets = path.stat().st_size - int.from_bytes(path.read_bytes()[32:40], "little")
    return octets - octets % mmap.PAGESIZE


def in_what_was_before(path: Path) -> int:
    return path.stat().st_size - mmap.PAGESIZE


SECTORS = [
    ("*.image", in_its_table),
    ("*.delta", in_its_table),
    ("*.delta", in_its_heap),
    ("*.directory", in_its_table),
]


@pytest.mark.parametrize(("victim", "sector"), [*SECTORS, ("*.directory", in_what_was_before)])
def test_a_bad_sector_is_no_signal(changed, monkeypatch, victim, sector):
    path = next(path for path in files(changed, victim) if path.stat().st_size > mmap.PAGESIZE)
    with monkeypatch.context() as patched:
        cut_when_mapped(patched, path, sector(path))
        changed.start()
    assert changed.refused == [(path.name, "Input/output error")]
    assert_right(changed)


@pytest.mark.parametrize(("victim", "sector"), SECTORS)
def test_a_bad_sector_is_no_signal_for_who_only_reads(changed, monkeypatch, victim, sector):
    """memmgr has read it before that, and is gone."""
    changed.start()
    changed.kill()
    path = max(files(changed, victim), key=lambda path: path.stat().st_size)
    told: list[tuple[Path, str]] = []
    changed.collection = Collection(
        changed.announcement, RUN, arena=Arena(ARENA), problem=lambda *problem: told.append(problem)
    )
    with monkeypatch.context() as patched:
        cut_when_mapped(patched, path, sector(path))
        changed.look()
    image = path.with_suffix(".image" if victim == "*.delta" else path.suffix)  # both are one slot
    assert told == [(image, f"[Errno {errno.EIO}] Input/output error")]
    assert {changed.text(f"www.zone{number}.") for number in range(ZONES)} == {"left"}
    changed.start()
    assert_right(changed)


def test_a_delta_that_is_older_than_the_directory_is_found(house):
    """As from a copy: what it has is whole, but not all of it is there."""
    house.load(soa(2, "www A 192.0.2.81"))
    house.start()
    house.stop()
    kept = {path: path.read_bytes() for path in files(house, "*.delta")}
    house.start()
    house.load(soa(3, "www A 192.0.2.82"))
    house.settle()
    house.stop()
    for path, octets in kept.items():
        path.write_bytes(octets)
    house.start()
    assert [reason for _, reason in house.refused] == ["it points to what is not there"]
    assert house.text("www.example.") == "192.0.2.82"


def test_what_a_killed_writer_left_of_a_change_counts_for_nothing(house):
    """Nor is anything else lost: the change before it is answered, and the marks are trusted."""
    house.start()
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    store = house.keeper.store
    there = store.find(origin_wire(name("example.", ".")))
    changes, record, lineage = store.deltas[there.slot], there.record, store.manifest.lineage
    house.load(soa(3, "www A 192.0.2.83"))
    with house.source.snapshot() as snapshot:
        finder = snapshot.zone(name("example.", "."))
        place = Place(store.arena, store.images[there.slot], changes, record)
        Patch(place, finder, Tools(store.manifest.seed)).change(finder.touched(record.version, 100))
    house.kill()
    sealed = changes.sealed
    house.start()
    assert house.refused == []
    assert house.keeper.store.manifest.lineage == lineage
    assert house.built == []
    assert house.text("www.example.") == "192.0.2.83"
    assert house.keeper.store.deltas[there.slot].sealed > sealed


@pytest.mark.parametrize("how", ["boot", "damage"])
def test_a_big_zone_whose_delta_is_lost_is_brought_in_line_in_place(house, how, monkeypatch):
    """What changed since its image was built is in the database: nobody must answer instead, nor is it built."""
    monkeypatch.setattr("memmgr.plan.BIG_RECORDS", 4)
    house.start()
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    house.stop()
    if how == "boot":
        monkeypatch.setattr("image.manifest.boot_id", lambda: "f" * 36)
    else:
        for path in files(house, "*.delta"):
            path.unlink()
    left = []
    monkeypatch.setattr("memmgr.margin.Margin.put", lambda _margin, record: left.append(record.origin))
    house.start()
    assert house.built == []
    assert left == []
    assert house.text("www.example.") == "192.0.2.82"


def lose_record(house: House, how: str) -> None:
    """Have a database whose last change is in the delta, sealed, and no record of it in the directory."""
    if how in ("raise", "kill"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("memmgr.store.Store.publish", raise_killed)
            with pytest.raises(Killed):
                house.settle()
        if how == "kill":
            house.kill()
        return
    house.settle()
    house.stop()
    (path,) = files(house, "*.directory")
    if how == "gone":
        path.unlink()
        return
    octets = bytearray(path.read_bytes())
    if how == "bit":
        used = [
            at for at in range(layout.HEADER_OCTETS, len(octets), directory.ENTRY) if octets[at : at + 8] != bytes(8)
        ]
        octets[used[0]] ^= 0x04
    else:  # killed while many were put, before their checksums were made
        octets[directory.STATE_PLACE + 4] = 1
        sums = layout.HEADER_OCTETS + directory.ENTRY * int.from_bytes(octets[24:32], "little")
        octets[sums:] = bytes(len(octets) - sums)
    path.write_bytes(octets)


def raise_killed(*_arguments: object) -> None:
    raise Killed


@pytest.mark.parametrize("how", ["raise", "kill", "gone", "bit", "many"])
@pytest.mark.parametrize("owner", ["a", "b.c.a"])
def test_a_name_that_came_with_a_change_whose_record_is_lost_goes_with_it(house, how, owner, monkeypatch):
    """Its node stays in the delta: neither the next change nor those after it may show it."""
    monkeypatch.setattr("memmgr.plan.BIG_RECORDS", 4)
    house.load(soa(1, "www A 192.0.2.1", "gone A 192.0.2.2", "*.wild A 192.0.2.3"))
    house.start()
    house.load(soa(2, "www A 192.0.2.82", f"{owner} A 192.0.2.99", f"x.{owner}.wild A 192.0.2.99"))
    lose_record(house, how)
    for serial in (3, 4, 5):
        house.load(soa(serial, f"www A 192.0.2.{serial}", "gone A 192.0.2.2", "*.wild A 192.0.2.3"))
        if house.keeper is None:
            house.start()
        else:
            house.built.clear()
            house.settle()
        assert house.built == []
        assert house.text("www.example.") == f"192.0.2.{serial}"
        assert house.text(f"{owner}.example.") == "NXDOMAIN"
        assert house.text("a.example.") == "NXDOMAIN"
        assert house.text("gone.example.") == "192.0.2.2"
        assert house.text(f"x.{owner}.wild.example.") == "192.0.2.3"
        assert house.text(f"{owner}.wild.example.") == "192.0.2.3"


@pytest.mark.parametrize("victim", ["*.delta", "*.directory"])
def test_no_octet_can_be_another_where_the_writer_was_killed(house, victim, monkeypatch):
    monkeypatch.setattr("memmgr.slots.HEAP_LEAST", 1 << 15)
    for number in range(ZONES):
        house.load(soa(1, f"www A 192.0.2.{number}"), f"zone{number}.")
    serial = 1
    house.start()
    for at in range(30):
        serial += 1
        house.load(soa(serial, f"www A 192.0.2.{serial}"))
        house.settle()
        house.kill()
        for path in files(house, victim):
            octets = bytearray(path.read_bytes())
            used = [place for place, octet in enumerate(octets) if octet]
            octets[used[at * len(used) // 30]] ^= 0x04
            path.write_bytes(octets)
        house.start()
        assert house.text("www.example.") == f"192.0.2.{serial}"
        for number in range(ZONES):
            assert house.text(f"www.zone{number}.") == f"192.0.2.{number}"


class Killed(Exception):
    """At a store."""


class Mortal:
    """Memory whose writer is killed after so many stores."""

    def __init__(self, stores: int) -> None:
        self.left = stores
        self._memory = Memory()

    def observe(self, address: int) -> int:
        return self._memory.observe(address)

    def publish(self, address: int, value: int) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1
        self._memory.publish(address, value)


def test_a_directory_whose_writer_is_killed_between_an_entry_and_its_checksum_is_whole(tmp_path, monkeypatch):
    arena = Arena(1 << 26)
    path = tmp_path / "directory"
    directory.create(path, 7, 100)
    directory.Directory(arena, path, writable=True).settle(0)
    origin = origin_wire(name("zone.", "."))
    for number in range(20):
        writer = directory.Directory(arena, path, writable=True)
        at = writer.hash_of(origin) >> layout.HALF
        monkeypatch.setattr(writer, "_memory", Mortal(number % 5))
        try:
            writer.put((at * writer.capacity) >> layout.HALF, origin, 1, number)
        except Killed:
            assert number % 5 < 4
        assert not directory.Directory(arena, path, writable=True).damaged(), number
    arena.close()


def test_a_directory_is_whole_wherever_its_writer_is_killed_twice_in_a_row(tmp_path, monkeypatch):
    """A put is at most four stores, and each start settles the directory, as memmgr does."""
    arena = Arena(1 << 26)
    origin = origin_wire(name("zone.", "."))
    for first, second, settled in itertools.product(range(5), range(5), [False, True]):
        path = tmp_path / f"{first}.{second}.{settled}"
        directory.create(path, 7, 100)
        for offset, stores in enumerate([9, first, second, 9], 1):
            writer = directory.Directory(arena, path, writable=True)
            if settled:
                writer.settle(1)
            at = (writer.hash_of(origin) >> layout.HALF) * writer.capacity >> layout.HALF
            with monkeypatch.context() as patched, suppress(Killed):
                patched.setattr(writer, "_memory", Mortal(stores))
                writer.put(at, origin, 1, offset)
            writer.close()
            found = directory.Directory(arena, path, writable=True)
            assert not found.damaged(), (first, second)
            found.close()
    arena.close()
