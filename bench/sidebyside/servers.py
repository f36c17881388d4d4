"""Servers that are measured: started for a data set on one core, asked until they answer right, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from bench.sidebyside import processes
from bench.sidebyside.configurations import LOOPBACK
from bench.sidebyside.datasets import Files
from bench.sidebyside.questions import Question

START_DEADLINE = 600.0  # seconds: a million records or a hundred thousand zones on a slow machine
IMPORT_DEADLINE = 1800.0  # seconds for a program that imports
STOP_DEADLINE = 60.0  # seconds
PROBE_TIMEOUT = 0.05  # seconds
PROBE_INTERVAL = 0.002  # seconds
WORDS_SHOWN = 4000  # octets of what a server said before it failed


class ServerError(Exception):
    """A server did not start, load or answer."""


class Server(ABC):
    """One server with its data in a directory of its own; a context manager that stops it and removes that."""

    key: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, files: Files, core: int) -> None:
        self.files = files
        self.core = core
        # Short, because of the 107 bytes of a UNIX socket path.
        self.home = Path(tempfile.mkdtemp(prefix="side-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @abstractmethod
    def version(cls) -> str | None:
        """What is installed here; None if nothing is."""

    @property
    def imports(self) -> bool:
        """Whether it reads zone files beforehand, not as it starts."""
        return False

    @abstractmethod
    def command(self) -> Sequence[str]:
        """How it is started in the foreground."""

    @abstractmethod
    def prepare(self) -> None:
        """Write its configuration, import its data."""

    def start(self) -> float:
        """Start it; seconds until all it was probed for was answered right."""
        checks = self._checks()
        began = time.monotonic()
        with (self.home / "words").open("ab") as words:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                cwd=self.home,
                preexec_fn=processes.confined(self.core),
            )
        for check in checks:
            self._await(check, began + START_DEADLINE)
        took = time.monotonic() - began
        processes.pin(self.pids(), self.core)
        return took

    def stop(self) -> None:
        """Stop it as its service manager would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def pids(self) -> list[int]:
        """Its processes."""
        return processes.tree(self._process.pid) if self._process is not None else []

    def settle(self) -> float:
        """Wait until it is as fast as it gets; seconds."""
        return 0.0

    def empty_starts(self, count: int) -> list[float]:  # noqa: ARG002 - for subclasses
        """Seconds to the first answer of any kind where it has no zones, with which its restarts are compared."""
        return []

    def image_octets(self) -> int:
        """What the files of its zone images take, where it has some, as they were built."""
        return 0

    def delta_octets(self) -> int:
        """What the files beside these take that have room for changes."""
        return 0

    def words(self) -> str:
        """What it said last."""
        path = self.home / "words"
        return path.read_text(errors="replace")[-WORDS_SHOWN:] if path.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _checks(self) -> list[Callable[[], bool]]:
        """What must be true, one after the other, before it is said to have started."""
        return [partial(_answers, self.port, question) for question in self.files.data.probes]

    def _await(self, check: Callable[[], bool], deadline: float) -> None:
        while not check():
            assert self._process is not None
            if self._process.poll() is not None:
                raise ServerError(f"{self.title} ended with {self._process.returncode}:\n{self.words()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.title} does not answer right:\n{self.words()}")
            time.sleep(PROBE_INTERVAL)


def speaks(port: int, question: Question) -> bool:
    """Whether any reply comes."""
    return _reply(port, question) is not None


def _answers(port: int, question: Question) -> bool:
    reply = _reply(port, question)
    return reply is not None and question.is_answered_by(reply)


def _reply(port: int, question: Question) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PROBE_TIMEOUT)
        client.connect((LOOPBACK, port))
        try:
            client.send(question.wire())
            return client.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None


def run(command: Sequence[str | Path], core: int) -> None:
    """A program that must succeed, on the servers' core."""
    try:
        done = subprocess.run(
            command, capture_output=True, preexec_fn=processes.confined(core), timeout=IMPORT_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ServerError(f"{command[0]} was not done after {IMPORT_DEADLINE:g} s") from error
    if done.returncode:
        words = (done.stdout + done.stderr).decode(errors="replace")
        raise ServerError(f"{command[0]} ended with {done.returncode}:\n{words[-WORDS_SHOWN:]}")


def said(command: Sequence[str]) -> str | None:
    """All a program says; None if it is not there."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def free_port() -> int:
    """A port that is free over UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((LOOPBACK, 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
