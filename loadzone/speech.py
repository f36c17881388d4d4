"""What loadzone says: findings and words on stderr, what it did on stdout, and on a terminal how far it is."""

from __future__ import annotations

import os
import stat
import sys
import time
from typing import BinaryIO

import click

from datasrc.findings import Code, Finding
from loadzone.interruption import Interruption

REDRAW = 0.1  # s between two drawings of the line of progress
_CLEAR = "\r\x1b[K"


class Speech:
    """Says what happens with one zone after another; hears the loader as its Listener."""

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._terminal = sys.stderr.isatty()
        self._line_drawn = False
        self._size: int | None = None
        self._began = self._drawn = 0.0

    def begin(self, stream: BinaryIO) -> None:
        """The reading of a stream begins."""
        self._size = _size(stream)
        self._began = time.monotonic()

    def found(self, finding: Finding) -> None:
        """A finding, as it is found."""
        self._interruption.check()
        self.words(str(finding))

    def more(self, code: Code, count: int) -> None:
        """Findings that were only counted."""
        self.words(f"... and {count} more [{code.value}]")

    def progress(self, records: int, octets: int) -> None:
        """Draw how far the reading is, on a terminal."""
        self._interruption.check()
        now = time.monotonic()
        if not self._terminal or now - self._drawn < REDRAW:
            return
        self._drawn, self._line_drawn = now, True
        share = f", {100 * octets // self._size} %" if self._size else ""
        pace = records / max(now - self._began, REDRAW)
        click.echo(f"{_CLEAR}{records} records{share}, {pace:.0f}/s", err=True, nl=False)

    def words(self, text: str) -> None:
        """Say something to the person at the keyboard."""
        self._clear()
        click.echo(text, err=True)

    def result(self, text: str) -> None:
        """Say what was done."""
        self._clear()
        click.echo(text)

    def _clear(self) -> None:
        if self._line_drawn:
            click.echo(_CLEAR, err=True, nl=False)
            self._line_drawn = False


def _size(stream: BinaryIO) -> int | None:
    """How many octets there will be, where that is known."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
