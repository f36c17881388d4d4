"""Several real processes on one database: two writers, a killed writer, many that make it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import datasrc
from tests.datasrc.contract_writing import ORIGIN, info
from tests.datasrc.zonemaking import SMALL, change, load, stored

DEADLINE = 60.0
STATEMENTS = 13  # one more than a replacement has
POINTS = ["before-begin", "before-commit", "after-commit", *(f"statement-{number}" for number in range(STATEMENTS))]


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "tests.datasrc.writer_process", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=DEADLINE)
    return process.returncode, output


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/zones.sqlite"


def test_two_writers_never_both_win(url: str) -> None:
    source = datasrc.open(url, create=True)
    load(source, SMALL)
    writers = [start("increment", url, "25") for _ in range(2)]
    assert [finish(writer) for writer in writers] == [(0, ""), (0, "")]
    assert (info(source).serial, info(source).version, info(source).records) == (51, 51, 53)
    changes = source.changes()
    assert [(each.id, each.version, each.serial) for each in changes] == [(n, n, n) for n in range(1, 52)]
    chain = source.journal(ORIGIN, 1, 51)
    assert chain is not None
    assert [(each.from_serial, each.to_serial) for each in chain] == [(n, n + 1) for n in range(1, 51)]
    source.close()


def test_writers_of_different_zones_wait_for_one_another(url: str) -> None:
    datasrc.open(url, create=True).close()
    writers = [start("make", url, f"z{number}.") for number in range(3)]
    assert [finish(writer) for writer in writers] == [(0, "")] * 3
    source = datasrc.open(url)
    assert [each.id for each in source.changes()] == [1, 2, 3]
    assert len(source.zones()) == 3
    source.close()


def test_processes_that_make_one_database_at_once_all_succeed(url: str) -> None:
    writers = [start("make", url, f"z{number}.") for number in range(4)]
    assert [finish(writer) for writer in writers] == [(0, "")] * 4
    source = datasrc.open(url)
    assert len(source.zones()) == 4
    source.close()


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """Databases in which a writer died at each point of its commit, and with which status."""
    directory = tmp_path_factory.mktemp("deaths")
    for point in POINTS:
        source = datasrc.open(f"sqlite:///{directory}/{point}.sqlite", create=True)
        load(source, SMALL)
        source.close()
    code, output = finish(start("die", str(directory), *POINTS))
    assert code == 0, output
    lines = [line.split() for line in output.splitlines()]
    return directory, {point: int(status) for point, status in lines}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_writer_leaves_the_old_zone_or_the_new_one(deaths: tuple[Path, dict[str, int]], point: str) -> None:
    directory, statuses = deaths
    assert statuses[point] in {-signal.SIGKILL, 0}
    is_new = statuses[point] == 0 or point == "after-commit"
    source = datasrc.open(f"sqlite:///{directory}/{point}.sqlite")
    assert (info(source).version, info(source).serial) == ((2, 2) if is_new else (1, 1))
    assert len(stored(source)) == info(source).records == (53 if is_new else 3)
    assert len(source.changes()) == (2 if is_new else 1)
    assert (source.difference(ORIGIN, 2) is not None) is is_new
    changed = change(source, 9)  # and whoever comes next is not hindered
    assert changed is not None
    assert changed.id == len(source.changes())
    source.close()


def test_the_points_of_death_cover_the_whole_transaction(deaths: tuple[Path, dict[str, int]]) -> None:
    _, statuses = deaths
    assert [statuses[point] for point in ("before-begin", "before-commit", "after-commit")] == [-signal.SIGKILL] * 3
    ends = [statuses[f"statement-{number}"] for number in range(STATEMENTS)]
    assert ends == [-signal.SIGKILL] * (STATEMENTS - 1) + [0]  # the last point is past the end
