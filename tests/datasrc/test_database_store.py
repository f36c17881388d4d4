"""The database as a file: missing, damaged, locked, replaced; schema versions; rows nobody should have written."""

from __future__ import annotations

import io
import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.name
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

import datasrc
from datasrc.database import DatabaseSource
from datasrc.database.schema import HEAD
from datasrc.errors import (
    Damaged,
    Locked,
    Missing,
    ReadOnly,
    SchemaTooNew,
    SchemaTooOld,
    StorageError,
    UnknownBackend,
    ZoneUnusable,
)
from datasrc.pending import CHUNK
from datasrc.records import Match, ZoneState
from datasrc.source import DataSource
from datasrc.zonetext_zone import read_zone
from tests.datasrc.contract import zone
from tests.datasrc.contract_writing import ORIGIN, info
from tests.datasrc.zonemaking import SMALL, TESTER, change, load, name, rrset, stored

PYTHON = re.escape(sys.executable)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "zones.sqlite"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def source(url: str) -> Iterator[DataSource]:
    source = datasrc.open(url, create=True)
    yield source
    source.close()


def execute(path: Path, statement: str, *parameters: object) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement, parameters)
    connection.close()


class TestTheFile:
    def test_a_missing_file_is_not_made_by_opening(self, path: Path, url: str) -> None:
        with pytest.raises(Missing, match=f"{path}: there is no such file"):
            datasrc.open(url)
        assert not path.exists()

    def test_a_missing_directory_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(Missing, match="directory cannot be opened: No such file or directory"):
            datasrc.open(f"sqlite:///{tmp_path}/not/there.sqlite", create=True)

    def test_zones_are_still_there_after_reopening(self, source: DataSource, url: str) -> None:
        load(source, SMALL)
        source.close()
        again = datasrc.open(url)
        assert len(stored(again)) == 3
        again.close()

    def test_what_is_no_database_is_damaged(self, path: Path, url: str) -> None:
        path.write_bytes(b"This is no database. " * 100)
        with pytest.raises(Damaged, match="not an SQLite database"):
            datasrc.open(url)
        with pytest.raises(Damaged):
            datasrc.open(url, create=True)
        assert path.read_bytes().startswith(b"This is no database.")

    def test_a_directory_is_no_database(self, path: Path, url: str) -> None:
        path.mkdir()
        with pytest.raises(StorageError, match="cannot be opened"):
            datasrc.open(url)

    def test_the_database_of_another_program_is_not_touched(self, path: Path, url: str) -> None:
        execute(path, "CREATE TABLE records (name TEXT)")
        for create in (False, True):
            with pytest.raises(Damaged, match="not a database of zones: it has the tables records"):
                datasrc.open(url, create=create)

    def test_an_interrupted_creation_is_finished(self, path: Path, url: str) -> None:
        path.touch()
        with pytest.raises(SchemaTooOld, match=f"an empty database: run `{PYTHON} -m datasrc migrate"):
            datasrc.open(url)
        source = datasrc.open(url, create=True)
        assert load(source, SMALL) is not None
        source.close()

    def test_damaged_pages_are_told_and_end_no_other_zone(self, source: DataSource, path: Path) -> None:
        load(source, SMALL + "\n".join(f"x{number} TXT {'t' * 200}" for number in range(500)))
        source.close()
        octets = bytearray(path.read_bytes())
        for page in range(10, len(octets) // 4096):
            octets[page * 4096 : page * 4096 + 100] = b"\xff" * 100
        path.write_bytes(octets)
        with pytest.raises(Damaged, match="the file is damaged"), zone(source) as finder:
            list(finder.rrsets())

    def test_a_replaced_file_is_noticed(self, source: DataSource, path: Path, tmp_path: Path) -> None:
        load(source, SMALL)
        other = datasrc.open(f"sqlite:///{tmp_path}/other.sqlite", create=True)
        load(other, SMALL, "other.")
        other.close()
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        (tmp_path / "other.sqlite").rename(path)
        assert [str(each.origin) for each in source.zones()] == ["other."]

    def test_a_removed_file_is_missing_until_it_is_back(self, source: DataSource, path: Path) -> None:
        load(source, SMALL)
        source.close()
        moved = path.rename(path.with_suffix(".away"))
        with pytest.raises(Missing), source.snapshot():
            pass
        with pytest.raises(Missing):
            source.updater(ORIGIN)
        moved.rename(path)
        assert len(stored(source)) == 3

    def test_it_is_kept_safe_against_power_loss(self, source: DataSource) -> None:
        assert isinstance(source, DatabaseSource)
        with source._database.read() as connection:
            pragmas = {
                pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
                for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


class TestLocks:
    def test_a_writer_that_waits_too_long_says_so(
        self, source: DataSource, path: Path, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(source, SMALL)
        monkeypatch.setattr("datasrc.database.engine.BUSY_TIMEOUT", 0.05)
        impatient = datasrc.open(url)
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with impatient.updater(ORIGIN) as updater:
            updater.add(rrset("x A 192.0.2.1"))
            with pytest.raises(Locked, match="another process held its lock"):
                updater.commit(TESTER)
            assert len(stored(impatient)) == 3  # reading goes on
            blocker.execute("ROLLBACK")
            assert updater.commit(TESTER) is not None  # and the transaction may be tried again
        blocker.close()
        impatient.close()

    def test_a_writer_waits_for_another(self, source: DataSource, path: Path) -> None:
        load(source, SMALL)
        blocker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        blocker.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, lambda: blocker.execute("ROLLBACK"))
        release.start()
        assert change(source, 2) is not None
        release.join()
        blocker.close()

    def test_no_lock_is_held_while_a_transaction_is_collected(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.updater(ORIGIN) as slow:
            slow.add(rrset("slow A 192.0.2.1"))
            load(source, SMALL, "other.")
            assert slow.commit(TESTER) is not None

    def test_threads_share_a_source(self, source: DataSource) -> None:
        load(source, SMALL)
        seen: list[int] = []

        def read() -> None:
            for _ in range(20):
                with zone(source) as finder:
                    seen.append(len(list(finder.rrsets())))

        readers = [threading.Thread(target=read) for _ in range(8)]
        for reader in readers:
            reader.start()
        for serial in range(2, 12):
            change(source, serial)
        for reader in readers:
            reader.join()
        assert seen == [3] * 160

    def test_a_read_only_source_refuses_to_write(self, source: DataSource, url: str) -> None:
        load(source, SMALL)
        reader = datasrc.open(url, read_only=True, name="main")
        assert not reader.writable
        with pytest.raises(ReadOnly, match=r"main, zone example\.: this data source is only read"):
            reader.updater(ORIGIN)
        with pytest.raises(ReadOnly):
            reader.delete_zone(ORIGIN, TESTER)
        assert len(stored(reader)) == 3
        reader.close()

    def test_an_abandoned_iteration_hinders_nobody(self, source: DataSource) -> None:
        load(source, SMALL + "\n".join(f"x{number} A 192.0.2.1" for number in range(5000)))
        with zone(source) as finder:
            sets = finder.rrsets()
            next(sets)
            next(sets)
        assert change(source, 2) is not None


class TestSchemaVersions:
    def test_an_older_schema_is_named_with_its_remedy(self, source: DataSource, url: str, path: Path) -> None:
        source.close()
        execute(path, "UPDATE schema_version SET version_num = '0001'")
        with pytest.raises(
            SchemaTooOld, match=f"its schema is 0001, this release needs {HEAD}: run `{PYTHON} -m datasrc"
        ):
            datasrc.open(url, create=True)

    def test_a_newer_schema_is_refused(self, source: DataSource, url: str, path: Path) -> None:
        source.close()
        execute(path, "UPDATE schema_version SET version_num = '0815'")
        with pytest.raises(SchemaTooNew, match=f"its schema is 0815, this release knows {HEAD} at most"):
            datasrc.open(url, create=True)


class TestDamagedRows:
    @pytest.mark.parametrize("blob", [b"", b"\x00", b"\x00\x09abc", b"\x00\x04abcd\x00"])
    def test_a_damaged_set_is_an_error_of_its_zone(self, source: DataSource, path: Path, blob: bytes) -> None:
        load(source, SMALL + "x A 192.0.2.9")
        load(source, SMALL, "other.")
        execute(path, "UPDATE rrsets SET rdatas = ? WHERE key = ?", blob, b"x\x00")
        with zone(source) as finder:
            assert finder.find(name("ns"), 1).match is Match.SUCCESS
            with pytest.raises(ZoneUnusable, match=r"zone example\.: the type 1 set .* is damaged"):
                finder.find(name("x"), 1)
            with pytest.raises(ZoneUnusable):
                list(finder.rrsets())
        with zone(source, "other.") as finder:
            assert finder.find(name("ns", "other."), 1).match is Match.SUCCESS

    @pytest.mark.parametrize("owner", [b"", b"\x03", b"\x01y\x07example\x00", b"\xff" * 10, b"\x00"])
    def test_a_damaged_owner_is_an_error_of_its_zone(self, source: DataSource, path: Path, owner: bytes) -> None:
        load(source, SMALL + "x A 192.0.2.9")
        execute(path, "UPDATE rrsets SET owner = ? WHERE key = ?", owner, b"x\x00")
        with zone(source) as finder, pytest.raises(ZoneUnusable, match="damaged"):
            finder.find(name("x"), 1)

    @pytest.mark.parametrize(
        ("statement", "reason"),
        [
            ("DELETE FROM rrsets WHERE key = x'' AND type = 6", "no SOA records at its apex"),
            ("DELETE FROM rrsets WHERE key = x'' AND type = 2", "no NS records at its apex"),
            ("UPDATE rrsets SET rdatas = x'00' WHERE type = 6", "a record at its apex is damaged"),
            ("UPDATE rrsets SET rdatas = x'00020000' WHERE type = 6", "its SOA record is damaged"),
            ("UPDATE rrsets SET rdatas = CAST(rdatas || rdatas AS BLOB) WHERE type = 6", "2 SOA records at its apex"),
        ],
    )
    def test_a_zone_without_a_sound_apex_is_broken(
        self, source: DataSource, path: Path, statement: str, reason: str
    ) -> None:
        load(source, SMALL)
        load(source, SMALL, "other.")
        execute(path, f"{statement} AND zone = (SELECT id FROM zones WHERE key = ?)", b"example\x00")
        broken = info(source)
        assert broken.state is ZoneState.BROKEN
        assert reason in broken.reason
        assert info(source, dns.name.from_text("other.")).state is ZoneState.READY
        assert [each.state for each in source.zones()] == [ZoneState.BROKEN, ZoneState.READY]
        assert load(source, SMALL) is not None  # and loading it again mends it
        assert info(source).state is ZoneState.READY

    def test_a_replacement_mends_a_damaged_set(self, source: DataSource, path: Path) -> None:
        text = SMALL + "x A 192.0.2.9|192.0.2.10"
        load(source, text)
        execute(path, "UPDATE rrsets SET rdatas = x'0004ffff' WHERE key = ?", b"x\x00")
        with source.updater(ORIGIN) as updater:
            updater.add(rrset("x A 192.0.2.11"))
            with pytest.raises(ZoneUnusable, match="load the whole zone again"):
                updater.commit(TESTER)
        assert load(source, text) is not None
        assert len(stored(source)) == info(source).records == 5
        difference = source.difference(ORIGIN, 2)
        assert difference is not None
        assert difference.from_serial is None  # what there was before is not known, so it is in no chain

    def test_a_damaged_origin_is_read_from_its_key(self, source: DataSource, path: Path) -> None:
        load(source, SMALL)
        execute(path, "UPDATE zones SET origin = x'07ff'")
        assert info(source).origin == ORIGIN
        assert [each.origin for each in source.changes()] == [ORIGIN]

    def test_a_damaged_journal_is_told(self, source: DataSource, path: Path) -> None:
        load(source, SMALL)
        change(source, 2, add="x A 192.0.2.1")
        execute(path, "UPDATE journal_rrsets SET rdatas = x'00'")
        with pytest.raises(Damaged, match="its journal is damaged"):
            source.difference(ORIGIN, 2)


class TestCost:
    """A lookup is a handful of queries, however deep the name."""

    @pytest.fixture
    def statements(self, source: DataSource) -> Iterator[list[str]]:
        """Each SELECT as SQLite sees it, whoever handed it over."""
        seen: list[str] = []

        def note(statement: str) -> None:
            if statement.startswith("SELECT"):
                seen.append(statement)

        def trace(driver: sqlite3.Connection, *_rest: object) -> None:
            driver.set_trace_callback(note)

        event.listen(Pool, "checkout", trace)
        source.close()  # connections are made anew
        yield seen
        event.remove(Pool, "checkout", trace)

    @pytest.mark.parametrize(
        ("owner", "kind", "match", "most"),
        [
            ("ns", 1, Match.SUCCESS, 1),
            ("ns", 16, Match.NODATA, 2),
            (".".join(["x"] * 100), 1, Match.NXDOMAIN, 4),
            (".".join(["x"] * 100) + ".wild", 1, Match.SUCCESS, 3),
            (".".join(["x"] * 100) + ".cut", 1, Match.DELEGATION, 1),
        ],
    )
    def test_a_lookup_costs_few_queries(
        self, source: DataSource, statements: list[str], owner: str, kind: int, match: Match, most: int
    ) -> None:
        load(source, SMALL + "*.wild A 192.0.2.1\ncut NS ns")
        with source.snapshot() as snapshot:
            statements.clear()
            finder = snapshot.find_zone(name(owner))
            assert finder is not None
            assert len(statements) == 1
            assert finder.rrset(ORIGIN, 6) is not None  # came with the zone
            assert len(statements) == 1
            assert finder.find(name(owner), kind).match is match
            assert len(statements) <= 1 + most

    def test_lookups_use_the_index(self, source: DataSource, path: Path, statements: list[str]) -> None:
        load(source, SMALL)
        with source.snapshot() as snapshot:
            statements.clear()
            finder = snapshot.find_zone(name("a.b"))
            assert finder is not None
            assert finder.find(name("a.b"), 1).match is Match.NXDOMAIN
            finder.rrset(name("ns"), 1)
        assert len(statements) == 6
        with sqlite3.connect(path) as connection:
            for statement in statements:
                plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
                assert [row[3] for row in plan if row[3].startswith("SCAN") and "CONSTANT" not in row[3]] == []
        connection.close()


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("nonsense", "no backend for 'nonsense'; there are"),
            ("", "no backend"),
            ("oracle://host/db", "no backend for 'oracle'"),
            ("sqlite://", "SQLite needs a file"),
            ("sqlite:///:memory:", "SQLite needs a file"),
            ("sqlite+nodriver:///x", "no database driver"),
            ("sqlite:/etc/zones", "no database driver"),
        ],
    )
    def test_a_url_nobody_can_open_is_told(self, url: str, reason: str) -> None:
        with pytest.raises(UnknownBackend, match=reason):
            datasrc.open(url)

    def test_a_password_is_shown_to_nobody(self) -> None:
        with pytest.raises(UnknownBackend) as caught:
            datasrc.open("postgresql+nodriver://ann:secret@host/zones")
        assert "secret" not in str(caught.value)

    def test_a_path_may_hold_anything(self, tmp_path: Path) -> None:
        directory = tmp_path / "a b?c#d%20ü"
        directory.mkdir()
        path = directory / "zones.sqlite"
        source = datasrc.open(f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F')}", create=True)
        load(source, SMALL)
        source.close()
        assert [each.name for each in directory.iterdir() if each.suffix == ".sqlite"] == ["zones.sqlite"]


def test_a_whole_zone_is_stored_as_its_text_has_it(source: DataSource, path: Path) -> None:
    """Sets of every shape, more than go into one batch, and not a multiple of them."""
    lines = ["$TTL 3600", "@ SOA ns hostmaster 7 3600 900 604800 300", "@ NS ns", "ns A 192.0.2.1"]
    for number in range(CHUNK // 3 + 7):
        lines += [f"h{number} A 192.0.2.{number % 256}", f"h{number} A 198.51.100.{number % 256}"]
        lines += [f'H{number} 60 TXT "t{number}"']
        lines.append(f"Spelled{number}.Here AAAA 2001:db8::{number:x}")
    lines.append("h1 RRSIG A 8 2 3600 20300101000000 20200101000000 1 example. AAAA")
    text, findings = read_zone(io.BytesIO("\n".join([*lines, ""]).encode()), "zone", ORIGIN)
    assert not findings.errors
    with source.updater(ORIGIN, create=True, replace=True) as updater:
        updater.load(text)
        made = updater.commit(TESTER)
    assert made is not None
    assert (made.serial, info(source).serial, info(source).records) == (7, 7, text.records)
    with source.snapshot() as snapshot:
        finder = snapshot.zone(ORIGIN)
        assert finder is not None
        assert list(finder.rrsets()) == list(text.rrsets())
    with sqlite3.connect(path) as connection:  # as other writers write it: an owner only where the key does not say it
        kinds = connection.execute("SELECT DISTINCT typeof(key), typeof(owner), typeof(rdatas) FROM rrsets").fetchall()
    connection.close()
    assert sorted(kinds) == [("blob", "blob", "blob"), ("blob", "null", "blob")]
