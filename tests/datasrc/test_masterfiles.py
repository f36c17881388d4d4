"""A directory of zone files keeps the reading part of the contract, and survives whatever happens to the files."""

from __future__ import annotations

import builtins
import errno
import os
import random
import re
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Self

import dns.name
import pytest
from dns.name import Name

import datasrc
from datasrc import directoryzones, filezones, zonefiles
from datasrc.errors import Missing, ReadOnly, UnknownBackend, ZoneUnusable
from datasrc.filememory import FileMemory
from datasrc.keys import name_key
from datasrc.masterfiles import MasterFilesSource
from datasrc.packed_finder import differences
from datasrc.packed_zone import PackedZone
from datasrc.pending import composite_of
from datasrc.records import Match, ZoneState
from datasrc.rows import Row
from datasrc.source import DataSource, Snapshot
from datasrc.sources import open_sources
from datasrc.zonefiles import listed
from datasrc.zonetaking import first_number
from datasrc.zonetext_zone import read_zone
from tests.datasrc.contract import LookupContract, Serve, ZonesContract, lookup
from tests.datasrc.contract_writing import ORIGIN, info
from tests.datasrc.zonemaking import SMALL, TESTER, name, stored

DEADLINE = 60.0


def file_text(text: str) -> str:
    """Our lines as a master file: several RDATAs a line become several lines."""
    lines = ["$TTL 3600"]
    for line in filter(None, text.splitlines()):
        owner, kind, rest = line.split(maxsplit=2)
        lines += [f"{owner} {kind} {rdata.strip()}" for rdata in rest.split("|")]
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True, params=["files", "names", "forgotten"])
def known_first(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is known of a directory before anybody asks: as of few files, or as of very many; then it may be forgotten
    which zones were asked for.
    """
    known: str = request.param
    if known != "files":
        monkeypatch.setattr(zonefiles, "LATE_FROM", 0)
    if known == "forgotten":
        monkeypatch.setattr(directoryzones, "MOST_ZONES", 1)
    return known


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def serve(directory: Path) -> Iterator[Serve]:
    with ExitStack() as stack:

        def serve(zones: dict[str, str]) -> DataSource:
            for origin, text in zones.items():
                (directory / f"{origin.rstrip('.')}.zone").write_text(file_text(text))
            source = MasterFilesSource(directory, check_every=None)
            stack.callback(source.close)
            return source

        yield serve


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read."""
    found: list[str] = []

    def spy(stream, file, *arguments, **options):
        found.append(Path(file).name)
        return read_zone(stream, file, *arguments, **options)

    monkeypatch.setattr("datasrc.filezones.read_zone", spy)
    return found


class TestLookup(LookupContract):
    pass


class TestZones(ZonesContract):
    @pytest.mark.skip(reason="no file name is that of the root")
    def test_the_root_can_be_a_zone(self, serve: Serve) -> None: ...

    @pytest.mark.skip(reason="the checks of zone files keep such a zone from being served; see below")
    def test_a_zone_without_its_apex_is_not_answered_from(self, serve: Serve) -> None: ...


def write(directory: Path, serial: int, extra: str = "", file: str = "example.zone") -> Path:
    path = directory / file
    path.write_text(file_text(SMALL.replace(" 1 3600", f" {serial} 3600") + extra))
    return path


def served(source: DataSource) -> set[str]:
    """The zones that are answered for."""
    there = ("example.", "other.")
    with source.snapshot() as snapshot:
        return {text for text in there if snapshot.zone(dns.name.from_text(text)) is not None}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


class TestFiles:
    @pytest.fixture
    def source(self, directory: Path) -> Iterator[DataSource]:
        source = MasterFilesSource(directory, name="files", check_every=None)
        yield source
        source.close()

    def test_a_file_may_have_the_suffix_or_not(self, directory: Path, source: DataSource) -> None:
        write(directory, 1, file="a.zone")
        write(directory, 2, file="b")
        source.refresh()
        assert [(str(each.origin), each.serial) for each in source.zones()] == [("a.", 1), ("b.", 2)]

    def test_backups_and_hidden_files_are_no_zones(self, directory: Path, source: DataSource) -> None:
        for file in (".hidden", "example.zone~", ".example.zone.swp"):
            write(directory, 1, file=file)
        (directory / "sub").mkdir()
        source.refresh()
        assert source.zones() == []
        assert source.problems() == []

    def test_the_file_of_a_zone_is_told(self, directory: Path, source: DataSource) -> None:
        path = write(directory, 1, file="a.zone")
        source.refresh()
        assert source.file_of(dns.name.from_text("a.")) == (str(path), path.stat().st_mtime)
        assert source.file_of(dns.name.from_text("b.")) is None

    def test_changed_new_and_removed_files_are_noticed(self, directory: Path, source: DataSource) -> None:
        path = write(directory, 1)
        source.refresh()
        first = info(source).version
        write(directory, 2, "x A 192.0.2.2")
        source.refresh()
        assert (info(source).version, info(source).serial, info(source).records) == (first + 1, 2, 4)
        write(directory, 1, file="other.zone")
        source.refresh()
        assert len(source.zones()) == 2
        path.unlink()
        source.refresh()
        assert [str(each.origin) for each in source.zones()] == ["other."]
        assert [(each.id, str(each.origin), each.deleted) for each in source.changes()] == [
            (1, "example.", False),
            (2, "example.", False),
            (3, "other.", False),
            (4, "example.", True),
        ]

    def test_a_file_that_did_not_change_is_no_change(self, directory: Path, source: DataSource) -> None:
        path = write(directory, 1)
        source.refresh()
        first = info(source).version
        os.utime(path)
        source.refresh()
        assert info(source).version == first

    def test_what_changed_is_in_the_journal(self, directory: Path, source: DataSource) -> None:
        write(directory, 1)
        source.refresh()
        version = info(source).version
        write(directory, 2, "x A 192.0.2.2")
        source.refresh()
        chain = source.journal(ORIGIN, 1, 2)
        assert chain is not None
        (difference,) = chain
        assert [(str(each.name), each.rdtype) for each in difference.deleted] == [("example.", 6)]
        assert [(str(each.name), each.rdtype) for each in difference.added] == [("example.", 6), ("x.example.", 1)]
        assert source.difference(ORIGIN, version + 1) is not None
        with source.snapshot() as snapshot:
            finder = snapshot.zone(ORIGIN)
            assert finder is not None
            assert finder.touched(version, 10) == {b"": {6}, b"x\0": {1}}

    def test_a_file_removed_and_put_back_is_compared_in_little_memory(
        self, directory: Path, source: DataSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(directory, 1)
        source.refresh()
        before = info(source).version
        path.unlink()
        source.refresh()
        later = before + 1_000_000  # ms: a quarter of an hour
        monkeypatch.setattr("datasrc.zonetaking.first_number", lambda: later)
        write(directory, 2)
        source.refresh()
        with source.snapshot() as snapshot:
            finder = snapshot.zone(ORIGIN)
            assert finder is not None
            tracemalloc.start()
            assert finder.touched(before, 10) is None
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 1_000_000  # octets: less than one a version

    def test_a_bad_file_keeps_the_last_good_version_of_its_zone_alone(
        self, directory: Path, source: DataSource
    ) -> None:
        path = write(directory, 1)
        write(directory, 1, file="other.zone")
        source.refresh()
        assert [each.serial for each in source.zones()] == [1, 1]
        path.write_text("$TTL 60\n@ SOA ns hostmaster 2 3600 900 604800 300\n@ NS ns\nns A 192.0.2.300\n")
        write(directory, 2, file="other.zone")
        source.refresh()
        kept = info(source)
        assert (kept.serial, kept.state) == (1, ZoneState.READY)
        assert kept.reason.startswith(f"an older version is served: {path}:4: error: ")
        assert source.zones()[0] == kept
        assert info(source, dns.name.from_text("other.")).serial == 2
        assert len(source.problems()) == 1
        assert f"{path}:4" in source.problems()[0]
        source.refresh()
        assert len(source.problems()) == 1
        write(directory, 3)
        source.refresh()
        assert (info(source).serial, info(source).reason, source.problems()) == (3, "", [])

    def test_a_zone_whose_file_was_never_good_is_broken(self, directory: Path, source: DataSource) -> None:
        path = directory / "example.zone"
        path.write_text("$TTL 60\n@ NS ns\nns A 192.0.2.1\n")
        write(directory, 1, file="other.zone")
        source.refresh()
        broken = info(source)
        assert broken.state is ZoneState.BROKEN
        assert str(path) in broken.reason
        assert "SOA" in broken.reason
        with source.snapshot() as snapshot:
            finder = snapshot.find_zone(name("www"))
            assert finder is not None
            assert finder.info.state is ZoneState.BROKEN
        assert lookup(source, "ns", "A", origin="other.").rrset is not None
        write(directory, 1)
        source.refresh()
        assert info(source).state is ZoneState.READY

    def test_a_file_that_cannot_be_read_is_told(self, directory: Path, source: DataSource) -> None:
        (directory / "example.zone").symlink_to("/proc/self/mem")  # opens, and reading fails, for root too
        source.refresh()
        assert info(source).state is ZoneState.BROKEN
        assert "Input/output error" in source.problems()[0]

    def test_two_files_of_one_zone_are_told(self, directory: Path, source: DataSource) -> None:
        write(directory, 1)
        source.refresh()
        assert info(source).serial == 1
        second = write(directory, 2, file="example")
        source.refresh()
        assert info(source).serial == 1
        assert "one zone cannot have both" in source.problems()[0]
        second.unlink()
        source.refresh()
        assert (info(source).serial, source.problems()) == (1, [])

    @pytest.mark.parametrize("file", ["a..b.zone", "x" * 64, "\\300.zone"])
    def test_a_file_whose_name_is_no_zones_is_told(self, directory: Path, source: DataSource, file: str) -> None:
        write(directory, 1)
        (directory / file).write_text(file_text(SMALL))
        source.refresh()
        assert len(source.zones()) == 1
        assert "the name of the file is not that of a zone" in source.problems()[0]

    def test_zones_are_served_on_when_the_directory_is_gone(self, directory: Path, source: DataSource) -> None:
        zones = directory / "zones"
        zones.mkdir()
        write(zones, 1)
        inner = MasterFilesSource(zones, check_every=None)
        assert len(stored(inner)) == 3
        zones.rename(directory / "away")
        inner.refresh()
        assert len(stored(inner)) == 3
        assert "there is no such directory: the zones last read are served" in inner.problems()[0]
        (directory / "away").rename(zones)
        inner.refresh()
        assert inner.problems() == []
        inner.close()

    def test_included_files_are_relative_to_the_directory(self, directory: Path, source: DataSource) -> None:
        (directory / "sub").mkdir()
        (directory / "sub" / "hosts").write_text("www A 192.0.2.80\n")
        path = write(directory, 1)
        path.write_text(f"{path.read_text()}$INCLUDE sub/hosts\n")
        source.refresh()
        assert source.problems() == []
        assert lookup(source, "www", "A").rrset is not None

    def test_nothing_is_written(self, source: DataSource) -> None:
        assert not source.writable
        with pytest.raises(ReadOnly, match="change the file instead"):
            source.updater(ORIGIN, create=True)
        with pytest.raises(ReadOnly, match="remove the file instead"):
            source.delete_zone(ORIGIN, TESTER)


class TestReading:
    """A file is read when its zone is asked for, and kept while there is room."""

    def test_no_file_is_read_that_nobody_asks_for(self, directory: Path, opened: list[str]) -> None:
        write(directory, 1)
        write(directory, 1, file="other.zone")
        source = MasterFilesSource(directory, check_every=None)
        assert len(source.zone_keys()) == 2
        write(directory, 2, file="other.zone")
        write(directory, 1, file="new.zone")
        source.refresh()
        assert [change.origin.to_text() for change in source.changes()] == ["new."]
        assert opened == []
        assert info(source, dns.name.from_text("other.")).serial == 2
        assert info(source, dns.name.from_text("other.")).serial == 2
        assert opened == ["other.zone"]
        source.close()

    def test_what_there_is_no_room_for_is_read_again(self, directory: Path, opened: list[str]) -> None:
        for file in ("a.zone", "b.zone", "c.zone"):
            os.utime(write(directory, 1, "www A 192.0.2.7", file=file), (5, 5))
        source = MasterFilesSource(directory, check_every=None, octets=1)
        for origin in ("a.", "b.", "a."):
            assert lookup(source, "www", "A", origin=origin).rrset is not None
        assert opened == ["a.zone", "b.zone", "a.zone"]
        write(directory, 2, file="b.zone")
        with pytest.raises(ZoneUnusable, match=r"b\.zone has just been written"):
            lookup(source, "www", "A", origin="b.")
        source.refresh()
        assert lookup(source, "www", "A", origin="b.").match is Match.NXDOMAIN
        source.close()

    def test_a_version_is_not_given_twice_by_two_processes(self, directory: Path) -> None:
        write(directory, 1)
        numbers = []
        for _ in range(2):
            source = MasterFilesSource(directory, check_every=None)
            numbers.append(info(source).version)
            source.close()
            wait_until(lambda: first_number() > numbers[-1])
        assert numbers[0] < numbers[1]

    @pytest.mark.parametrize("seed", range(20))
    def test_what_differs_is_what_rows_say(self, seed: int) -> None:
        chance = random.Random(seed)
        zones = []
        for serial in (1, 2):
            lines = [f"@ SOA ns hostmaster {serial} 3600 900 604800 300", "@ NS ns"]
            for number in chance.sample(range(40), 25):
                owner = f"{'WWW' if chance.random() < 0.1 else 'www'}{number}"
                lines += [f"{owner} {chance.choice((60, 60, 60, 61))} A 192.0.2.{chance.choice((1, 1, 1, 2))}"]
                lines += [f"{owner} TXT {text}" for text in chance.sample("abc", chance.randrange(3))]
            chance.shuffle(lines)
            text = "$TTL 60\n" + "\n".join(lines)
            read, findings = read_zone(BytesIO(text.encode()), "text", ORIGIN)
            assert not findings.errors
            zones.append(read.contents(serial).packed)
        before, now = ({composite_of(row): row for row in map(row_of(zone), range(zone.set_count))} for zone in zones)
        wanted = [
            (before.get(key), now.get(key))
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key)
        ]
        assert [tuple(delta) for delta in differences(*zones) or ()] == wanted
        assert differences(zones[0], zones[0]) == []
        assert zones[1].differences(zones[0], len(wanted) - 1) is None


def test_a_good_file_that_is_written_while_a_bad_one_is_read_is_read_too(directory, monkeypatch):
    """It was taken for the bad one, and the zone stayed BROKEN."""
    os.utime(write(directory, 1, "www A 192.0.2.300"), (5, 5))
    source = MasterFilesSource(directory, check_every=None)
    reads: list[str] = []

    def reading(stream, file, *arguments, **options):
        found = read_zone(stream, file, *arguments, **options)
        reads.append(file)
        if len(reads) == 1:
            os.utime(write(directory, 2), (6, 6))
            source._files.look(all_files=False)
        return found

    monkeypatch.setattr("datasrc.filezones.read_zone", reading)
    assert info(source, ORIGIN).state is ZoneState.BROKEN
    source._files.look(all_files=False)
    assert (info(source, ORIGIN).state, info(source, ORIGIN).serial) == (ZoneState.READY, 2)
    source.close()


PASSING = [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE]


class Failing:
    """Of one file: opening it, or reading on in it, fails, as where the system lacks something for a moment."""

    def __init__(self, code: int, file: str, where: str) -> None:
        self._error = OSError(code, os.strerror(code))
        self._file = file
        self._where = where
        self._open = builtins.open

    def set(self, patched: pytest.MonkeyPatch) -> None:
        patched.setattr(builtins, "open", self._opened)
        patched.setattr(Path, "open", lambda path, mode: self._opened(path, mode))

    def _opened(self, file: str | Path, *arguments: Any, **options: Any) -> Any:
        opened = self._open(file, *arguments, **options)
        if Path(file).name != self._file:
            return opened
        if self._where == "open":
            opened.close()
            raise self._error
        return FailingRead(opened, self._error)


class FailingRead:
    """A file that opens, and cannot be read."""

    def __init__(self, opened: BinaryIO, error: OSError) -> None:
        self._opened = opened
        self._error = error
        self.fileno = opened.fileno

    def read(self, _octets: int) -> bytes:
        raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._opened.close()


@pytest.mark.parametrize("code", PASSING, ids=errno.errorcode.get)
@pytest.mark.parametrize("where", ["open", "read"])
@pytest.mark.parametrize("file", ["example.zone", ".included"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_a_file_that_could_not_be_read_for_a_moment_is_read_later(directory, monkeypatch, code, where, file, known):
    """It was taken for a bad one until somebody touched it."""
    (directory / ".included").write_text("www A 192.0.2.7\n")
    os.utime(directory / ".included", (5, 5))
    os.utime(write(directory, 1, "$INCLUDE .included example.\n"), (5, 5))
    source = MasterFilesSource(directory, check_every=None)
    if known:
        assert info(source).serial == 1
        os.utime(write(directory, 2, "$INCLUDE .included example.\n"), (6, 6))
    with monkeypatch.context() as patched:
        Failing(code, file, where).set(patched)
        source._files.look(all_files=False)
        assert info(source).state is (ZoneState.READY if known else ZoneState.BROKEN)
        assert os.strerror(code) in info(source).reason
    source._files.look(all_files=False)
    assert (info(source).state, info(source).serial, info(source).reason) == (ZoneState.READY, 2 if known else 1, "")
    assert source.problems() == []
    source.close()


def test_a_bad_file_is_not_read_again_before_it_changes(directory, opened):
    os.utime(write(directory, 1, "$INCLUDE missing example.\n"), (5, 5))
    source = MasterFilesSource(directory, check_every=None)
    assert info(source).state is ZoneState.BROKEN
    for _ in range(3):
        source._files.look(all_files=False)
    assert opened == ["example.zone"]
    source.close()


def row_of(zone: PackedZone) -> Callable[[int], Row]:
    return lambda index: Row(*zone.row(index))


class TestWatching:
    def test_a_changed_file_is_served_without_being_asked_to(self, directory: Path) -> None:
        path = write(directory, 1)
        os.utime(path, (1, 1))
        source = MasterFilesSource(directory, check_every=0.01)
        assert info(source).serial == 1
        os.utime(write(directory, 2), (2, 2))
        wait_until(lambda: info(source).serial == 2)
        path.unlink()
        wait_until(lambda: source.zones() == [])
        source.close()

    def test_a_file_that_is_just_being_written_is_left_alone(self, directory: Path) -> None:
        path = write(directory, 1)
        source = MasterFilesSource(directory, check_every=None)
        assert info(source).serial == 1
        write(directory, 2)
        ahead = time.time() + 0.5  # within SETTLED whatever the time this takes
        os.utime(path, (ahead - 0.5, ahead - 0.5))
        source._files.look(all_files=False)
        assert info(source).serial == 1
        os.utime(path, (5, 5))
        source._files.look(all_files=False)
        assert info(source).serial == 2
        source.close()

    @pytest.mark.parametrize("before", ["none", "one that went"])
    def test_a_new_file_that_is_just_being_written_is_left_alone(self, directory: Path, before: str) -> None:
        os.utime(write(directory, 1, file="other.zone"), (5, 5))
        if before != "none":
            write(directory, 1)
        source = MasterFilesSource(directory, check_every=None)
        if before != "none":
            assert info(source).serial == 1
            (directory / "example.zone").unlink()
            source.refresh()
        path = directory / "example.zone"
        path.write_text("$TTL 3600\n@ SOA ns hostmaster 2 36")  # all that has been written so far
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("datasrc.zonedirectory.SETTLED", 3 * DEADLINE)
            for _ in range(2):
                source._files.look(all_files=False)
                assert served(source) == {"other."}
                assert source.problems() == []
        write(directory, 2)
        os.utime(path, (5, 5))
        source._files.look(all_files=False)
        assert served(source) == {"example.", "other."}
        assert info(source).serial == 2
        source.close()

    def test_a_new_file_is_taken_at_once_when_somebody_says_so(self, directory: Path) -> None:
        os.utime(write(directory, 1, file="other.zone"), (5, 5))
        source = MasterFilesSource(directory, check_every=None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("datasrc.zonedirectory.SETTLED", 3 * DEADLINE)
            write(directory, 1)
            source._files.look(all_files=False)
            assert served(source) == {"other."}
            source.refresh()
            assert served(source) == {"example.", "other."}
        assert info(source).serial == 1
        source.close()

    def test_a_file_that_goes_away_while_it_is_looked_at_is_gone_and_nothing_else(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("datasrc.zonedirectory.listed", _listed_and_gone(directory))
        write(directory, 1)
        write(directory, 1, file="gone.zone")
        source = MasterFilesSource(directory, check_every=0.01)
        wait_until(lambda: [str(each.origin) for each in source.zones()] == ["example."])
        write(directory, 1, file="gone.zone")
        wait_until(lambda: not (directory / "gone.zone").exists())
        os.utime(write(directory, 2), (2, 2))
        wait_until(lambda: info(source).serial == 2)
        assert source.problems() == []
        source.close()

    def test_a_file_that_cannot_be_looked_at_is_told(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(directory, 1)
        source = MasterFilesSource(directory, name="files", check_every=None)

        def stat() -> os.stat_result:
            raise OSError(errno.EIO, "Input/output error")

        unreadable = SimpleNamespace(name="example.zone", path="example.zone", stat=stat)
        monkeypatch.setattr(zonefiles, "LATE_FROM", 2)  # from now on all are looked at
        monkeypatch.setattr("datasrc.zonedirectory.listed", lambda _directory: [unreadable])
        source.refresh()
        told = "files: example.zone cannot be looked at: Input/output error: the zones last read are served"
        assert source.problems() == [told]
        assert info(source).serial == 1
        source.close()

    def test_a_defect_does_not_end_the_watch(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(directory, 1)
        source = MasterFilesSource(directory, name="files", check_every=0.01)
        assert info(source).serial == 1
        monkeypatch.setattr(zonefiles, "LATE_FROM", 2)  # from now on all are looked at
        with monkeypatch.context() as broken:
            broken.setattr("datasrc.zonedirectory.listed", lambda _directory: [None])
            wait_until(lambda: source.problems() != [])
            assert source.problems()[0].startswith("files: looking for changes failed (AttributeError(")
        os.utime(write(directory, 2), (2, 2))
        wait_until(lambda: info(source).serial == 2 and source.problems() == [])
        source.close()


def _listed_and_gone(directory: Path) -> Callable[[Path], list[os.DirEntry[str]]]:
    """Somebody removes a file each time that the directory was listed."""

    def list_and_remove(path: Path) -> list[os.DirEntry[str]]:
        found = listed(path)
        (directory / "gone.zone").unlink(missing_ok=True)
        return found

    return list_and_remove


class TestAbsence:
    """A file that is away for a moment is not gone."""

    @pytest.fixture
    def source(self, directory: Path) -> Iterator[MasterFilesSource]:
        """Of two zones, of which one was asked for."""
        zones = directory / "zones"
        zones.mkdir()
        for file in ("example.zone", "other.zone"):
            os.utime(write(zones, 1, file=file), (5, 5))
        source = MasterFilesSource(zones, check_every=None)
        assert info(source).serial == 1
        yield source
        source.close()

    def keys(self, source: MasterFilesSource) -> set[bytes]:
        return set(source.each_key())

    def test_a_file_away_for_one_look_deletes_nothing(self, directory: Path, source: MasterFilesSource) -> None:
        for file in ("example.zone", "other.zone"):
            (directory / "zones" / file).rename(directory / file)
        source._files.look(all_files=False)
        assert self.keys(source) == {b"example\x00", b"other\x00"}
        for file in ("example.zone", "other.zone"):
            (directory / file).rename(directory / "zones" / file)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("datasrc.zonedirectory.GONE_AFTER", 0.0)
            source._files.look(all_files=False)
            assert source.changes() == []
            assert served(source) == {"example.", "other."}
            (directory / "zones" / "other.zone").unlink()
            source._files.look(all_files=False)  # the look before the last does not count
            assert source.changes() == []
            source._files.look(all_files=False)
        assert [(str(one.origin), one.deleted) for one in source.changes()] == [("other.", True)]

    def test_two_looks_within_a_moment_delete_nothing(
        self, directory: Path, source: MasterFilesSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("datasrc.zonedirectory.GONE_AFTER", 3 * DEADLINE)
        (directory / "zones" / "other.zone").unlink()
        for _ in range(3):
            source._files.look(all_files=False)
        assert self.keys(source) == {b"example\x00", b"other\x00"}
        assert source.changes() == []

    @pytest.mark.parametrize("reload", [False, True])
    def test_an_empty_directory_in_its_place_deletes_nothing_until_two_looks_agree(
        self, directory: Path, source: MasterFilesSource, *, reload: bool
    ) -> None:
        """As where a file system is not mounted for a moment; `zone reload` does not take it for deletions, either."""
        zones = directory / "zones"
        for _ in range(2):
            zones.rename(directory / "away")
            zones.mkdir()
            source._files.look(all_files=reload)
            source._files.look(all_files=reload)
            assert self.keys(source) == {b"example\x00", b"other\x00"}
            zones.rmdir()
            (directory / "away").rename(zones)
            source._files.look(all_files=False)
        assert source.changes() == []
        assert served(source) == {"example.", "other."}
        zones.rename(directory / "away")
        zones.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("datasrc.zonedirectory.GONE_AFTER", 0.0)
            for _ in range(2):
                source._files.look(all_files=False)
        assert self.keys(source) == set()

    def test_what_comes_back_changed_is_a_change_of_the_zone(self, directory: Path, source: MasterFilesSource) -> None:
        (directory / "zones" / "example.zone").unlink()
        source._files.look(all_files=False)
        os.utime(write(directory / "zones", 2), (6, 6))
        source._files.look(all_files=False)
        assert [(str(one.origin), one.deleted) for one in source.changes()] == [("example.", False)]
        assert info(source).serial == 2

    def test_who_says_so_has_a_file_gone_at_once(self, directory: Path, source: MasterFilesSource) -> None:
        (directory / "zones" / "other.zone").unlink()
        source.refresh()
        assert [(str(one.origin), one.deleted) for one in source.changes()] == [("other.", True)]


class TestOpening:
    def test_a_missing_directory_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(Missing, match=f"master-files:{tmp_path}/not: there is no such directory"):
            datasrc.open(f"master-files:{tmp_path}/not")

    def test_a_url_without_a_directory_is_refused(self) -> None:
        with pytest.raises(UnknownBackend, match="names no directory"):
            datasrc.open("master-files:")

    def test_the_configuration_opens_it_beside_a_database(self, tmp_path: Path) -> None:
        (tmp_path / "zones").mkdir()
        write(tmp_path / "zones", 1)
        (tmp_path / "zones" / "bad.zone").write_text("nonsense\n")
        database = datasrc.open(f"sqlite:///{tmp_path}/zones.sqlite", create=True)
        database.close()
        sources = open_sources(
            {
                "main": {"type": "database", "url": f"sqlite:///{tmp_path}/zones.sqlite"},
                "files": {"type": "master-files", "directory": f"{tmp_path}/zones"},
            }
        )
        with sources.snapshot() as snapshot:
            finder = snapshot.find_zone(name("ns"))
            assert finder is not None
            assert finder.info.serial == 1
            assert snapshot.find_zone(dns.name.from_text("bad.")) is not None
        status = sources.status()[1]
        assert (status.name, status.failure, status.zones, len(status.problems)) == ("files", "", 2, 1)
        (tmp_path / "zones" / "bad.zone").unlink()
        sources.refresh()
        assert sources.status()[1].problems == ()
        sources.close()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Files are big, and take until this is set to be read."""
    go = threading.Event()

    def read(path: Path, origin: dns.name.Name, number: int) -> filezones.ReadFile:
        assert go.wait(DEADLINE)
        return filezones_read(path, origin, number)

    filezones_read = filezones.read_file
    monkeypatch.setattr(filezones, "QUICKLY_READ", 0)
    monkeypatch.setattr(filezones, "read_file", read)
    return go


def test_who_has_patience_is_told_that_a_file_is_being_read(directory, slow):
    path = write(directory, 1)
    source = MasterFilesSource(directory, check_every=None)
    source.take_patience(0.01)
    for _ in range(3):
        found = info(source)
        assert (found.state, found.reason) == (ZoneState.BROKEN, f"{path} is being read")
    assert [thread.name for thread in threading.enumerate()].count("zone file") == 1
    slow.set()
    wait_until(lambda: info(source).state is ZoneState.READY)
    assert info(source).serial == 1
    source.close()


def test_who_has_patience_is_told_when_a_file_is_read_again(directory, slow):
    paths = [write(directory, 1, "www A 192.0.2.7", file=f"{zone}.zone") for zone in "ab"]
    for path in paths:
        os.utime(path, (5, 5))
    source = MasterFilesSource(directory, check_every=None, octets=1)  # there is room for one
    slow.set()
    for origin in ("a.", "b."):
        assert lookup(source, "www", "A", origin=origin).rrset is not None
    source.take_patience(0.01)
    slow.clear()
    with pytest.raises(ZoneUnusable, match=re.escape(f"{paths[0]} is being read")):
        lookup(source, "www", "A", origin="a.")
    slow.set()
    source.take_patience(DEADLINE)
    assert lookup(source, "www", "A", origin="a.").rrset is not None
    source.close()


def test_small_files_that_changed_do_not_wait_for_a_large_one_to_be_read(directory, monkeypatch):
    go, begun = threading.Event(), threading.Event()

    def read(path: Path, origin: dns.name.Name, number: int) -> filezones.ReadFile:
        if path.name == "big.zone":
            begun.set()
            assert go.wait(DEADLINE)
        return filezones.read_file(path, origin, number)

    big = "".join(f"h{number} A 192.0.2.1\n" for number in range(100))
    monkeypatch.setattr(filezones, "QUICKLY_READ", 1000)
    files = {"a.zone": "", "big.zone": big, "z.zone": ""}
    for file, extra in files.items():
        os.utime(write(directory, 1, extra, file), (5, 5))
    source = MasterFilesSource(directory, check_every=None)
    origins = [dns.name.from_text(text) for text in ("a.", "big.", "z.")]
    assert [info(source, origin).serial for origin in origins] == [1, 1, 1]
    monkeypatch.setattr("datasrc.zonetaking.read_file", read)
    for file, extra in files.items():
        os.utime(write(directory, 2, extra, file), (6, 6))
    looking = threading.Thread(target=source.refresh, daemon=True)
    looking.start()
    assert begun.wait(DEADLINE)
    assert [info(source, origin).serial for origin in origins] == [2, 1, 2]
    go.set()
    looking.join()
    assert [info(source, origin).serial for origin in origins] == [2, 2, 2]
    source.close()


def test_what_goes_wrong_while_somebody_waits_is_told(directory, slow):
    path = write(directory, 1, "www A 192.0.2.300\n")
    source = MasterFilesSource(directory, check_every=None)
    source.take_patience(DEADLINE)
    slow.set()
    assert str(path) in info(source).reason
    assert info(source).state is ZoneState.BROKEN
    source.close()


def test_a_zone_may_get_a_second_file_and_lose_any_of_them(directory):
    """Whatever is known of the directory."""
    origin, both = dns.name.from_text("b."), "there is B.zone beside it"
    source = MasterFilesSource(directory, check_every=None)
    for file in ("B.zone", "b"):
        os.utime(write(directory, 1, file=file), (5, 5))
    source.refresh()
    assert (info(source, origin).state, both in info(source, origin).reason) == (ZoneState.BROKEN, True)
    assert [both in problem for problem in source.problems()] == [True]
    (directory / "b").unlink()
    source.refresh()
    assert (info(source, origin).serial, info(source, origin).reason, source.problems()) == (1, "", [])
    os.utime(write(directory, 2, file="b"), (5, 5))
    source.refresh()
    assert (info(source, origin).serial, both in info(source, origin).reason) == (1, True)
    (directory / "B.zone").unlink()
    source.refresh()
    assert (info(source, origin).serial, info(source, origin).reason, source.problems()) == (2, "", [])
    os.utime(write(directory, 3, file="B.zone"), (5, 5))
    source.refresh()
    for file in ("B.zone", "b"):
        (directory / file).unlink()
    source.refresh()
    assert (source.held([b"b\x00"]), source.problems(), source.zones()) == (set(), [], [])
    assert [(str(one.origin), one.deleted) for one in source.changes()][-1] == ("b.", True)
    source.close()


def test_zones_with_odd_names_and_with_two_files_are_surveyed(directory):
    for file in ("a.zone", "B.zone", "c", "C.zone", "x..y"):
        os.utime(write(directory, 1, file=file), (5, 5))
    source = MasterFilesSource(directory, check_every=None)
    found = {str(one.origin): (one.state, one.serial) for one in source.survey(lambda _key, _version: False)}
    broken = (ZoneState.BROKEN, None)
    assert {origin.lower(): state for origin, state in found.items()} == {
        "a.": (ZoneState.READY, 1),
        "b.": (ZoneState.READY, 1),
        "c.": broken,
    }
    after = MasterFilesSource(directory, check_every=None)
    after.recall(source.remembered())
    assert [str(one.origin) for one in after.survey(lambda _key, _version: True)] == ["c."]
    assert len(after.problems()) == 2
    for one in (source, after):
        one.close()


class TestIncluding:
    """A file that a zone file includes is part of it: a change of it is a change of the zone."""

    @pytest.fixture
    def parts(self, directory: Path) -> Path:
        (directory / "parts").mkdir()
        return directory / "parts"

    @pytest.fixture
    def source(self, directory: Path, parts: Path) -> Iterator[MasterFilesSource]:
        os.utime(write(directory, 1, "$INCLUDE parts/hosts example.\n"), (5, 5))
        os.utime(write(directory, 1, file="other.zone"), (5, 5))
        source = MasterFilesSource(directory, check_every=None)
        yield source
        source.close()

    def put(self, parts: Path, text: str, file: str = "hosts") -> None:
        """As whoever writes a file beside the old one, a while ago, and renames it."""
        (parts / "new").write_text(text)
        os.utime(parts / "new", (5, 5))
        (parts / "new").rename(parts / file)

    def look(self, source: MasterFilesSource) -> None:
        source._files.look(all_files=False)

    def address(self, source: MasterFilesSource) -> str:
        rrset = lookup(source, "www", "A").rrset
        assert rrset is not None
        return socket.inet_ntoa(rrset.rdatas[0])

    def test_a_changed_included_file_is_served_without_being_asked_to(
        self, source: MasterFilesSource, parts: Path, opened: list[str]
    ) -> None:
        """It was not before somebody asked, or the file that includes it was changed as well."""
        self.put(parts, "www A 192.0.2.1\n")
        assert self.address(source) == "192.0.2.1"
        other, before = info(source, dns.name.from_text("other.")).version, info(source).version
        opened.clear()
        self.look(source)
        assert opened == []
        self.put(parts, "www A 192.0.2.2\n")
        for _ in range(2):
            self.look(source)
        assert opened == ["example.zone"]
        assert self.address(source) == "192.0.2.2"
        assert info(source).version > before
        assert info(source, dns.name.from_text("other.")).version == other
        assert [str(change.origin) for change in source.changes()] == ["example."]

    def test_a_file_included_by_an_included_one_counts_too(self, source: MasterFilesSource, parts: Path) -> None:
        self.put(parts, "$INCLUDE more\n")
        for number in range(1, 4):
            self.put(parts, f"www A 192.0.2.{number}\n", "more")
            self.look(source)
            assert self.address(source) == f"192.0.2.{number}"

    @pytest.mark.parametrize("fault", ["bad", "gone"])
    def test_a_bad_included_file_keeps_the_last_good_version_until_it_is_mended(
        self, source: MasterFilesSource, parts: Path, opened: list[str], fault: str
    ) -> None:
        self.put(parts, "www A 192.0.2.1\n")
        assert self.address(source) == "192.0.2.1"
        opened.clear()
        if fault == "bad":
            self.put(parts, "www A 192.0.2.300\n")
        else:
            (parts / "hosts").unlink()
        for _ in range(3):
            self.look(source)
        assert opened == ["example.zone"]
        assert self.address(source) == "192.0.2.1"
        assert str(parts / "hosts") in source.problems()[0]
        self.put(parts, "www A 192.0.2.2\n")
        self.look(source)
        assert self.address(source) == "192.0.2.2"
        assert source.problems() == []

    def test_a_file_whose_included_file_is_missing_is_good_as_soon_as_that_appears(
        self, source: MasterFilesSource, parts: Path
    ) -> None:
        assert info(source).state is ZoneState.BROKEN
        self.put(parts, "www A 192.0.2.1\n")
        self.look(source)
        assert (self.address(source), source.problems()) == ("192.0.2.1", [])

    def test_what_is_no_path_at_all_keeps_no_other_file_from_being_looked_at(
        self, source: MasterFilesSource, directory: Path
    ) -> None:
        os.utime(write(directory, 2, "$INCLUDE a\\000b example.\n"), (6, 6))
        assert info(source).state is ZoneState.BROKEN
        assert info(source, dns.name.from_text("other.")).serial == 1
        os.utime(write(directory, 2, file="other.zone"), (6, 6))
        self.look(source)
        assert info(source, dns.name.from_text("other.")).serial == 2

    def test_an_included_file_that_is_just_being_written_is_left_alone(
        self, source: MasterFilesSource, parts: Path
    ) -> None:
        self.put(parts, "www A 192.0.2.1\n")
        assert self.address(source) == "192.0.2.1"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("datasrc.zonedirectory.SETTLED", 3 * DEADLINE)
            (parts / "hosts").write_text("www A 192.0.2.2")  # and two more digits, say
            self.look(source)
            assert self.address(source) == "192.0.2.1"
        self.put(parts, "www A 192.0.2.211\n")
        self.look(source)
        assert self.address(source) == "192.0.2.211"

    def test_a_change_that_is_not_noticed_yet_is_not_served_as_the_version_before(
        self, directory: Path, parts: Path
    ) -> None:
        """Where sets are not kept they are read again: an image would be made of other data than the next change."""
        self.put(parts, "www A 192.0.2.1\n")
        os.utime(write(directory, 1, "$INCLUDE parts/hosts example.\n"), (5, 5))
        os.utime(write(directory, 1, file="other.zone"), (5, 5))
        source = MasterFilesSource(directory, check_every=None, octets=1)  # there is room for one
        assert self.address(source) == "192.0.2.1"
        before = info(source).version
        assert lookup(source, "ns", "A", origin="other.").rrset is not None
        self.put(parts, "www A 192.0.2.2\n")
        with pytest.raises(ZoneUnusable, match="has just been written: it is about to be read"):
            self.address(source)
        self.look(source)
        assert self.address(source) == "192.0.2.2"
        assert info(source).version > before
        source.close()

    def test_an_included_file_that_was_too_large_to_be_read_is_when_it_is_not(
        self, source: MasterFilesSource, parts: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read(stream, file, *arguments, **options):
            found = read_zone(stream, file, *arguments, **options)
            if (parts / "hosts").stat().st_size > 1000:
                raise MemoryError
            return found

        monkeypatch.setattr("datasrc.filezones.read_zone", read)
        self.put(parts, "www A 192.0.2.1\n" * 1000)
        assert "not enough memory" in info(source).reason
        self.put(parts, "www A 192.0.2.2\n")
        self.look(source)
        assert self.address(source) == "192.0.2.2"

    def test_what_was_told_of_a_file_that_includes_others_is_looked_at_once(
        self, source: MasterFilesSource, directory: Path, parts: Path, opened: list[str]
    ) -> None:
        """Nobody knows what they were; from then on it is known."""
        self.put(parts, "www A 192.0.2.1\n")
        version = info(source).version
        after = MasterFilesSource(directory, check_every=None)
        after.recall(source.remembered())
        self.put(parts, "www A 192.0.2.300\n")
        assert info(after).version == version
        for _ in range(2):
            opened.clear()
            self.look(after)
        assert opened == []
        assert (info(after).version, len(after.problems())) == (version, 1)
        self.put(parts, "www A 192.0.2.2\n")
        self.look(after)
        assert (self.address(after), after.problems()) == ("192.0.2.2", [])
        assert info(after).version > version
        after.close()


class TestVeryMany:
    """Nothing is known of zones but their names until all are asked for."""

    @pytest.fixture
    def known_first(self) -> str:
        return "names"

    @pytest.fixture
    def source(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MasterFilesSource]:
        monkeypatch.setattr(zonefiles, "LATE_FROM", 3)
        monkeypatch.setattr(filezones, "CERTAIN", 0.0)  # this file system counts nanoseconds
        for file in ("a.zone", "b.zone", "x.a", "d.zone"):
            os.utime(write(directory, 1, file=file), (5, 5))
        source = MasterFilesSource(directory, name="files", check_every=None)
        yield source
        source.close()

    def test_which_zones_were_asked_for_is_forgotten_and_what_was_read_is_not(
        self, directory: Path, source: MasterFilesSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(directoryzones, "MOST_ZONES", 2)
        bad = dns.name.from_text("bad.")
        os.utime(write(directory, 1, "www A 192.0.2.300", file="bad.zone"), (5, 5))
        few = MasterFilesSource(directory, check_every=None)
        origins = [dns.name.from_text(text) for text in ("a.", "b.", "x.a.", "d.")]
        versions = [info(few, origin).version for origin in [bad, *origins]][1:]
        assert len(few._zones) <= 3  # the bad one and the last
        assert info(few, bad).state is ZoneState.BROKEN
        assert sorted(FileMemory(few.remembered())) == ["a.zone", "b.zone", "d.zone", "x.a"]
        assert [info(few, origin).version for origin in origins] == versions
        os.utime(write(directory, 2, file="a.zone"), (6, 6))
        (directory / "b.zone").unlink()
        few.refresh()
        assert [(str(one.origin), one.deleted) for one in few.changes()] == [("b.", True), ("a.", False)]
        assert (info(few, origins[0]).serial, info(few, origins[2]).version) == (2, versions[2])
        assert sorted(FileMemory(few.remembered())) == ["a.zone", "d.zone", "x.a"]
        few.close()

    def test_what_is_forgotten_while_others_ask_is_answered_all_the_same(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(zonefiles, "LATE_FROM", 3)
        monkeypatch.setattr(filezones, "CERTAIN", 0.0)
        monkeypatch.setattr(directoryzones, "MOST_ZONES", 2)
        for number in range(8):
            text = "www A 192.0.2.300" if number == 7 else f"www A 192.0.2.{number}"
            os.utime(write(directory, 1, text, file=f"z{number}.zone"), (5, 5))
        source = MasterFilesSource(directory, check_every=None)

        def ask(seed: int) -> set[tuple[int, str]]:
            chance, found = random.Random(seed), set[tuple[int, str]]()
            for turn in range(100):
                number = chance.randrange(8)
                state = info(source, dns.name.from_text(f"z{number}.")).state
                if state is ZoneState.READY:
                    answer = lookup(source, "www", "A", origin=f"z{number}.").rrset
                    assert answer is not None
                    found.add((number, socket.inet_ntoa(answer.rdatas[0])))
                if turn % 10 == seed:
                    source.refresh()
            return found

        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(ask, range(4)):
                assert found == {(number, f"192.0.2.{number}") for number in range(7)}
        source.close()

    def test_only_what_is_asked_for_is_looked_at(self, source: MasterFilesSource, monkeypatch) -> None:
        looked: list[str] = []

        def status_of(entry: os.DirEntry[str]) -> os.stat_result:
            looked.append(entry.name)
            return entry.stat()

        monkeypatch.setattr("datasrc.zonedirectory.status_of", status_of)
        assert set(source.each_key()) == {b"a\x00", b"b\x00", b"a\x00x\x00", b"d\x00"}
        assert source.held([b"a\x00x\x00", b"c\x00", b"zone\x00a\x00", b"x.a\x00"]) == {b"a\x00x\x00"}
        with source.snapshot() as snapshot:
            for asked, found in (("www.x.a.", "x.a."), ("y.a.", "a."), ("b.", "b."), ("a.zone.", None), (".", None)):
                finder = snapshot.find_zone(dns.name.from_text(asked))
                assert (finder and finder.info.origin.to_text()) == found
            assert snapshot.find_zone(Name((b"x.a", b""))) is None
        source.refresh()
        assert looked == []
        assert [str(one.origin) for one in source.zones()] == ["a.", "x.a.", "b.", "d."]
        assert sorted(looked) == ["a.zone", "b.zone", "d.zone", "x.a"]
        assert source.changes() == []

    @pytest.mark.parametrize("whole", [False, True])
    @pytest.mark.parametrize("known", [False, True])
    def test_a_file_with_the_other_name_of_its_zone_is_a_change(
        self, directory: Path, source: MasterFilesSource, *, known: bool, whole: bool
    ) -> None:
        """Nobody heard of it, or of what was written to it from then on."""
        origin, number = dns.name.from_text("x.a."), 0
        if known:
            before = MasterFilesSource(directory, check_every=None)
            number = info(before, origin).version
            source.recall(before.remembered())
            before.close()
        (directory / "x.a").unlink()
        for serial in (2, 3):
            os.utime(write(directory, serial, file="x.a.zone"), (serial + 4, serial + 4))
            if whole and serial == 2:
                source.zones()
            else:
                source._files.look(all_files=False)
            if known or not whole:  # else nobody asked for it before
                told = [(str(one.origin), one.deleted) for one in source.changes()]
                assert told == [("x.a.", False)] * (serial - 1)
            assert info(source, origin).serial == serial
            assert info(source, origin).version > number
            number = info(source, origin).version
        assert [name for name in FileMemory(source.remembered()) if name.startswith("x")] == ["x.a.zone"]

    @pytest.mark.parametrize("asked", [[], ["a.", "b."]])
    @pytest.mark.parametrize("whole", [False, True])
    def test_what_changes_is_told(
        self, directory: Path, source: MasterFilesSource, asked: list[str], *, whole: bool
    ) -> None:
        for origin in asked:
            assert info(source, dns.name.from_text(origin)).serial == 1
        (directory / "a.zone").unlink()
        os.utime(write(directory, 1, file="c.zone"), (5, 5))
        os.utime(write(directory, 2, file="b.zone"), (6, 6))
        if whole:
            assert {str(one.origin) for one in source.zones()} >= {"a.", "b.", "d."}  # one look does not delete
        source.refresh()
        changed = {change.origin.to_text(): change.deleted for change in source.changes()}
        assert changed == {"a.": True, "c.": False} | ({"b.": False} if asked else {})
        assert set(source.each_key()) == {b"b\x00", b"c\x00", b"a\x00x\x00", b"d\x00"}
        with source.snapshot() as snapshot:
            assert snapshot.zone(dns.name.from_text("a.")) is None
        assert info(source, dns.name.from_text("b.")).serial == 2
        write(directory, 3, file="a.zone")
        source.refresh()
        assert info(source, dns.name.from_text("a.")).serial == 3
        versions = [change.version for change in source.changes() if change.origin == dns.name.from_text("a.")]
        assert versions[0] < versions[1]

    @pytest.mark.parametrize(
        ("file", "problem"),
        [("a", "there is a beside it"), ("A.zone", "there is A.zone beside it"), ("b...zone", "not that of a zone")],
    )
    def test_odd_names_are_told_and_no_other_file_is_looked_at(
        self, directory: Path, source: MasterFilesSource, file: str, problem: str
    ) -> None:
        """All were, and an object made of each, for as long as there was one such name."""
        assert info(source, dns.name.from_text("a.")).serial == 1
        write(directory, 1, file=file)
        for one in (source, MasterFilesSource(directory, check_every=None)):
            one.refresh()
            assert problem in one.problems()[0]
            assert len(one.zone_keys()) == 4
            assert len(one._zones) <= 1
        (directory / file).unlink()
        source.refresh()
        assert source.problems() == []
        assert info(source, dns.name.from_text("a.")).serial == 1

    def test_a_link_is_looked_at(self, directory: Path, source: MasterFilesSource) -> None:
        (directory / "c.zone").symlink_to(directory / "away")
        source.refresh()
        assert len(source.zone_keys()) == 4
        os.utime(write(directory, 1, file="away"), (5, 5))
        source.refresh()
        assert info(source, dns.name.from_text("c.")).serial == 1

    def test_a_file_that_has_just_gone_is_a_broken_zone_until_that_is_sure(
        self, directory: Path, source: MasterFilesSource
    ) -> None:
        """Not the zone above it, and not none: it may be back in a moment."""
        (directory / "x.a").unlink()
        with source.snapshot() as snapshot:
            finder = snapshot.find_zone(dns.name.from_text("x.a."))
            assert finder is not None
            assert (finder.info.origin.to_text(), finder.info.state) == ("x.a.", ZoneState.BROKEN)
            assert "not there at the moment" in finder.info.reason
        source.refresh()
        assert [(str(one.origin), one.deleted) for one in source.changes()] == [("x.a.", True)]

    def test_a_file_that_was_away_for_a_moment_is_answered_as_soon_as_it_is_back(
        self, directory: Path, source: MasterFilesSource
    ) -> None:
        """What a snapshot had in its place stayed for others until the next look."""
        origin = dns.name.from_text("x.a.")
        (directory / "x.a").rename(directory / ".x.a")
        assert info(source, origin).state is ZoneState.BROKEN
        (directory / ".x.a").rename(directory / "x.a")
        assert (info(source, origin).state, info(source, origin).serial) == (ZoneState.READY, 1)
        assert source.changes() == []

    def test_a_snapshot_stays_as_it_is_while_all_are_looked_at(
        self, directory: Path, source: MasterFilesSource
    ) -> None:
        def serial(of: Snapshot, origin: str) -> int | None:
            finder = of.find_zone(dns.name.from_text(origin))
            assert finder is not None
            return finder.info.serial

        with source.snapshot() as before:
            assert serial(before, "b.") == 1
            source.zones()
            os.utime(write(directory, 2, file="b.zone"), (6, 6))
            source.refresh()
            assert (serial(before, "b."), serial(before, "d.")) == (1, 1)
        assert info(source, dns.name.from_text("b.")).serial == 2

    def test_what_was_told_of_files_is_enough_until_they_change(
        self, directory: Path, source: MasterFilesSource, opened: list[str]
    ) -> None:
        versions = {str(one.origin): one.version for one in source.zones()}
        packed = source.remembered()
        told = FileMemory(packed)
        assert sorted(told) == ["a.zone", "b.zone", "d.zone", "x.a"]
        opened.clear()
        (directory / "x.a").unlink()
        os.utime(write(directory, 2, file="b.zone"), (6, 6))
        after = MasterFilesSource(directory, check_every=None)
        after.recall(packed)
        assert FileMemory(after.remembered()) == {name: one for name, one in told.items() if name != "x.a"}
        known = {(name_key(dns.name.from_text(origin)), version) for origin, version in versions.items()}
        found = {str(one.origin): one for one in after.survey(lambda key, version: (key, version) in known)}
        assert {origin: one.serial for origin, one in found.items()} == {"b.": 2}
        assert opened == ["b.zone"]
        assert [str(one.origin) for one in after.changes()] == ["b."]
        os.utime(write(directory, 3, file="a.zone"), (7, 7))
        (directory / "d.zone").unlink()
        after.refresh()
        assert opened == ["b.zone", "a.zone"]
        assert [(str(one.origin), one.deleted) for one in after.changes(1)] == [("d.", True), ("a.", False)]
        assert info(after, dns.name.from_text("a.")).version > versions["a."]
        after.close()

    def test_a_bad_file_does_not_take_away_what_was_told(
        self, directory: Path, source: MasterFilesSource, opened: list[str]
    ) -> None:
        assert len(source.zones()) == 4
        packed = source.remembered()
        told = FileMemory(packed)
        for ask in (lambda one: one.zones(), lambda one: list(one.survey(lambda *_: True))):
            os.utime(write(directory, 1, "www A 192.0.2.300", file="a.zone"), (8, 8))
            after = MasterFilesSource(directory, check_every=None)
            after.recall(packed)
            found = {str(one.origin): one for one in ask(after)}
            assert (found["a."].serial, found["a."].version) == (1, told["a.zone"].version)
            assert "192.0.2.300" in found["a."].reason
            assert FileMemory(after.remembered())["a.zone"] == told["a.zone"]
            after.close()
