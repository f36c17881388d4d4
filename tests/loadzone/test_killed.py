"""loadzone killed at each call that changes a file leaves the old or the new zone, whole, and the next run works."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.killpoint import Call, Forked, Killer, Point, fast_directory
from tests.loadzone.running import zone_text

OLD = zone_text(10, "www A 192.0.2.80")
NEW = zone_text(11, "www A 192.0.2.81\nftp CNAME www")


Rows = list[tuple[object, ...]] | None


def arguments(place: Path) -> list[str]:
    return ["--state-dir", str(place / "state"), "example.org", "-"]


def stored(place: Path) -> Rows:
    """The rows of the zone, read past our own code; None where there is no zone."""
    file = place / "state/zones.sqlite"
    if not file.exists():
        return None
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'rrsets'").fetchall():
            return None
        rows = connection.execute(
            "SELECT key, type, covers, ttl, owner, rdatas FROM rrsets ORDER BY 1, 2, 3"
        ).fetchall()
        check_history(connection, rows)
        return rows or None
    finally:
        connection.close()


def check_history(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    """Versions, outbox and data belong together."""
    zones = connection.execute("SELECT version, serial FROM zones").fetchall()
    changes = connection.execute("SELECT id, version, serial FROM outbox ORDER BY id").fetchall()
    assert [number for number, _, _ in changes] == list(range(1, len(changes) + 1))
    assert bool(zones) == bool(rows) == bool(changes)
    if zones:
        assert zones == [changes[-1][1:]]


@contextmanager
def reader_of(state: Path, *, open_too: bool) -> Iterator[None]:
    """With `open_too` another process has the database open meanwhile, as a running suite does: WAL and index stay."""
    if not open_too:
        yield
        return
    connection = sqlite3.connect(state / "zones.sqlite", isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM rrsets").fetchone()
        yield
    finally:
        connection.close()


class Scene:
    """A directory in the state before, and what a load makes of it."""

    def __init__(
        self, killer: Killer, program: Forked, home: Path, before: str | None, *, reader: bool = False
    ) -> None:
        self._killer = killer
        self._program = program
        self._home = home
        self._reader = reader
        (home / "before").mkdir(parents=True)
        (home / "after").mkdir()
        self.old = None if before is None else self._load(home / "before", before)
        self.new = self._load(home / "after", NEW)

    def calls(self, command: Sequence[str] | Forked) -> list[Call]:
        """The calls of a load that is left alone."""
        place = self._place("calls")
        with reader_of(place / "state", open_too=self._reader):
            calls, ended = self._killer.calls(command, place, arguments=arguments(place), text=NEW)
        assert ended.status == 0, ended.error
        assert stored(place) == self.new
        shutil.rmtree(place)
        return calls

    def kill(self, command: Sequence[str] | Forked, point: Point) -> str:
        """Kill it there, look, and load again; `old` or `new`, what was found."""
        place = self._place("kill")
        with reader_of(place / "state", open_too=self._reader):
            assert self._killer.kill(command, place, point, arguments=arguments(place), text=NEW), f"not at {point}"
            found = stored(place)
        assert found in (self.old, self.new), f"killed at {point}: neither old nor new but {found}"
        assert self._load(place, NEW) == self.new, f"killed at {point}: the next load"
        shutil.rmtree(place)
        return "new" if found == self.new else "old"

    def _load(self, place: Path, text: str) -> Rows:
        """Load without being killed; what is stored then."""
        ended = self._program.run(arguments(place), text, {})
        assert ended.status == 0, ended.error
        return stored(place)

    def _place(self, name: str) -> Path:
        place = self._home / name
        shutil.copytree(self._home / "before", place)
        return place


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Killer:
    return Killer(tmp_path_factory.mktemp("killer"))


@pytest.fixture(scope="module")
def program(killer: Killer) -> Iterator[Forked]:
    with Forked(killer, "loadzone.cli:main", ["datasrc.database", "alembic.command", "alembic.config"]) as program:
        yield program


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with fast_directory(tmp_path) as directory:
        yield directory / "scene"


def killed_everywhere(killer: Killer, program: Forked, scene: Scene) -> tuple[list[Call], list[str]]:
    """The calls of a load, and what each kill left; there is one moment at which the new zone comes."""
    calls = scene.calls(program)
    found = [scene.kill(program, point) for point in killer.points(calls)]
    assert found == sorted(found, key=["old", "new"].index)
    assert found[0] == "old"
    return calls, found


@pytest.mark.parametrize("reader", [False, True], ids=["alone", "database-open-elsewhere"])
def test_killed_anywhere_in_a_replacement_it_leaves_the_old_or_the_new_zone(killer, program, home, reader):
    calls, found = killed_everywhere(killer, program, Scene(killer, program, home, OLD, reader=reader))
    assert {"write", "fdatasync"} <= {call.kind for call in calls}
    assert reader or "new" in found  # after the commit the WAL is still folded into the database


def test_killed_anywhere_in_the_first_load_it_leaves_nothing_or_the_zone(killer, program, home):
    calls, found = killed_everywhere(killer, program, Scene(killer, program, home, None))
    assert {"mkdir", "create", "write", "fdatasync", "unlink"} <= {call.kind for call in calls}
    assert "new" in found


def test_a_program_started_as_people_do_makes_the_same_calls_and_can_be_killed_too(killer, program, home):
    scene = Scene(killer, program, home, OLD)
    command = [sys.executable, "-W", "error", "-I", "-m", "loadzone"]
    calls = scene.calls(command)
    assert [call.kind for call in calls] == [call.kind for call in scene.calls(program)]
    for at in [index for index, call in enumerate(calls, 1) if call.kind == "fdatasync"]:
        scene.kill(command, Point(at))
