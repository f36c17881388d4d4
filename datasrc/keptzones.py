"""Which zones of files have their packed sets in memory, as many as there is room for; how long who asks waits."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from datasrc.packed_zone import PackedZone

NOT_ASKED_FOR = 10.0  # s from reading a large file, after which nobody may ask for its zone, for another source has it
READERS = 64  # files that can be read at once


class KeptZone(Protocol):
    """What is kept of a zone, and taken from it where there is no room."""

    packed: PackedZone | None

    @property
    def is_large(self) -> bool:
        """Whether its file takes long to read."""


class Kept:
    """The zones whose packed sets are here, the one asked for longest ago first.

    Large ones that were read and not asked for yet wait apart: what is read meanwhile does not have them read twice.
    """

    def __init__(self, octets: int) -> None:
        """At most so many octets of sets, and as many that wait, are kept."""
        self.patience: float | None = None  # s that a question waits for a file to be read; None: as long as it takes
        self.news = 0  # how often something else was to be remembered of a file
        self._most = octets
        self._zones = _Pool()
        self._waiting = _Pool()
        self._lock = threading.Lock()
        self._readers = [threading.Lock() for _ in range(READERS)]
        self._reading: dict[KeptZone, tuple[Future[None], float]] = {}  # and when that began

    def reader(self, key: bytes) -> threading.Lock:
        """What is held while the file of this zone is read. There may be very many zones: some share it."""
        return self._readers[hash(key) % READERS]

    def read(self, zone: KeptZone, read: Callable[[], None]) -> bool:
        """Have the file of a zone read, in a thread if that may take long; whether it was within the patience."""
        if self.patience is None or not zone.is_large:
            read()
            return True
        with self._lock:
            if zone not in self._reading:
                self._reading[zone] = Future(), time.monotonic()
                threading.Thread(target=self._run, args=(zone, read), name="zone file", daemon=True).start()
            reading, begun = self._reading[zone]
        try:  # of many questions for one zone not each waits, one after the other
            reading.result(max(0.0, begun + self.patience - time.monotonic()))
        except TimeoutError:
            return False
        return True

    def _run(self, zone: KeptZone, read: Callable[[], None]) -> None:
        failure: BaseException | None = None
        try:
            read()
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            failure = error
        with self._lock:
            reading, _ = self._reading.pop(zone)
        if failure is None:
            reading.set_result(None)
        else:
            reading.set_exception(failure)

    def add(self, zone: KeptZone, octets: int) -> None:
        """This zone has its sets; others lose theirs where all are too many."""
        with self._lock:
            self._zones.remove(zone)
            self._waiting.remove(zone)
            (self._waiting if zone.is_large else self._zones).add(zone, octets, self._most)

    def remove(self, zone: KeptZone) -> None:
        """Nobody will ask for it."""
        with self._lock:
            self._zones.remove(zone)
            self._waiting.remove(zone)

    def used(self, zone: KeptZone) -> None:
        """It was asked for."""
        with self._lock:
            octets = self._zones.remove(zone) or self._waiting.remove(zone)
            if octets:
                self._zones.add(zone, octets, self._most)

    @property
    def has_room(self) -> bool:
        """Whether a large file may be read before somebody asks for it: not where others wait for that already."""
        waiting = self._waiting
        return waiting.octets < self._most // 2 or time.monotonic() - waiting.changed >= NOT_ASKED_FOR


class _Pool:
    """Zones with their packed sets, the oldest first."""

    def __init__(self) -> None:
        self.octets = 0
        self.changed = time.monotonic()
        self._zones: OrderedDict[KeptZone, int] = OrderedDict()

    def add(self, zone: KeptZone, octets: int, most: int) -> None:
        """Have this one as well; the oldest lose their sets where all are too many."""
        self.changed = time.monotonic()
        self._zones[zone] = octets
        self.octets += octets
        while self.octets > most and len(self._zones) > 1:
            oldest, size = self._zones.popitem(last=False)
            self.octets -= size
            oldest.packed = None

    def remove(self, zone: KeptZone) -> int:
        """How many octets it had; 0: it was not here."""
        octets = self._zones.pop(zone, 0)
        if octets:
            self.octets -= octets
            self.changed = time.monotonic()
        return octets
