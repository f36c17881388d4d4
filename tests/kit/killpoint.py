"""Programs killed at each call that changes a file, enumerated: killpoint.c, compiled and preloaded.

    killer = Killer(tmp_path / "killer")        # skips the test where there is no C compiler
    calls, _ = killer.calls(command, directory) # what the program does to files below the directory, in order
    for point in killer.points(calls): killer.kill(command, directory, point)

Each run must begin in the same state of the directory. The command is a program of its own; a `Forked` one is a
function of ours (`loadzone.cli:main`) that a process which has it imported already forks for: ten times as fast.
`fast_directory()` is one where waiting for the disk costs nothing: a killed program is no lost machine.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import pytest

SOURCE = Path(__file__).with_name("killpoint.c")
FORKING = Path(__file__).with_name("killpoint_fork.py")
RUN_DEADLINE = 60.0  # s; ten times what is expected and more


class Call(NamedTuple):
    """One call that changed a file."""

    kind: str  # create, write, fsync, fdatasync, ftruncate, rename, link, symlink, unlink, rmdir, mkdir, fchown
    size: int  # octets written
    path: str


class Point(NamedTuple):
    """Where to kill: instead of this call (the first is 1), or in the middle of it, when it writes."""

    at: int
    half: bool = False


class Ended(NamedTuple):
    """How a run ended; a negative status is a signal."""

    status: int
    output: str
    error: str


class Killer:
    """Runs programs and kills them at the N-th call."""

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("no C compiler: killpoint.c cannot be compiled")
        directory.mkdir(parents=True, exist_ok=True)
        self.preloaded = directory / "killpoint.so"
        flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
        subprocess.run([compiler, *flags, "-o", str(self.preloaded), str(SOURCE), "-ldl"], check=True)
        self._trace = directory / "trace"

    def calls(
        self, command: Sequence[str] | Forked, directory: Path, *, arguments: Sequence[str] = (), text: str = ""
    ) -> tuple[list[Call], Ended]:
        """Run the program to its end: the calls it made, and how it ended."""
        self._trace.unlink(missing_ok=True)
        ended = self._run(command, arguments, text, self._settings(directory) | {"KILLPOINT_TRACE": str(self._trace)})
        lines = self._trace.read_text().splitlines() if self._trace.exists() else []
        return [Call(kind, int(size), path) for kind, size, path in (line.split(" ", 2) for line in lines)], ended

    @staticmethod
    def points(calls: Sequence[Call]) -> Iterator[Point]:
        """Every point: before each call, and in the middle of each write. After a call is before the next."""
        for at, call in enumerate(calls, 1):
            yield Point(at)
            if call.kind == "write" and call.size > 1:
                yield Point(at, half=True)

    def kill(
        self,
        command: Sequence[str] | Forked,
        directory: Path,
        point: Point,
        *,
        arguments: Sequence[str] = (),
        text: str = "",
    ) -> bool:
        """Run the program until it is killed there; False if it ended before."""
        extra = {"KILLPOINT_AT": str(point.at)} | ({"KILLPOINT_HALF": "1"} if point.half else {})
        return self._run(command, arguments, text, self._settings(directory) | extra).status == -signal.SIGKILL

    def environment(self, directory: Path) -> dict[str, str]:
        """The environment in which a program's calls on files below the directory count."""
        return {**os.environ, "LD_PRELOAD": str(self.preloaded)} | self._settings(directory)

    @staticmethod
    def _settings(directory: Path) -> dict[str, str]:
        return {"KILLPOINT_DIRECTORY": str(directory.resolve())}

    def _run(
        self, command: Sequence[str] | Forked, arguments: Sequence[str], text: str, settings: dict[str, str]
    ) -> Ended:
        if isinstance(command, Forked):
            return command.run(arguments, text, settings)
        done = subprocess.run(
            [*command, *arguments],
            env={**os.environ, "LD_PRELOAD": str(self.preloaded)} | settings,
            input=text,
            capture_output=True,
            text=True,
            timeout=RUN_DEADLINE,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def fast_directory(otherwise: Path) -> Iterator[Path]:
    """A new directory in memory, where there is such a place, for programs that wait for the disk all the time."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="bob-kill-") as directory:
        yield Path(directory)


class Forked:
    """A function of ours, `MODULE:FUNCTION`, run in forks of a process that has imported it. One run at a time.

    `late` are the modules it imports only when it runs.
    """

    def __init__(self, killer: Killer, function: str, late: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-I", str(FORKING), function, *late],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LD_PRELOAD": str(killer.preloaded)},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=RUN_DEADLINE)

    def run(self, arguments: Sequence[str], text: str, settings: dict[str, str]) -> Ended:
        """One run to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        run = {"argv": list(arguments), "input": text, "environment": settings}
        self._process.stdin.write(json.dumps(run) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))
