"""Starts auth alone, in a process of its own, over a database, and ends it without leaving anything behind.

keeper = ImageKeeper(url, directory, zones)         # memmgr's part, where auth is to answer from images
process = AuthProcess(url, images=directory, settings={...}); process.subject.ask("www.example."); process.stop()
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.kit import evidence
from tests.kit.dnsclient import Subject
from tests.kit.interpreted import is_interpreting

ROOT = Path(__file__).parent.parent.parent
LOOPBACK = ("127.0.0.1", "::1")
STOP_DEADLINE = 60.0  # seconds
COMPLAINTS = ("Traceback", "Exception ignored", "Warning", "AUTH_INTERNAL_ERROR", "AUTH_IMAGES_LEFT")


def sources_of(database: str) -> dict[str, dict[str, Any]]:
    """The database as `data_sources` has it."""
    return {"main": {"type": "database", "url": database}}


class _Child:
    """A module of tests.kit in a process of its own, which says one line when it is ready. `stop()` fails when it
    complained.
    """

    def __init__(self, module: str, config: dict[str, Any]) -> None:
        self.module = module
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        form = ["tests.kit.interpreted"] if is_interpreting() else []
        command = [sys.executable, "-W", "error", "-X", "faulthandler", "-m", *form, module, json.dumps(config)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self.ready = self._said.readline()  # the process prints it, or ends
        if not self.ready:
            self._process.wait(STOP_DEADLINE)
            raise AssertionError(f"{module} did not start:\n{self.words}")
        evidence.remember(self, f"words of {module} {self.ready.decode().strip()}", lambda: self.words)

    @property
    def _said(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def words(self) -> str:
        """What it has written so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def ask(self, what: str) -> Any:
        """What it says when it is sent this line."""
        assert self._process.stdin is not None
        self._process.stdin.write(what.encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._said.readline())

    def stop(self) -> None:
        """End it in order; raises AssertionError where it broke off, or wrote of an exception or a warning."""
        evidence.forget(self)
        assert self._process.stdin is not None
        self._process.stdin.close()
        status = self._process.wait(STOP_DEADLINE)
        words = self.words
        self._said.close()
        self._errors.close()
        if status != 0 or any(complaint in words for complaint in COMPLAINTS):
            raise AssertionError(f"{self.module} ended with {status} and wrote:\n{words}")


class ImageKeeper(_Child):
    """Keeps the images of a database in a directory as memmgr does; all zones are in images when it is there."""

    def __init__(self, database: str, directory: Path, listed: Iterable[str] = ()) -> None:
        config = {"data_sources": sources_of(database), "directory": str(directory), "listed": list(listed)}
        super().__init__("tests.kit.image_keeper", config)


@dataclass(frozen=True)
class LeftMessage:
    """A message that the loops left to the plain implementation."""

    message: bytes
    reply: bytes | None
    stream: bool  # it came over TCP
    address: str  # of the client
    port: int
    vouched: bool  # names of no zone were vouched for then: the loops had to know of them


class AuthProcess(_Child):
    """One running auth. With `images` it answers from what an ImageKeeper keeps there."""

    def __init__(
        self, database: str, *, listen: tuple[str, ...] = LOOPBACK, images: Path | None = None, **config: Any
    ) -> None:
        self.settings: dict[str, Any] = config.get("settings", {})
        self.zones: dict[str, list[Any]] = config.get("zones", {})  # listed, each with its query ACL
        self.has_images = images is not None
        config |= {"data_sources": sources_of(database), "listen": listen}
        super().__init__("tests.kit.auth_runner", config | ({} if images is None else {"images": str(images)}))
        self.subject = Subject(listen, int(self.ready))

    def counters(self) -> dict[str, int]:
        """The statistics of auth."""
        values: dict[str, int] = self.ask("counters")
        return values

    def left(self) -> list[LeftMessage]:
        """What the loops have left since this was called last: everything, where there are no images."""
        return [
            LeftMessage(bytes.fromhex(message), None if reply is None else bytes.fromhex(reply), how == "TCP", *rest)
            for message, reply, how, *rest in self.ask("left")
        ]
