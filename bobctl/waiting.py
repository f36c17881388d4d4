"""`--wait`: until what was asked for has come about, with its progress on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click

from bobctl import output
from bobctl.errors import CommandError
from bobctl.suite import Suite
from cmdctl.errors import DoorClosed, ErrorAnswer, NoAnswer, NotRunning

F = TypeVar("F", bound=Callable[..., Any])

INTERVAL = 0.1  # seconds between looks
SECONDS = 60.0  # --wait without a number of its own

Row = Mapping[str, Any]


def wait_options(command: F) -> F:
    """`--wait` and `--timeout`, as `wait` and `timeout`."""
    command = click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait at most; then the exit code is 1.",
    )(command)
    return click.option("--wait", is_flag=True, help="Wait until it is done.")(command)


def until(look: Callable[[], str], seconds: float) -> None:
    """Look again and again until there is nothing left to tell; raises CommandError with what is, after so long.

    The door may close while one waits: its own process may be what is restarted.
    """
    end = time.monotonic() + seconds
    progress = _Progress()
    try:
        while True:
            missing = _look(look)
            if not missing:
                return
            progress.tell(missing)
            if time.monotonic() >= end:
                raise CommandError("failed", f"after {seconds:g} s it is not done: {missing}")
            time.sleep(INTERVAL)
    finally:
        progress.end()


def _look(look: Callable[[], str]) -> str:
    try:
        return look()
    except (NotRunning, DoorClosed, NoAnswer) as error:
        return str(error)
    except ErrorAnswer as error:
        if error.code != "unavailable":
            raise
        return error.message


def instances(suite: Suite, name: str) -> list[Row]:
    """The instances a name means: of a component, or that one."""
    found: list[Row] = suite.client.get("components", name)["instances"]
    return found


def not_in_state(rows: Iterable[Row], state: str, *, other_than: frozenset[int] = frozenset()) -> str:
    """What is not in this state, or is still one of these processes; empty: nothing."""
    return ", ".join(
        f"{row['component']}/{row['instance']} is "
        f"{'still the old one' if row['pid'] in other_than else row['progress'] or row['state']}"
        for row in rows
        if row["state"] != state or row["pid"] in other_than
    )


def for_revision(suite: Suite, revision: int, seconds: float) -> None:
    """Until every process that runs has this revision; raises CommandError."""

    def look() -> str:
        late = suite.client.get("config", "behind", query={"revision": revision})["behind"]
        return ", ".join(f"{one['instance']} has revision {one['revision']}" for one in late)

    until(look, seconds)


def settled(suite: Suite, component: str, revision: int, seconds: float) -> None:
    """Until that too, and no process of the component is on its way up or down; raises CommandError."""

    def look() -> str:
        rows = suite.client.get("components")["components"]
        moving = [row for row in rows if row["component"] == component and row["state"] != "stopped"]
        return behind(rows, revision) or not_in_state(moving, "running")

    until(look, seconds)


def behind(rows: Iterable[Row], revision: int) -> str:
    """What runs with an older configuration than this revision; those without one do not count."""
    late = [row for row in rows if row["state"] == "running" and 0 < row["revision"] < revision]
    return ", ".join(f"{row['component']}/{row['instance']} has revision {row['revision']}" for row in late)


class _Progress:
    """One line that changes on a terminal; elsewhere one line for each change."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._told = ""

    def tell(self, text: str) -> None:
        if text == self._told:
            return
        self._told = text
        if self._terminal:
            click.echo(f"\r\x1b[K{output.printable(text)}", err=True, nl=False)
        else:
            output.words(f"waiting: {text}")

    def end(self) -> None:
        if self._terminal and self._told:
            click.echo("\r\x1b[K", err=True, nl=False)
