"""How `bobctl health run` shows what it finds: for people, raw, or as JSON lines; each as it comes."""

from __future__ import annotations

import json
import sys

import click

from bobctl import output
from health.engine.catalogue import Catalogue, value_text
from health.engine.levels import Level
from health.engine.results import Entry
from health.engine.runner import Progress
from health.engine.summary import Summary

_COLOURS = {
    Level.CRITICAL: "magenta",
    Level.ERROR: "red",
    Level.WARNING: "yellow",
    Level.NOTICE: "cyan",
    Level.INFO: "green",
}
# Above the exit codes of bobctl itself.
_EXIT = {Level.WARNING: 10, Level.ERROR: 11, Level.CRITICAL: 12}


def exit_code(worst: Level) -> int:
    """The exit code for the worst level found."""
    return _EXIT.get(worst, 0)


class Raw:
    """`<seconds> <level> <TAG> argument=value; ...`, untranslated."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self.summary = Summary()

    def show(self, entry: Entry, progress: Progress) -> None:
        """Show an entry, if it is severe enough."""
        self.summary.add(entry)
        if entry.level >= self._level:
            self._write(entry)
        self._advance(entry, progress)

    def end(self) -> None:
        """Show what is said at the end."""

    def _write(self, entry: Entry) -> None:
        values = {n: ";".join(v) if isinstance(v, list) else v for n, v in sorted(entry.arguments.items())}
        listed = "; ".join(f"{name}={value}" for name, value in values.items())
        click.echo(output.printable(f"{entry.time:7.2f} {entry.level.name:8} {entry.tag:24} {listed}".rstrip()))

    def _advance(self, entry: Entry, progress: Progress) -> None:
        """Show how far the test is."""


class JsonLines(Raw):
    """One JSON object a line."""

    def __init__(self, level: Level, texts: Catalogue) -> None:
        super().__init__(level)
        self._texts = texts

    def _write(self, entry: Entry) -> None:
        document = {
            "timestamp": round(entry.time, 6),
            "module": entry.module,
            "testcase": entry.case,
            "level": entry.level.name,
            "tag": entry.tag,
            "args": dict(entry.arguments),
            "message": self._texts.text(entry),
        }
        click.echo(json.dumps(document, ensure_ascii=False))
        sys.stdout.flush()


class Report(Raw):
    """For people: by module, in colour, with the progress on a terminal and a summary."""

    def __init__(self, domain: str, level: Level, texts: Catalogue) -> None:
        super().__init__(level)
        self._domain = domain
        self._texts = texts
        self._module = ""
        self._shown = 0
        self._live = sys.stderr.isatty()

    def _write(self, entry: Entry) -> None:
        self._clear()
        if entry.module != self._module:
            self._module = entry.module
            click.echo(("\n" if self._shown else "") + output.style(entry.module, bold=True))
        self._shown += 1
        level = output.style(f"{entry.level.name:8}", fg=_COLOURS.get(entry.level), bold=entry.level >= Level.ERROR)
        where = "" if entry.case == "Unspecified" else f"{entry.case}: "
        click.echo(f"  {level} {output.printable(where + self._texts.text(entry))}")

    def _advance(self, entry: Entry, progress: Progress) -> None:
        if self._live and not progress.finished:
            case = value_text(entry.arguments.get("testcase", entry.case))
            click.echo(output.printable(f"{progress.percent:3}% {case:16}"), nl=False, err=True)
            click.echo("\r", nl=False, err=True)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False, err=True)

    def end(self) -> None:
        self._clear()
        counts = [
            output.style(f"{self.summary.levels[level]} {level.name}", fg=_COLOURS.get(level))
            for level in sorted(Level, reverse=True)
            if level > Level.DEBUG and self.summary.levels[level]
        ]
        if not self._shown:
            click.echo(
                "Looks OK." if self.summary.worst < Level.WARNING else f"Nothing of {self._level.name} or above."
            )
        click.echo(
            ("\n" if self._shown else "") + f"{output.printable(self._domain)}: {', '.join(counts) or 'nothing'}"
        )
