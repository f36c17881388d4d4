"""Starts auth alone in a process of its own, over a database, and ends it without leaving anything behind."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.kit import evidence
from tests.kit.dnsclient import Subject

ROOT = Path(__file__).parent.parent.parent
LOOPBACK = ("127.0.0.1", "::1")
STOP_DEADLINE = 60.0  # seconds
COMPLAINTS = ("Traceback", "Exception ignored", "Warning", "AUTH_INTERNAL_ERROR")


class AuthProcess:
    """One running auth. `stop()` fails when it complained."""

    def __init__(self, database: str, *, listen: tuple[str, ...] = LOOPBACK, **config: Any) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        command = [sys.executable, "-W", "error", "-X", "faulthandler", "-m", "tests.kit.auth_runner"]
        arguments = json.dumps({"database": database, "listen": list(listen), **config})
        self._process = subprocess.Popen(
            [*command, arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline()  # the process prints it, or ends
        if not port:
            self._process.wait(STOP_DEADLINE)
            raise AssertionError(f"auth did not start:\n{self.words}")
        self.subject = Subject(listen, int(port))
        evidence.remember(self, f"words of auth at port {int(port)}", lambda: self.words)

    @property
    def words(self) -> str:
        """What it has written so far."""
        self._words.seek(0)
        return self._words.read().decode(errors="replace")

    def counters(self) -> dict[str, int]:
        """The statistics of auth."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        values: dict[str, int] = json.loads(self._process.stdout.readline())
        return values

    def stop(self) -> None:
        """End it in order; raises AssertionError where it broke off, or wrote of an exception or a warning."""
        evidence.forget(self)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        status = self._process.wait(STOP_DEADLINE)
        words = self.words
        self._process.stdout.close()
        self._words.close()
        if status != 0 or any(complaint in words for complaint in COMPLAINTS):
            raise AssertionError(f"auth ended with {status} and wrote:\n{words}")
