"""How `bobctl health run` shows what it finds: for people, raw, or as JSON lines; each as it comes."""

from __future__ import annotations

import json
import os
import sys
import textwrap

import click

from bobctl import output
from health.engine.catalogue import Catalogue
from health.engine.levels import Level
from health.engine.results import Entry
from health.engine.runner import Test
from health.engine.summary import Summary
from health.engine.system import ROOTS_SILENT, UNSPECIFIED

_COLOURS = {
    Level.CRITICAL: "magenta",
    Level.ERROR: "red",
    Level.WARNING: "yellow",
    Level.NOTICE: "cyan",
    Level.INFO: "green",
}
# Above the exit codes of bobctl itself.
_EXIT = {Level.WARNING: 10, Level.ERROR: 11, Level.CRITICAL: 12}


_NOT_RUN = 1


class Raw:
    """`<seconds> <level> <TAG> argument=value; ...`, untranslated."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self.summary = Summary()
        self._reached = True

    @property
    def exit_code(self) -> int:
        """That of the worst level found; where not even a root server answers, the test could not be run."""
        return _EXIT.get(self.summary.worst, 0) if self._reached else _NOT_RUN

    def show(self, entry: Entry) -> None:
        """Show an entry, if it is severe enough."""
        self.summary.add(entry)
        self._reached = self._reached and entry.tag != ROOTS_SILENT
        if entry.level >= self._level:
            self._write(entry)
        self._advance(entry)

    def tick(self, test: Test, seconds: float) -> None:
        """Called twice a second, with the seconds since the start."""

    def end(self, test: Test, seconds: float, *, whole: bool) -> None:
        """Show what is said at the end; `whole` is whether the test came to it by itself."""

    def _write(self, entry: Entry) -> None:
        values = {n: ";".join(v) if isinstance(v, list) else v for n, v in sorted(entry.arguments.items())}
        listed = "; ".join(f"{name}={value}" for name, value in values.items())
        click.echo(output.printable(f"{entry.time:7.2f} {entry.level.name:8} {entry.tag:24} {listed}".rstrip()))

    def _advance(self, entry: Entry) -> None:
        """Note how far the test is."""


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
        self._case = ""
        self._shown = 0
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def _write(self, entry: Entry) -> None:
        self._clear()
        if entry.module != self._module:
            self._module = entry.module
            click.echo(("\n" if self._shown else "") + output.style(entry.module, bold=True))
        self._shown += 1
        level = output.style(f"{entry.level.name:8}", fg=_COLOURS.get(entry.level), bold=entry.level >= Level.ERROR)
        where = "" if entry.case == UNSPECIFIED else f"{entry.case}: "
        first, *rest = _wrapped(output.printable(where + self._texts.text(entry)))
        click.echo("\n".join([f"  {level} {first}", *(" " * _INDENT + line for line in rest)]))

    def _advance(self, entry: Entry) -> None:
        if entry.tag == "TEST_CASE_START":
            self._case = entry.case

    def tick(self, test: Test, seconds: float) -> None:
        """Show on the terminal how far the test is, and that it goes on where it waits."""
        if self._live and not test.progress.finished:
            text = f"{test.progress.percent:3}% {self._case or self._domain:16} {self._cost(test, seconds)}"
            self._clear()
            click.echo(output.printable(text)[: output.columns() - 1], nl=False, err=True)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _cost(self, test: Test, seconds: float) -> str:
        return self._texts.word("COST", seconds=f"{seconds:.1f}", queries=test.figures.attempts)

    def end(self, test: Test, seconds: float, *, whole: bool) -> None:
        self._clear()
        counts = [
            output.style(f"{self.summary.levels[level]} {level.name}", fg=_COLOURS.get(level))
            for level in sorted(Level, reverse=True)
            if level > Level.DEBUG and self.summary.levels[level]
        ]
        if not whole:
            click.echo(self._texts.word("INTERRUPTED"))
        elif not self._shown:
            fine = self.summary.worst < Level.WARNING
            click.echo(self._texts.word("LOOKS_OK" if fine else "NOTHING_SHOWN", level=self._level.name))
        found = f"{output.printable(self._domain)}: {', '.join(counts) or '-'}"
        click.echo(("\n" if self._shown else "") + f"{found} ({self._cost(test, seconds)})")


_INDENT = 2 + 8 + 1  # what stands before the text: the level, as long as CRITICAL


def _wrapped(text: str) -> list[str]:
    """A text in lines that fit behind the level on a terminal; one line elsewhere."""
    if not sys.stdout.isatty():
        return [text]
    return textwrap.wrap(text, max(output.columns() - _INDENT, _INDENT), break_on_hyphens=False) or [""]
