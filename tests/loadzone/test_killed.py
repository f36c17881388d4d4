"""loadzone killed at each call that changes a file leaves the old or the new zone, whole, and the next run works."""

from __future__ import annotations

import io
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.name
import pytest

import datasrc
from loadzone.interruption import Interruption
from loadzone.loading import Loader, Manner
from tests.kit.killpoint import Call, Forked, Killer, Point, fast_directory
from tests.loadzone.running import exported, opened, url_of, zone_text

ORIGIN = dns.name.from_text("example.org.")
OLD = zone_text(10, "www A 192.0.2.80")
NEW = zone_text(11, "www A 192.0.2.81\nftp CNAME www")


EVERYWHERE = slice(None)
PARTS = 4  # of the many points of a first load, each a test of its own


class Silent:
    """Hears nothing."""

    def found(self, _finding: object) -> None: ...
    def more(self, _code: object, _count: int) -> None: ...
    def progress(self, _records: int, _octets: int) -> None: ...


def arguments(place: Path) -> list[str]:
    return ["--state-dir", str(place / "state"), "example.org", "-"]


def load(state: Path, text: str) -> str:
    """Load in this process; the stored zone afterwards."""
    state.mkdir(exist_ok=True)
    source = datasrc.open(url_of(state), create=True)
    try:
        loader = Loader(source, Manner(force=True), Interruption())
        loader.load(ORIGIN, io.BytesIO(text.encode()), "<text>", listener=Silent())
    finally:
        source.close()
    return exported(state) or ""


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


def check_history(state: Path) -> None:
    """The database is sound, and versions, outbox and data belong together."""
    connection = sqlite3.connect(state / "zones.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    source = opened(state)
    try:
        changes = source.changes()
        assert [change.id for change in changes] == list(range(1, len(changes) + 1))
        for info in source.zones():
            last = changes[-1]
            assert (info.version, info.serial) == (last.version, last.serial)
    finally:
        source.close()


class Scene:
    """A directory in the state before, and what a load makes of it."""

    def __init__(self, killer: Killer, home: Path, before: str | None, *, reader: bool = False) -> None:
        self._killer = killer
        self._home = home
        self._reader = reader
        (home / "before").mkdir(parents=True)
        (home / "after").mkdir()
        self.old = None if before is None else load(home / "before/state", before)
        self.new = load(home / "after/state", NEW)

    def calls(self, command: Sequence[str] | Forked) -> list[Call]:
        """The calls of a load that is left alone."""
        place = self._place("calls")
        with reader_of(place / "state", open_too=self._reader):
            calls, ended = self._killer.calls(command, place, arguments=arguments(place), text=NEW)
        assert ended.status == 0, ended.error
        assert exported(place / "state") == self.new
        shutil.rmtree(place)
        return calls

    def kill(self, command: Sequence[str] | Forked, point: Point) -> str:
        """Kill it there, look, and load again; `old` or `new`, what was found."""
        place = self._place("kill")
        with reader_of(place / "state", open_too=self._reader):
            assert self._killer.kill(command, place, point, arguments=arguments(place), text=NEW), f"not at {point}"
            found = exported(place / "state")
        assert found in (self.old, self.new), f"killed at {point}: neither old nor new but {found}"
        if found is not None:
            check_history(place / "state")
        assert load(place / "state", NEW) == self.new, f"killed at {point}: the next load"
        check_history(place / "state")
        shutil.rmtree(place)
        return "new" if found == self.new else "old"

    def _place(self, name: str) -> Path:
        place = self._home / name
        shutil.copytree(self._home / "before", place)
        return place


@pytest.fixture
def killer(tmp_path: Path) -> Killer:
    return Killer(tmp_path / "killer")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with fast_directory(tmp_path) as directory:
        yield directory / "scene"


def killed_everywhere(killer: Killer, scene: Scene, part: slice = EVERYWHERE) -> tuple[list[Call], list[str]]:
    """The calls of a load, and what each kill left; there is one moment at which the new zone comes."""
    with Forked(killer, "loadzone.cli:main") as program:
        calls = scene.calls(program)
        found = [scene.kill(program, point) for point in list(killer.points(calls))[part]]
    assert found == sorted(found, key=["old", "new"].index)
    assert found[0] == "old"
    return calls, found


@pytest.mark.parametrize("reader", [False, True], ids=["alone", "database-open-elsewhere"])
def test_killed_anywhere_in_a_replacement_it_leaves_the_old_or_the_new_zone(killer, home, reader):
    calls, found = killed_everywhere(killer, Scene(killer, home, OLD, reader=reader))
    assert {"write", "fdatasync"} <= {call.kind for call in calls}
    assert reader or "new" in found  # after the commit the WAL is still folded into the database


@pytest.mark.parametrize("part", [slice(start, None, PARTS) for start in range(PARTS)], ids=range(PARTS))
def test_killed_anywhere_in_the_first_load_it_leaves_nothing_or_the_zone(killer, home, part):
    calls, found = killed_everywhere(killer, Scene(killer, home, None), part)
    assert {"mkdir", "create", "write", "fdatasync", "unlink"} <= {call.kind for call in calls}
    assert "new" in found


def test_a_program_started_as_people_do_makes_the_same_calls_and_can_be_killed_too(killer, home):
    scene = Scene(killer, home, OLD)
    command = [sys.executable, "-W", "error", "-I", "-m", "loadzone"]
    with Forked(killer, "loadzone.cli:main") as program:
        forked = scene.calls(program)
    calls = scene.calls(command)
    assert [call.kind for call in calls] == [call.kind for call in forked]
    for at in [index for index, call in enumerate(calls, 1) if call.kind == "fdatasync"]:
        scene.kill(command, Point(at))
