"""Processes of a running suite killed at a message of the bus, enumerated: killpoint_bus.c, compiled and preloaded.

killer = MessageKiller(tmp_path)  # skips the test where there is no C compiler
with Suite(environment=killer.environment) as suite:
    killer.aim(suite.pid("cfgmgr/0"), Step("sent", 2, '"command":"prepare"'))
    ...                       # what makes the second such message pass
    killer.struck()           # whether it did, and the process is dead
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

SOURCE = Path(__file__).with_name("killpoint_bus.c")


class Step(NamedTuple):
    """At which message a process is killed."""

    moment: Literal["send", "sent", "received"]
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.moment} {self.number} {self.text}"


class MessageKiller:
    """Kills one process at one message, again and again."""

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("no C compiler: killpoint_bus.c cannot be compiled")
        directory.mkdir(parents=True, exist_ok=True)
        preloaded = directory / "killpoint_bus.so"
        flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
        subprocess.run([compiler, *flags, "-o", str(preloaded), str(SOURCE), "-ldl"], check=True)
        self._step = directory / "step"
        self._done = directory / "step.done"
        self._next = directory / "step.next"
        self.environment = {"LD_PRELOAD": str(preloaded), "KILLPOINT_STEP": str(self._step)}

    def aim(self, pid: int, step: Step, *, successor: tuple[str, Step] | None = None) -> None:
        """Kill this process at this step, once; and then who has the place of this member at that step."""
        self._done.unlink(missing_ok=True)
        if successor is not None:
            self._next.write_text(f"{successor[0]} {successor[1]}\n")
        written = self._step.with_suffix(".new")
        written.write_text(f"{pid} {step}\n")
        written.rename(self._step)

    def struck(self) -> bool:
        """Whether whoever was to be killed was killed."""
        return self._done.exists() and not self._next.exists() and not self._step.exists()

    def rest(self) -> None:
        """Kill nobody any more."""
        self._step.unlink(missing_ok=True)
