"""Migrations make the schema that the code expects, under a lock, once, for the right owner."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import dns.name
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

import datasrc
from daemonkit.spec import Spec
from datasrc.database import migrate, migration, upgrade
from datasrc.database.engine import Database
from datasrc.database.schema import HEAD, KNOWN, VERSION_TABLE, metadata
from datasrc.errors import Locked, Missing, SchemaTooOld, StorageError
from datasrc.records import ZoneFilter, ZoneState
from tests.datasrc.zonemaking import SMALL, TESTER, load
from tests.kit.earlier import as_the_first_release_left_it

NOBODY = 65534


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/zones.sqlite"


def test_the_known_versions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", "datasrc:migrations")
    config.set_main_option("path_separator", "os")
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == KNOWN
    assert revisions[0] == HEAD


def test_the_migrations_make_the_tables_of_the_schema(url: str) -> None:
    migrate(url)
    database = Database(url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
    assert {name for name, sql in tables if "WITHOUT ROWID" in sql} == {"rrsets", "journal", "journal_rrsets"}
    database.close()


def test_migrating_again_changes_nothing(url: str, tmp_path: Path) -> None:
    migrate(url)
    source = datasrc.open(url)
    load(source, SMALL)
    source.close()
    before = (tmp_path / "zones.sqlite").read_bytes()
    migrate(url)
    assert (tmp_path / "zones.sqlite").read_bytes() == before


def test_a_migration_waits_for_another(url: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=migrate, args=(url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    datasrc.open(url).close()


def test_a_migration_that_fails_leaves_the_old_schema(url: str, tmp_path: Path) -> None:
    path = tmp_path / "zones.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE outbox (id INTEGER)")  # stands in the way of the last steps
    connection.close()
    with pytest.raises(StorageError, match="outbox"):
        migrate(url)
    with sqlite3.connect(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.close()
    assert tables == ["outbox"]


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="its directory cannot be opened"):
        migrate(f"sqlite:///{tmp_path}/not/zones.sqlite")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_a_file_that_somebody_emptied_under_a_reader_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasrc.database.engine.BUSY_TIMEOUT", 0.1)
    path = tmp_path / "zones.sqlite"
    url = f"sqlite:///{path}"
    migrate(url)
    with closing(datasrc.open(url, read_only=True)) as source, source.snapshot() as snapshot:
        assert snapshot.find_zone(dns.name.root) is None
        path.write_bytes(b"")
        for name in ("zones.sqlite-wal", "zones.sqlite-shm"):
            (tmp_path / name).unlink()
        with pytest.raises(Locked, match="held its lock"):
            migrate(url)


def test_what_root_makes_belongs_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    source = datasrc.open(f"sqlite:///{directory}/zones.sqlite", create=True)
    load(source, SMALL)
    made = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in directory.iterdir()}
    assert made == {f"zones.sqlite{suffix}": (NOBODY, NOBODY) for suffix in ("", "-wal", "-shm")}
    source.close()


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    tmp_path.chmod(0o755)
    directory.chmod(0o555)
    command = [sys.executable, "-m", "datasrc", "migrate", f"sqlite:///{directory}/zones.sqlite"]
    if os.geteuid() == 0:
        as_nobody = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
        if subprocess.run(
            [*as_nobody, sys.executable, "-c", "import dns"], capture_output=True, check=False
        ).returncode:
            pytest.skip("another account cannot read this interpreter")
        command = [*as_nobody, *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "the file cannot be made: Permission denied" in done.stderr or "cannot be opened" in done.stderr


def test_the_command_line_migrates(url: str) -> None:
    command = [sys.executable, "-I", "-W", "error", "-m", "datasrc", "migrate"]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    datasrc.open(url).close()
    done = subprocess.run([*command, "oracle:///x"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")


def test_reading_zones_does_not_import_the_migrations(url: str) -> None:
    migrate(url)
    program = f"import sys, datasrc; datasrc.open({url!r}).zones(); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_importing_the_package_imports_no_backend() -> None:
    heavy = ("sqlalchemy", "alembic", "sqlite3")
    program = f"import sys, datasrc, datasrc.sources; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_zones_of_the_first_schema_are_listed_by_name_and_state(url: str, tmp_path: Path) -> None:
    path = tmp_path / "zones.sqlite"
    migrate(url)
    with closing(datasrc.open(url)) as source:
        for origin, text in (("B.example.", SMALL), ("broken.example.", "ns A 192.0.2.1"), ("gone.example.", SMALL)):
            load(source, text, origin)
        source.updater(dns.name.from_text("empty.example."), create=True).commit(TESTER)
        source.delete_zone(dns.name.from_text("gone.example."), TESTER)
        listed = source.zones()
    as_the_first_release_left_it(path)
    with pytest.raises(SchemaTooOld, match=r"its schema is 0001, this release needs 0002: run `.*python.* -m datasrc"):
        datasrc.open(url)
    assert upgrade(url, tmp_path / "elsewhere") is None  # others may have a part in it
    kept = upgrade(url, tmp_path)
    assert kept == tmp_path / "zones.sqlite.schema-0001"
    assert (kept.stat().st_mode & 0o777, upgrade(url, tmp_path)) == (0o640, None)
    with pytest.raises(SchemaTooOld, match=r"its schema is 0001"):
        datasrc.open(f"sqlite:///{kept}")
    with closing(datasrc.open(url)) as source:
        assert source.zones() == listed
        assert [str(each.origin) for each in source.zones(only=ZoneFilter("b"))] == ["B.example.", "broken.example."]
        by_state = {
            state: [str(each.origin) for each in source.zones(only=ZoneFilter(state=state))] for state in ZoneState
        }
        assert by_state == {
            ZoneState.READY: ["B.example."],
            ZoneState.EMPTY: ["empty.example."],
            ZoneState.BROKEN: ["broken.example."],
        }


def test_without_room_for_the_copy_the_database_stays_as_it_is(url: str, tmp_path: Path) -> None:
    migrate(url)
    path = tmp_path / "zones.sqlite"
    as_the_first_release_left_it(path)
    (tmp_path / "zones.sqlite.schema-0001").mkdir()  # stands in the way
    with pytest.raises(StorageError, match="schema-0001 cannot be made"):
        migrate(url)
    with pytest.raises(SchemaTooOld, match="its schema is 0001"):
        datasrc.open(url)
    assert [one.name for one in tmp_path.glob("*.new")] == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660])
def test_who_may_not_read_the_database_may_not_read_its_copy(url: str, tmp_path: Path, mode: int) -> None:
    migrate(url)
    path = tmp_path / "zones.sqlite"
    as_the_first_release_left_it(path)
    path.chmod(mode)
    kept = migrate(url)
    assert kept is not None
    assert kept.stat().st_mode & 0o777 == mode


def test_the_copy_and_its_name_are_on_the_disk_before_anything_changes(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(url)
    as_the_first_release_left_it(tmp_path / "zones.sqlite")
    kept, done = tmp_path / "zones.sqlite.schema-0001", []
    fsync, upgrade_schema = os.fsync, migration._upgrade

    def synchronise(descriptor: int) -> None:
        fsync(descriptor)
        done.append((Path(f"/proc/self/fd/{descriptor}").readlink(), kept.exists()))

    def upgrade_and_note(connection: Connection, database: Database) -> None:
        done.append((Path("upgraded"), kept.exists()))
        upgrade_schema(connection, database)

    monkeypatch.setattr(os, "fsync", synchronise)
    monkeypatch.setattr(migration, "_upgrade", upgrade_and_note)
    migrate(url)
    assert done == [(kept.with_name(f"{kept.name}.new"), False), (tmp_path, True), (Path("upgraded"), True)]


def test_what_lies_in_the_way_of_the_copy_is_told(url: str, tmp_path: Path) -> None:
    migrate(url)
    as_the_first_release_left_it(tmp_path / "zones.sqlite")
    (tmp_path / "zones.sqlite.schema-0001.new").mkdir()
    with pytest.raises(StorageError, match="schema-0001 cannot be made"):
        migrate(url)


def test_a_file_that_may_only_be_read_is_not_copied() -> None:
    with tempfile.TemporaryDirectory() as directory:  # others may look into it, other than into tmp_path
        url, path, account = f"sqlite:///{directory}/zones.sqlite", Path(directory) / "zones.sqlite", os.geteuid()
        migrate(url)
        as_the_first_release_left_it(path)
        path.chmod(0o444)
        if account == 0:
            os.chown(directory, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            with pytest.raises(StorageError, match="the file cannot be written"):
                upgrade(url, Path(directory))
        finally:
            os.seteuid(account)
        assert list(Path(directory).glob("zones.sqlite.schema-*")) == []


def test_a_database_that_another_writes_is_not_copied(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasrc.database.engine.BUSY_TIMEOUT", 0.1)
    migrate(url)
    path = tmp_path / "zones.sqlite"
    as_the_first_release_left_it(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(Locked):
            migrate(url)
    assert list(tmp_path.glob("zones.sqlite.schema-*")) == []


def test_a_migration_that_hangs_is_not_waited_for_without_end(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "LOCK_WAIT", 0.1)
    directory = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    with pytest.raises(Locked, match=r"another migration in its directory has not ended within 0\.1 s"):
        migrate(url)
    os.close(directory)
    migrate(url)


def test_what_alembic_refuses_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise CommandError("Can't locate revision identified by '0002'")

    monkeypatch.setattr("alembic.command.upgrade", refuse)
    with pytest.raises(StorageError, match=r"zones\.sqlite: it cannot be migrated: Can't locate revision"):
        migrate(url)


def test_the_way_back_is_to_remove_what_lies_beside_the_database_and_to_put_the_copy_there(
    url: str, tmp_path: Path
) -> None:
    """As after a crash, with changes in -wal that are not in the file yet."""
    migrate(url)
    path, crashed = tmp_path / "zones.sqlite", tmp_path / "crashed"
    as_the_first_release_left_it(path)
    kept = migrate(url)
    assert kept is not None
    crashed.mkdir()
    with closing(datasrc.open(url)) as source:
        load(source, SMALL)
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(tmp_path / f"zones.sqlite{suffix}", crashed)
    explained = Spec.load("memmgr").messages["MEMMGR_DATABASE_UPGRADED"].explain
    for suffix in ("-wal", "-shm"):
        assert suffix in explained
        (crashed / f"zones.sqlite{suffix}").unlink()
    before = kept.read_bytes()
    kept.rename(crashed / "zones.sqlite")
    with pytest.raises(SchemaTooOld, match="its schema is 0001"):
        datasrc.open(f"sqlite:///{crashed}/zones.sqlite")
    assert (crashed / "zones.sqlite").read_bytes() == before
