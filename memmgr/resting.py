"""Data sources that did not answer are left alone for a while, also by the process after the one that waited for them.

What waits for ever cannot be ended but with its process (docs/adr/0043). The next one must not wait there at once: it
has a note. Where there can be none, everything goes on without.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from daemonkit.log import MessageLog
from image import manifest
from image.directory import fingerprint

NAME = "memmgr.silent"  # in the run directory: whoever starts the suite anew wants all to be asked
FIRST = 30.0  # s; doubled each time
MOST = 600.0  # s
FORGOTTEN = 3600.0  # s from the end of a rest, after which the next one is short again


class Rest(msgspec.Struct, frozen=True):
    """Of one data source."""

    silent: float  # s for which it had not answered
    seconds: float
    until: float  # POSIX seconds


class Resting:
    """Which sources are left alone. May be shared between threads."""

    def __init__(self, run: Path, log: MessageLog, clock: Callable[[], float] = time.time) -> None:
        self._place = run / NAME
        self._log = log
        self._clock = clock
        self._rests = self._read()

    def add(self, source: str, url: str, silent: float) -> Rest:
        """Leave it alone: it has not answered for so many seconds."""
        key, now = _key(source, url), self._clock()
        before = self._rests.get(key)
        again = before is not None and now < before.until + FORGOTTEN
        seconds = min(2 * before.seconds, MOST) if before is not None and again else FIRST
        rest = Rest(silent, seconds, now + seconds)
        self._rests = {**self._rests, key: rest}
        self._note()
        return rest

    def reason(self, source: str, url: str) -> str:
        """Why it is left alone; empty: it is not."""
        rest = self._rests.get(_key(source, url)) if self._rests else None
        left = 0.0 if rest is None else rest.until - self._clock()
        if rest is None or not 0.0 < left <= MOST:  # the clock may have been set
            return ""
        return f"it had not answered for {rest.silent:.0f} s, and is asked again in {left:.0f} s"

    def told(self, sources: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Of these sources (name, URL) those that are left alone, and why."""
        return [(source, reason) for source, url in sources if (reason := self.reason(source, url))]

    def clear(self) -> None:
        """Have all of them asked now."""
        self._rests = {}
        self._note()

    def end(self, source: str, url: str) -> None:
        """Have that one asked now: the others rest on."""
        key = _key(source, url)
        if key in self._rests:
            self._rests = {other: rest for other, rest in self._rests.items() if other != key}
            self._note()

    def _note(self) -> None:
        """For the next process."""
        try:
            if self._rests:
                manifest.replace(self._place, msgspec.json.encode(self._rests), durable=False)
            else:
                self._place.unlink(missing_ok=True)
        except OSError as error:
            self._log.warning("MEMMGR_REST_NOT_NOTED", file=self._place, reason=error)

    def _read(self) -> dict[str, Rest]:
        try:
            return msgspec.json.decode(self._place.read_bytes(), type=dict[str, Rest])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:  # one that was cut short is no reason to wait
            self._log.warning("MEMMGR_REST_NOT_NOTED", file=self._place, reason=error)
            return {}


def _key(source: str, url: str) -> str:
    """A URL may have a password in it."""
    return f"{source} {fingerprint([(source, url)]):x}"
