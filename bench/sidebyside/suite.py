"""This suite as a person runs it: zones imported by loadzone, the whole process tree started by bob."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.sidebyside import configurations
from bench.sidebyside.rows import SUITE
from bench.sidebyside.servers import Server, ServerError, run

SETTLE_DEADLINE = 600.0  # seconds: a hundred thousand zones on a slow machine
SETTLE_INTERVAL = 0.2  # seconds


class Suite(Server):
    """bobdns with one auth instance (and its spare, which has no sockets)."""

    key, title = SUITE, "bobdns"
    imports = True

    @classmethod
    def version(cls) -> str | None:
        return version("bobdns")

    def prepare(self) -> None:
        (self.home / "bob.yaml").write_text(configurations.bobdns(self.port))
        state = self.home / "state"
        shutil.rmtree(state, ignore_errors=True)
        loadzone: list[str | Path] = [sys.executable, "-I", "-m", "loadzone", "--state-dir", state]
        zones = self.files.zone_files()
        if len(zones) == 1:
            ((origin, file),) = zones.items()
            run([*loadzone, origin, file], self.core)
        else:
            run([*loadzone, "--all", self.files.zone_directory], self.core)

    def command(self) -> Sequence[str]:
        user = ["--user", "root"] if os.geteuid() == 0 else []
        places = ["--state-dir", str(self.home / "state"), "--run-dir", str(self.home / "run")]
        quiet = ["--rest", "off", "--metrics", "off"]  # their ports are one for all suites of a machine
        program = [sys.executable, "-I", "-m", "bob", "run", "--config", str(self.home / "bob.yaml")]
        return [*program, *places, *user, *quiet]

    def settle(self) -> float:
        """Until every zone has its image."""
        began = time.monotonic()
        while True:
            status = self._images()
            if status["state"] == "ready" and not status["waiting"] and not status["building"]:
                return time.monotonic() - began
            if time.monotonic() - began > SETTLE_DEADLINE:
                raise ServerError(f"images are not ready after {SETTLE_DEADLINE:g} s: {status}")
            time.sleep(SETTLE_INTERVAL)

    def image_octets(self) -> int:
        """Of the images as they were built; the room for changes beside them is not counted."""
        return sum(slot["octets"] for slot in self._images()["slots"])

    def _images(self) -> dict[str, Any]:
        program = [sys.executable, "-I", "-m", "bobctl", "--run-dir", str(self.home / "run"), "--json"]
        done = subprocess.run([*program, "call", "memmgr", "status"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerError(f"bobctl call memmgr status ended with {done.returncode}: {done.stderr}{done.stdout}")
        status: dict[str, Any] = json.loads(done.stdout)
        return status
