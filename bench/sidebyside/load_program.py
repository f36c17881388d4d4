"""The load and the echo: C programs, compiled where they are not in the cache yet, and what a run of the load tells."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bench.sidebyside.datasets import Files
from bench.sidebyside.questions import Question, packed
from bench.sidebyside.rows import Row

SOURCES = Path(__file__).parent / "load"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")
ENDS_LATEST = 30.0  # seconds after its slice is over
SAMPLES = 100  # answers of each slice that are decoded


class ToolError(Exception):
    """There is no compiler, or the load failed."""


@dataclass(frozen=True)
class Programs:
    """What was compiled."""

    load: Path
    echo: Path


def compiled(cache: Path) -> Programs:
    """Both programs, from the sources as they are now."""
    load = sorted(SOURCES.glob("load*.c"))
    return Programs(_compile("load", load, cache), _compile("echo", [SOURCES / "echo.c"], cache))


def _compile(name: str, sources: Sequence[Path], cache: Path) -> Path:
    compiler = os.environ.get("CC") or "cc"
    if not shutil.which(compiler):
        raise ToolError(f"{compiler}: there is no C compiler; the load and the echo are C (docs/adr/0019)")
    text = (
        b"".join(path.read_bytes() for path in [*sources, SOURCES / "load.h"]) + " ".join((compiler, *FLAGS)).encode()
    )
    program = cache / "programs" / f"{name}-{hashlib.sha256(text).hexdigest()[:12]}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as directory:
            made = Path(directory) / name
            done = subprocess.run([compiler, *FLAGS, "-o", made, *sources], capture_output=True, text=True, check=False)
            if done.returncode:
                raise ToolError(f"{compiler} ended with {done.returncode}:\n{done.stderr}")
            made.rename(program)
    return program


class Part(msgspec.Struct, frozen=True):
    """What became of some of the questions."""

    sent: int
    answered: int
    lost: int


class Account(msgspec.Struct, frozen=True):
    """What one run of the load counted (load/load.c)."""

    seconds: float
    drain: float  # seconds it waited at the end
    sent: int
    in_time: int  # answers before the end; those that came while it waited for the rest make up `answered`
    answered: int
    wrong: int
    lost: int
    stray: int
    octets: int
    connections: int
    refused: int
    idle: float  # seconds in which the load had nothing to do
    apart: Part  # of questions that are counted by themselves (questions.py), which are in the figures above, too
    rcodes: dict[str, int]


@dataclass(frozen=True)
class Load:
    """How the load is run for a row."""

    program: Path
    core: int
    row: Row
    files: Files

    def with_clients(self, sockets: int, window: int) -> Load:
        """The same from so many sockets, with so many queries in flight each."""
        return replace(self, row=replace(self.row, sockets=sockets, window=window))

    def asking(self, questions: Iterable[Question], directory: Path) -> Load:
        """The same with other questions about the data, which are written there."""
        files = Files(self.files.data, directory)
        with files.questions().open("wb") as stream:
            stream.writelines(packed(questions))
        return replace(self, files=files)

    def run(
        self, port: int, seconds: float, *, skip: int, samples: Path, echo: bool = False, rate: float = 0
    ) -> Account:
        """One slice. It begins with the question number `skip`, and keeps some answers in the file `samples`; `rate`
        limits how many queries are sent a second (UDP only).
        """
        command: list[str | Path] = [self.program, *("-e" for _ in range(echo))]
        options: dict[str, Any] = {
            "-k": self.row.kind,
            "-p": port,
            "-q": self.files.questions(flood=self.row.flood),
            "-d": seconds,
            "-s": self.row.sockets,
            "-w": self.row.window,
            "-i": self.row.most,
            "-t": rate,
            "-c": self.core,
            "-r": skip + 1,
            "-f": skip,
            "-o": samples,
            "-n": SAMPLES,
        }
        command += [str(word) for pair in options.items() for word in pair]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + ENDS_LATEST, check=False)
        if done.returncode:
            raise ToolError(f"the load ended with {done.returncode}: {done.stderr}")
        return msgspec.json.decode(done.stdout, type=Account)
