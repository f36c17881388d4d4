"""A process that writes zones, for tests of several writers.

python -m tests.datasrc.writer_process increment URL COUNT
python -m tests.datasrc.writer_process make URL ORIGIN
python -m tests.datasrc.writer_process die DIRECTORY POINT ...
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

import datasrc
from datasrc import doorbell
from datasrc.database import DatabaseSource, open_source
from datasrc.errors import Conflict
from datasrc.source import DataSource
from tests.datasrc.contract_writing import ORIGIN
from tests.datasrc.zonemaking import SMALL, TESTER, load, rrset, soa


def increment(source: DataSource, count: int) -> None:
    """Raise the serial by one, so many times, trying again where another process was faster."""
    done = 0
    while done < count:
        with source.updater(ORIGIN) as updater:
            assert updater.base is not None
            assert updater.base.serial is not None
            updater.add(rrset(soa(updater.base.serial + 1)))
            updater.add(rrset(f"n{updater.base.serial + 1} A 192.0.2.1"))
            try:
                updater.commit(TESTER)
            except Conflict:
                continue
        done += 1


def die(source: DatabaseSource, point: str) -> None:
    """Replace the zone and be killed at a point of the commit."""
    source.close()  # connections are made anew, and with each comes who kills
    statements = _StatementKiller(point)
    event.listen(Engine, "checkout", lambda driver, *_: driver.set_trace_callback(statements))
    if point == "after-commit":
        dies: Callable[..., Any] = _die
        doorbell.ring = dies
    load(source, f"{soa(2)}\n@ NS ns\nns A 192.0.2.1\n" + "\n".join(f"new{number} A 192.0.2.2" for number in range(50)))


def _die(*_arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _StatementKiller:
    """Kills before SQLite carries out a statement of the write transaction: the first, COMMIT, or `statement-N`.

    Rows that go into one table one after the other count once.
    """

    def __init__(self, point: str) -> None:
        self._left = int(point.partition("-")[2]) if point.startswith("statement-") else -1
        self._last_words = {"before-begin": "BEGIN IMMEDIATE", "before-commit": "COMMIT"}.get(point)
        self._writing = False
        self._last = ""

    def __call__(self, statement: str) -> None:
        self._writing = self._writing or statement == "BEGIN IMMEDIATE"
        same, self._last = statement.partition("(")[0] == self._last, statement.partition("(")[0]
        if not self._writing:
            return
        if statement == self._last_words:
            _die()
        if not same:
            if self._left == 0:
                _die()
            self._left -= 1


def die_everywhere(directory: Path, points: list[str]) -> None:
    """Let a child die at each of these points, in a database of its own; print what became of it."""
    for point in points:
        child = os.fork()
        if child == 0:
            die(open_source(f"sqlite:///{directory}/{point}.sqlite"), point)
            os._exit(0)
        print(point, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))  # noqa: T201 - its parent reads it


def main(action: str, place: str, *arguments: str) -> None:
    if action == "die":
        die_everywhere(Path(place), list(arguments))
        return
    source = datasrc.open(place, create=True)
    if action == "increment":
        increment(source, int(arguments[0]))
    else:
        load(source, SMALL, arguments[0])
    source.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
