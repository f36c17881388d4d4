"""What bobctl writes: data on stdout (tables for people, JSON for programs), words on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

# Control characters of every kind: what a zone or a peer named itself must not command the terminal.
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
# What ends lines, or shows text in another order than it is (the same in daemonkit.log_entry).
_ESCAPES |= {
    code: f"\\u{code:04x}" for code in (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}

MAX_WIDTH = 100  # columns of prose: longer lines are hard to read

# How states look on a terminal that shows colours; anything else is plain.
_COLOURS = {
    "ready": "green",
    "running": "green",
    "empty": "yellow",
    "starting": "yellow",
    "waiting": "yellow",
    "stopping": "yellow",
    "backing-off": "yellow",
    "shadowed": "yellow",
    "absent": "yellow",
    "unreachable": "red",
    "broken": "red",
    "given-up": "red",
    "not answering": "red",
    "error": "red",
    "warning": "yellow",
}


def printable(value: object) -> str:
    """The value as one line of text that is safe on a terminal."""
    return str(value).translate(_ESCAPES)


def words(text: str) -> None:
    """Say something to the person at the keyboard."""
    click.echo(printable(text), err=True)


def document(value: Any) -> None:
    """Write a value as JSON, for programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False))


def yaml_document(value: Any) -> None:
    """Write a value as people read it: YAML, or plain text where it is just that."""
    if isinstance(value, str):
        click.echo(printable(value))
        return
    if value in ({}, None):
        return
    import yaml  # slow to import, and few commands need it

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    def dumped(*, as_it_is: bool) -> str:
        return yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=as_it_is, default_flow_style=False)

    text = dumped(as_it_is=True)
    if printable(text.replace("\n", "")) != text.replace("\n", ""):  # YAML lets pass what reorders: all is escaped then
        text = dumped(as_it_is=False)
    click.echo(text.removesuffix("...\n"), nl=False)


def flow(value: Any) -> str:
    """A value on one line, as it is typed."""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under their headings, columns aligned; nothing at all where there are no rows."""
    cells = [[cell(value) for value in row] for row in rows]
    if not cells:
        return
    widths = [max(len(line[column]) for line in [list(head), *cells]) for column in range(len(head))]
    click.echo(_line([style(f"{name:{width}}", bold=True) for name, width in zip(head, widths, strict=True)]))
    for line in cells:
        click.echo(_line([_coloured(text, width) for text, width in zip(line, widths, strict=True)]))


def fields(pairs: Mapping[str, object]) -> None:
    """Write names and values, one a line."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        text = cell(value)
        click.echo(f"{name + ':':{width + 1}} {style(text, fg=_COLOURS.get(text))}")


def paragraphs(text: str) -> None:
    """Write prose of a spec: its paragraphs, filled to the width of the terminal."""
    width = min(shutil.get_terminal_size().columns, MAX_WIDTH)
    filled = (textwrap.fill(" ".join(part.split()), width) for part in text.strip().split("\n\n"))
    click.echo("\n\n".join("\n".join(map(printable, part.split("\n"))) for part in filled))


def cell(value: object) -> str:
    """A value as a table shows it."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(cell, value)) or "-"
        case dict():
            return printable(json.dumps(value, ensure_ascii=False))
        case _:
            return printable(value)


def style(text: str, *, fg: str | None = None, bold: bool = False) -> str:
    """Colour, where stdout is a terminal and nobody said NO_COLOR (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return text
    return click.style(text, fg=fg, bold=bold) if fg or bold else text


def state(name: str, text: str) -> str:
    """A text in the colour of a state or severity."""
    return style(text, fg=_COLOURS.get(name))


def columns() -> int:
    """How wide the terminal is."""
    return shutil.get_terminal_size().columns


def moment(seconds: float | None) -> str:
    """A POSIX time as local date and time."""
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def duration(seconds: float) -> str:
    """A span of time, in its two largest units."""
    parts: list[str] = []
    rest = int(seconds)
    for name, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or "0s"


def _coloured(text: str, width: int) -> str:
    return style(f"{text:{width}}", fg=_COLOURS.get(text))


def _line(parts: Sequence[str]) -> str:
    return "  ".join(parts).rstrip()
