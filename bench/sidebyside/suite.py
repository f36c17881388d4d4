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
from bench.sidebyside.rows import SUITE
from bench.sidebyside.servers import Server, ServerError, run, speaks

SETTLE_DEADLINE = 600.0  # seconds: a hundred thousand zones on a slow machine
SETTLE_INTERVAL = 0.2  # seconds


class Suite(Server):
    """bobdns with one auth instance (and its spare, which has no sockets)."""

    key, title = SUITE, "bobdns"

    _image_octets = 0  # when it had settled

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
        quiet = ["--rest", "off", "--metrics", "off"]  # their ports are one for all suites of a machine
        program = [sys.executable, "-I", "-m", "bob", "run", "--config", str(self.home / "bob.yaml")]
        return [*program, *places, *user, *quiet]

    def settle(self) -> float:
        """Until every zone has its image. It answers before that, more slowly."""
        began = time.monotonic()
        while not self._is_settled():
            if time.monotonic() - began > SETTLE_DEADLINE:
                raise ServerError(f"images are not ready after {SETTLE_DEADLINE:g} s: {self._ask().stdout}")
            time.sleep(SETTLE_INTERVAL)
        return time.monotonic() - began

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
        """Of the images as they were built; the room for changes beside them is not counted."""
        return self._image_octets

    def _is_settled(self) -> bool:
        done = self._ask()
        if done.returncode:  # the door opens after the first answers
            return False
        status = json.loads(done.stdout)
        self._image_octets = sum(slot["octets"] for slot in status["slots"])
        return are_ready(status)

    def _ask(self) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-I", "-m", "bobctl", "--run-dir", str(self.home / "run"), "--json"]
        return subprocess.run([*program, "call", "memmgr", "status"], capture_output=True, text=True, check=False)


class EmptySuite(Suite):
    """The same without zones: it has started when it says that it has none."""

    def prepare(self) -> None:
        (self.home / "zones").mkdir()
        (self.home / "bob.yaml").write_text(configurations.bobdns(self.port, self.home / "zones"))

    def _checks(self) -> list[Callable[[], bool]]:
        return [partial(speaks, self.port, question) for question in self.files.data.probes[:1]]


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
