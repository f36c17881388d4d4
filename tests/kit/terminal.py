"""A program under a pseudo-terminal, as a person has it: keys in, what is on the screen out.

with Terminal([...]) as terminal:
    terminal.keys("zone list\\r")
    terminal.sees("example.org")
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

BETWEEN_KEYS = 0.3  # seconds
DEADLINE = 60.0  # seconds; far more than is expected, even of a busy machine
# What moves the cursor or colours: CSI and OSC sequences, and the short ones.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
TAB, ENTER, CTRL_C, CTRL_D, ESCAPE = "\t", "\r", "\x03", "\x04", "\x1b"


class Terminal:
    """One program; `raw` is everything it wrote, with its escape sequences."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.raw = ""
        self._looked_at = 0
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        # Nobody is there to answer where the cursor is.
        env = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **(environment or {})}
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True, close_fds=True
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    def keys(self, text: str) -> None:
        """Type. What was on the screen before is not seen again by `sees`."""
        self._looked_at = len(self.text)
        os.write(self._master, text.encode())

    def sees(self, *texts: str) -> str:
        """Wait until everything of this came on the screen since keys were typed last; what came."""
        end = time.monotonic() + DEADLINE
        while True:
            new = self.text[self._looked_at :]
            missing = [text for text in texts if text not in new]
            if not missing:
                return new
            if not self._read(end):
                raise AssertionError(f"not seen within {DEADLINE:g} s: {missing}; the screen has\n{new}")

    def leave(self, keys: str) -> int:
        """Press these keys again and again, as a person does, until the program ends; its exit status.

        Keys that come while it does something else than reading them may get lost.
        """
        end = time.monotonic() + DEADLINE
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):  # it has just ended
                os.write(self._master, keys.encode())
            again = time.monotonic() + BETWEEN_KEYS
            while self._process.poll() is None and self._read(again):
                pass
        return self.ends()

    def ends(self) -> int:
        """Wait for the end of the program; its exit status."""
        end = time.monotonic() + DEADLINE
        while self._process.poll() is None:
            self._read(min(end, time.monotonic() + 0.1))
            if time.monotonic() > end:
                raise AssertionError(f"it has not ended; the screen has\n{self.text[self._looked_at :]}")
        while self._read(time.monotonic()):
            pass
        return self._process.returncode

    @property
    def text(self) -> str:
        """What it wrote, without escape sequences."""
        return _ESCAPES.sub("", self.raw).replace("\r", "")

    def _read(self, end: float) -> bool:
        """Take in what there is, waiting until `end` at most; whether there was something."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)
