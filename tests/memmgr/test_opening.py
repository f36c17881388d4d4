"""A start that does not come to its end, as often as it likes: nothing is lost by it, and nothing old is answered."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from datasrc import filezones, masterfiles
from image.arena import LEAST, OCTETS, Arena
from memmgr.opening import Obstacle
from tests.memmgr.house import soa
from tests.memmgr.test_zone_files import FileHouse


def addresses() -> int:
    """How many octets of addresses this process has taken."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * mmap.PAGESIZE


def read_only(*_arguments: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


def test_a_fault_is_told_once_though_files_have_other_names_at_each_try():
    """As those have that are written before they take the place of others."""
    told: list[str] = []
    context = SimpleNamespace(
        log=SimpleNamespace(error=lambda _code, *, reason, **_: told.append(reason)),
        counters=SimpleNamespace(add=lambda _name: None),
    )
    obstacle = Obstacle(context)  # type: ignore[arg-type]
    for name in ("/state/images/.1.directory.x1", "/state/images/.1.directory.y2"):
        obstacle.met(PermissionError(errno.EACCES, "Permission denied", name))
    assert told == [obstacle.reason] == ["/state/images/.1.directory.x1: Permission denied"]
    obstacle.met(OSError(errno.ENOSPC, "No space left on device", "/state/images/.1.directory.z3"))
    obstacle.met(OSError(errno.ENOSPC, "No space left on device"))
    assert told[1:] == [
        "/state/images/.1.directory.z3: No space left on device",
        "[Errno 28] No space left on device",
    ]
    obstacle.gone()
    assert obstacle.reason == ""
    obstacle.met(OSError(errno.ENOSPC, "No space left on device"))
    assert len(told) == 4


@pytest.mark.parametrize("call", ["Place", "Announcement.withdraw"])
def test_starts_that_fail_keep_no_addresses(house, monkeypatch, call):
    before = addresses()
    with monkeypatch.context() as patched:
        patched.setattr(f"memmgr.store.{call}", read_only)
        for _ in range(3):
            with pytest.raises(OSError, match="Read-only"):
                house.begin()
            assert addresses() - before < OCTETS // 2
    house.start()
    assert house.text("www.example.") == "192.0.2.80"


def test_what_a_killed_builder_left_is_removed_before_room_is_needed(house, monkeypatch):
    """It may be all the room there was."""
    house.start()
    house.stop()
    left = [house.place / name for name in (".7.image.x1y2z3", "7.image")]
    for path in [*left, *house.place.glob("*.delta"), *house.place.glob("*.directory")]:
        path.write_bytes(b"")
    really = os.posix_fallocate

    def allocate(descriptor: int, offset: int, octets: int) -> None:
        if any(path.exists() for path in left):
            raise OSError(errno.ENOSPC, "No space left on device")
        really(descriptor, offset, octets)

    monkeypatch.setattr(os, "posix_fallocate", allocate)
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    assert house.built == []


def test_nothing_is_removed_at_a_start_while_the_list_before_may_come_back(house, monkeypatch):
    house.start()
    house.stop()
    left = house.place / "7.image"
    left.write_bytes(b"")
    with monkeypatch.context() as patched:
        patched.setattr("image.manifest.sync_directory", read_only)
        with pytest.raises(OSError, match="Read-only"):  # from the first look
            house.begin()
    assert left.exists()
    house.settle()
    assert not left.exists()
    assert house.text("www.example.") == "192.0.2.80"


def test_a_file_that_cannot_be_removed_is_told_once_and_holds_up_nothing(house, monkeypatch):
    keep(monkeypatch, stuck := house.place / "77.image")
    house.place.mkdir()
    for path in (stuck, other := house.place / "78.image"):
        path.write_bytes(b"")
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    assert not other.exists()
    house.keeper.store._grow()  # it is swept after that, too
    assert house.refused == [(stuck.name, "it cannot be removed: Operation not permitted")]


def test_a_file_that_cannot_even_be_looked_at_holds_up_nothing(house, monkeypatch):
    """Its inode is damaged, say: no start came to its end."""
    stuck, really = house.place / "77.image", os.stat

    def stat(path: Path | str | int, **options: Any) -> os.stat_result:
        if path == stuck:
            raise OSError(errno.EUCLEAN, os.strerror(errno.EUCLEAN))
        return really(path, **options)

    house.place.mkdir()
    stuck.write_bytes(b"")
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", stat)
        house.start()
    assert house.refused == [(stuck.name, f"it cannot be removed: {os.strerror(errno.EUCLEAN)}")]
    assert house.text("www.example.") == "192.0.2.80"


def test_of_slots_that_are_struck_all_are_unmapped_though_a_file_cannot_be_removed(house, monkeypatch):
    for number in range(3):
        house.load(soa(1, "www A 192.0.2.81"), f"zone{number}.")
        house.start()
        house.stop()
    house.start()
    store = house.keeper.store
    numbers = {slot.number for slot in store.manifest.slots if slot.zones}
    assert len(numbers) > 1
    for number in numbers:
        keep(monkeypatch, store.place / f"{number}.image")
    house.keeper.rebuild_all()
    house.settle()
    assert numbers.isdisjoint(store.images)
    assert numbers.isdisjoint(slot.number for slot in store.manifest.slots)
    assert [store.place / f"{number}.delta" for number in numbers if (store.place / f"{number}.delta").exists()] == []
    assert sorted(house.refused) == sorted(
        (f"{number}.image", "it cannot be removed: Operation not permitted") for number in numbers
    )
    assert house.text("www.zone1.") == "192.0.2.81"


def keep(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    """Let a file be removed by nobody."""
    really = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == kept:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        really(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)


def test_a_directory_that_was_replaced_at_the_start_takes_no_room_any_more(house):
    """It has no name then, but its octets until it is unmapped."""
    house.start()
    house.stop()
    for path in house.place.glob("*.delta"):
        path.unlink()
    before = mapped_directories()
    house.start()
    assert mapped_directories() == before + 1


def mapped_directories() -> int:
    return Path("/proc/self/maps").read_text(encoding="utf-8").count(".directory")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileHouse]:
    """A zone file that was good once, and stopped."""
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)
    monkeypatch.setattr(filezones, "CERTAIN", 0.0)  # this file system counts nanoseconds
    (tmp_path / "files").mkdir()
    with FileHouse(tmp_path / "files") as house:
        house.write(soa(1, "www A 192.0.2.80"))
        house.start()
        house.write("@ SOA this is none")
        house.reload()
        house.stop()
        yield house


def fail_with(code: int) -> Callable[[Path], NoReturn]:
    def fail(_place: Path) -> NoReturn:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_table_of_zone_files_that_cannot_be_read_for_a_moment_is_read_by_the_next_try(files, monkeypatch, code):
    """It is all there is of the last good version of a bad file."""
    with monkeypatch.context() as patched:
        patched.setattr("memmgr.filetable.read", fail_with(code))
        with pytest.raises(OSError, match=os.strerror(code)):
            files.begin()
    files.start()
    assert files.refused == []
    assert files.text("www.example.") == "192.0.2.80"


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
def test_a_table_of_zone_files_that_can_never_be_read_keeps_no_start_from_its_end(files, monkeypatch, code):
    files.write(soa(2, "www A 192.0.2.82"))
    with monkeypatch.context() as patched:
        patched.setattr("memmgr.filetable.read", fail_with(code))
        files.start()
    assert [file for file, _ in files.refused] == ["files.table"]
    assert files.text("www.example.") == "192.0.2.82"


def test_copies_with_holes_have_all_their_room_before_they_are_written_to(house, monkeypatch):
    """A store into a hole is the end of the process where the disk is full."""
    house.start()
    house.stop()
    copies = [path for path in house.place.iterdir() if path.suffix in (".delta", ".directory")]
    for path in copies:
        octets = path.read_bytes()
        with path.with_name("copy").open("wb") as copy:
            copy.truncate(len(octets))
            for at in range(0, len(octets), mmap.PAGESIZE):
                if any(octets[at : at + mmap.PAGESIZE]):
                    copy.seek(at)
                    copy.write(octets[at : at + mmap.PAGESIZE])
        path.with_name("copy").replace(path)
        assert room(path) < len(octets)
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", no_room)
        with pytest.raises(OSError, match="No space left"):
            house.begin()
    house.start()
    assert all(room(path) >= path.stat().st_size for path in copies)
    assert house.refused == []
    assert house.text("www.example.") == "192.0.2.80"


def room(path: Path) -> int:
    """Octets that a file has on the disk."""
    return path.stat().st_blocks * 512


def no_room(*_arguments: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_no_list_takes_the_place_of_another_before_it_is_on_the_disk(house, monkeypatch):
    """Some file systems have an empty file there after a power cut, else: all images would be refused."""
    synced: set[int] = set()
    replaced: list[bool] = []
    really_sync, really_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        really_sync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def replace(path: Path, target: Path) -> Path:
        if target.parent == house.place and target.suffix not in (".delta", ".marks"):  # those are of this boot alone
            replaced.append(path.stat().st_ino in synced)
        return really_replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    house.start()
    house.keeper.store.listed.remember(())
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    house.stop()
    assert len(replaced) > 3
    assert all(replaced)


def test_images_for_which_there_are_no_addresses_any_more_are_left_and_the_others_used(house, monkeypatch):
    """The limit of the process was lowered (RLIMIT_AS)."""
    monkeypatch.setattr("memmgr.plan.PACK_ZONES", 1)
    monkeypatch.setattr("memmgr.store.DIRECTORY_SPARE", 1 << 17)  # more than what an image leaves that finds no room
    origins = [f"zone{number}." for number in range(16)]
    for origin in origins:
        house.load(soa(1, "www A 192.0.2.80"), origin)
    house.begin()
    house.settle(compacting=False)
    house.stop()
    with monkeypatch.context() as patched:
        patched.setattr("memmgr.store.Arena", lambda: Arena(LEAST))
        store = house.begin().store
        assert {Path(name).suffix for name, _ in house.refused} <= {".image", ".delta"}
        assert all("no room for" in reason for _, reason in house.refused)
        assert 1 < len(store.images) < len(origins)
        assert len(list(store.there())) == store.zones.total() > 0
        house.stop()
    house.begin()
    house.settle(compacting=False)
    assert [house.text(f"www.{origin}") for origin in origins] == ["192.0.2.80"] * len(origins)
