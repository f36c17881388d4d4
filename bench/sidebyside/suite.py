"""This suite as a person runs it: a zone imported by loadzone or zone files, the whole process tree started by bob."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.sidebyside import configurations
from bench.sidebyside.configurations import LOOPBACK
from bench.sidebyside.datasets import Files
from bench.sidebyside.rows import SUITE
from bench.sidebyside.servers import Server, ServerError, free_port, run, speaks

SETTLE_DEADLINE = 600.0  # seconds: a hundred thousand zones on a slow machine
SETTLE_INTERVAL = 0.2  # seconds between two questions to bobctl
DOOR_DEADLINE = 30.0  # seconds


class Suite(Server):
    """bobdns with one auth instance (and its spare, which has no sockets); REST and metrics are on, as it comes."""

    key, title = SUITE, "bobdns"

    def __init__(self, files: Files, core: int) -> None:
        super().__init__(files, core)
        self.doors = {"rest": free_port(), "metrics": free_port()}  # theirs are one for all suites of a machine
        self._image_octets = self._delta_octets = 0  # when it had settled

    @property
    def imports(self) -> bool:
        return self.files.data.zones == 1

    @classmethod
    def version(cls) -> str | None:
        """Says, too, which modules run interpreted that could be compiled: such figures are of another kind."""
        root = installed()
        text = version("bobdns")
        for word, modules in (("interpreted", interpreted(root)), ("to be compiled anew", outdated(root))):
            if modules:
                text += f" ({word}: {', '.join(modules)})"
        return text

    def prepare(self) -> None:
        """One zone goes into the database, many are served from their files as they are."""
        directory = None if self.imports else self.files.zone_directory
        (self.home / "bob.yaml").write_text(configurations.bobdns(self.port, directory))
        if self.imports:
            ((origin, file),) = self.files.zone_files().items()
            program = [sys.executable, "-I", "-m", "loadzone"]
            run([*program, "--state-dir", self.home / "state", origin, file], self.core)

    def command(self) -> Sequence[str]:
        user = ["--user", "root"] if os.geteuid() == 0 else []
        places = ["--state-dir", str(self.home / "state"), "--run-dir", str(self.home / "run")]
        doors = [word for name, port in self.doors.items() for word in (f"--{name}", f"{LOOPBACK}@{port}")]
        program = [sys.executable, "-I", "-m", "bob", "run", "--config", str(self.home / "bob.yaml")]
        return [*program, *places, *user, *doors]

    def settle(self) -> float:
        """Until every zone has its image. It answers before that, more slowly."""
        took = _wait(
            self._is_settled,
            SETTLE_DEADLINE,
            lambda: f"images are not ready after {SETTLE_DEADLINE:g} s: {self._ask('call', 'memmgr', 'status')}",
        )
        # What is measured is the suite with REST and metrics, and not one that could not open them.
        doors = " or ".join(self.doors)
        _wait(self._has_doors, DOOR_DEADLINE, lambda: f"{doors} is not open after {DOOR_DEADLINE:g} s:\n{self.words()}")
        return took

    def empty_starts(self, count: int) -> list[float]:
        """Of a suite of its own, after a start that makes its databases. Only where it reads zone files itself."""
        if self.imports or not count:
            return []
        with EmptySuite(self.files, self.core) as empty:
            empty.prepare()
            starts = []
            for _ in range(count + 1):
                starts.append(empty.start())
                empty.settle()
                empty.stop()
            return starts[1:]

    def image_octets(self) -> int:
        return self._image_octets

    def delta_octets(self) -> int:
        return self._delta_octets

    def _is_settled(self) -> bool:
        status = self._ask("call", "memmgr", "status")
        if status is None:
            return False
        self._image_octets = sum(slot["octets"] for slot in status["slots"])
        self._delta_octets = sum(slot["delta_octets"] for slot in status["slots"])
        return are_ready(status)

    def _has_doors(self) -> bool:
        status = self._ask("status") or {}
        return all(status.get(name, {}).get("state") == "open" for name in self.doors)

    def _ask(self, *words: str) -> Any:
        """What bobctl says; None where nobody answers it yet, for that comes after the first answers."""
        program = [sys.executable, "-I", "-m", "bobctl", "--run-dir", str(self.home / "run"), "--json"]
        done = subprocess.run([*program, *words], capture_output=True, text=True, check=False)
        return None if done.returncode else json.loads(done.stdout)


class EmptySuite(Suite):
    """The same without zones: it has started when it says that it has none."""

    def prepare(self) -> None:
        (self.home / "zones").mkdir()
        (self.home / "bob.yaml").write_text(configurations.bobdns(self.port, self.home / "zones"))

    def _checks(self) -> list[Callable[[], bool]]:
        return [partial(speaks, self.port, question) for question in self.files.data.probes[:1]]


def _wait(met: Callable[[], bool], deadline: float, complaint: Callable[[], str]) -> float:
    """Ask until it is so; how many seconds that took. Raises ServerError after too many."""
    began = time.monotonic()
    while not met():
        if time.monotonic() - began > deadline:
            raise ServerError(complaint())
        time.sleep(SETTLE_INTERVAL)
    return time.monotonic() - began


def are_ready(images: Mapping[str, Any]) -> bool:
    """Whether, by memmgr's status, they are announced, and no zone waits to be built or is being built."""
    return images["state"] == "ready" and not images["waiting"] and not images["building"]


def installed() -> Path:
    """Where the suite's packages are that `python -I` finds."""
    words = "import auth, pathlib; print(pathlib.Path(auth.__file__).parents[1])"
    done = subprocess.run([sys.executable, "-I", "-c", words], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def interpreted(root: Path) -> list[str]:
    """Modules with a sidecar (docs/adr/0011) that no compiled one stands beside."""
    return [f"{path.parent.name}.{path.stem}" for path in sidecars(root) if not compilations(path)]


def outdated(root: Path) -> list[str]:
    """Modules whose source is newer than what was compiled of it: they may do anything."""
    return [
        f"{path.parent.name}.{path.stem}"
        for path in sidecars(root)
        if any(
            source.exists() and source.stat().st_mtime > made.stat().st_mtime
            for made in compilations(path)
            for source in (path, path.with_suffix(".py"), path.with_suffix(".pyx"))
        )
    ]


def sidecars(root: Path) -> list[Path]:
    """Of all modules that can be compiled."""
    return sorted(root.glob("*/*.pxd"))


def compilations(sidecar: Path) -> list[Path]:
    """What was compiled of a module."""
    return list(sidecar.parent.glob(f"{sidecar.stem}.*.so"))
