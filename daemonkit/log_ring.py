"""The last lines of a process: what `bobctl log tail` shows, wherever else they went.

Bounded in octets, whatever is logged, and in memory that outlives the process where that is a mapped file of the run
directory (`daemonkit.log_files`): plain stores, in an order in which a process that is killed at any of them leaves
whole lines.

    offset  0   magic, 8 octets
            8   layout, u32; size of the area, u32
           16   process id, u64
           24   where the oldest line begins, u64; where the next one will, u64: they only grow, modulo the size
           40   time of the newest line, f64 (seconds since 1970)
           48   component/instance, UTF-8, zeros up to the area
          256   the area; a line is its length, u32; its CRC-32 from its number on, u32; its number, u64; and a
                LogLine in JSON

All numbers are in the order of this machine.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from daemonkit.errors import DaemonError
from daemonkit.log_entry import Entry

MAGIC = b"BOBLINES"
LAYOUT = 1
AREA = 64 * 1024 - 256  # octets: some 250 lines
MAX_LINE = 8 * 1024  # octets; of a longer one only its beginning is kept
SHORTENED = 1000  # characters of the text that are left of it

_START = struct.Struct("=8sIIQ")
_MARKS_AT = 24
_MARKS = struct.Struct("=QQ")
_WHO_AT = 48
AREA_AT = 256
_RECORD = struct.Struct("=IIQ")
_TIME_AT = 40
_TIME = struct.Struct("=d")
_SEED = 0xFFFFFFFF  # of the number that the CRC begins with


class LinesDamaged(DaemonError):
    """A file holds no lines of a process: truncated, of another layout, or something else."""


class LogLine(msgspec.Struct, frozen=True):
    """One message as it was logged. All texts are escaped, and no secret is in them."""

    time: float  # POSIX seconds
    severity: str  # debug, info, warning, error
    who: str  # component/instance
    id: str  # of the message; empty: a library said it
    text: str
    traceback: tuple[str, ...] = ()  # lines
    revision: int = 0  # of the configuration; 0: none yet


class LogRing:
    """Writes lines with consecutive numbers. Who calls sees to it that it is one thread at a time."""

    def __init__(self, memory: mmap.mmap, who: str, pid: int) -> None:
        """In this memory, which is of zeros."""
        self._memory = memory
        self._size = len(memory) - AREA_AT
        self._marks = memoryview(memory)[_MARKS_AT : _MARKS_AT + 16].cast("Q")
        self._begin = self._end = 0
        self.next = 0  # the number of the next line
        self.rename(who)
        _START.pack_into(memory, 0, MAGIC, LAYOUT, self._size, pid)

    @classmethod
    def in_memory(cls, who: str, pid: int) -> LogRing:
        """One that ends with the process; pages that no line has reached take none."""
        return cls(mmap.mmap(-1, AREA_AT + AREA, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), who, pid)

    def rename(self, who: str) -> None:
        """The process is this one from now on."""
        room = AREA_AT - _WHO_AT
        self._memory[_WHO_AT:AREA_AT] = who.encode()[:room].ljust(room, b"\0")

    def add(self, entry: Entry) -> None:
        """Keep a line, and let old ones go."""
        line = msgspec.json.encode(_line(entry))
        if len(line) > MAX_LINE:
            line = msgspec.json.encode(_line(entry, shortened=True))
        self.append(line, entry.time)

    def append(self, line: bytes, time: float) -> None:
        """Keep a line that is encoded already. First old ones end to be there, then the new one begins to be.

        All in one function: each that a daemon calls for the first time takes memory (docs/internals.md section 9).
        """
        memory, begin, end = self._memory, self._begin, self._end
        record = _RECORD.pack(len(line), zlib.crc32(line, self.next & _SEED), self.next) + line
        while end + len(record) - begin > self._size:
            begin += _RECORD.size + _RECORD.unpack(_around(memory, self._size, begin, _RECORD.size))[0]
        if begin != self._begin:
            self._begin = self._marks[0] = begin  # one store of 64 bits, which is made or is not
        at = AREA_AT + end % self._size
        first = record[: len(memory) - at]
        memory[at : at + len(first)] = first
        if len(first) < len(record):
            memory[AREA_AT : AREA_AT + len(record) - len(first)] = record[len(first) :]
        memory[_TIME_AT : _TIME_AT + 8] = _TIME.pack(time)
        self._end = self._marks[1] = end + len(record)
        self.next += 1

    def image(self) -> RingImage:
        """What is there now."""
        return parse(self._memory[:])

    def close(self) -> None:
        """Let the memory go; a file stays as it is."""
        self._marks.release()
        self._memory.close()


@dataclass(frozen=True, slots=True)
class RingImage:
    """The lines of a process at one moment, by their numbers, in order."""

    pid: int
    who: str
    written: float  # time of the newest line
    lines: dict[int, LogLine]
    damage: str = ""  # why lines are missing among them

    @property
    def begin(self) -> int:
        """The number of the first line."""
        return next(iter(self.lines), 0)

    @property
    def next(self) -> int:
        """The number of the next line."""
        return next(reversed(self.lines), -1) + 1

    def after(self, number: int) -> Iterator[LogLine]:
        """Those numbered so and later."""
        return (line for its, line in self.lines.items() if its >= number)


def parse(content: bytes, begin_now: int | None = None) -> RingImage:
    """What these octets hold. `begin_now`: where lines began after they were read, of a process that goes on.

    Raises LinesDamaged where there is no saying where lines are; a line that cannot be read costs itself only.
    """
    who, written = whose(content[:AREA_AT])
    _, layout, size, pid = _START.unpack_from(content)
    if layout != LAYOUT:
        raise LinesDamaged(f"it has layout {layout}, not {LAYOUT}")
    if len(content) != AREA_AT + size:
        raise LinesDamaged(f"it has {len(content)} octets instead of {AREA_AT + size}")
    begin, end = _MARKS.unpack_from(content, _MARKS_AT)
    begin = begin if begin_now is None else begin_now
    if not begin <= end <= begin + size:
        raise LinesDamaged(f"its lines are said to be at {begin} to {end}")
    lines: dict[int, LogLine] = {}
    damages: list[str] = []
    for found in _records(content, size, begin, end):
        if isinstance(found, LinesDamaged):
            damages.append(str(found))
        else:
            lines[found[0]] = found[1]
    return RingImage(pid, who, written, lines, _told(len(lines), damages))


def _told(count: int, damages: list[str]) -> str:
    """What is said of damages of a file of which so many lines can be read."""
    if not damages:
        return ""
    more = f" (and {len(damages) - 1} more)" if damages[1:] else ""
    return f"{count} lines of it can be read: {damages[0]}{more}"


def _records(content: bytes, size: int, begin: int, end: int) -> Iterator[tuple[int, LogLine] | LinesDamaged]:
    """The number of each line, and the line, or what is wrong with it: an impossible length ends them."""
    least = 0
    while begin < end:
        length, checksum, number = _RECORD.unpack(_around(content, size, begin, _RECORD.size))
        if length > min(MAX_LINE, end - begin):
            yield LinesDamaged(f"a line of {length} octets is said to be at {begin}")
            return
        line = _around(content, size, begin + _RECORD.size, length)
        if zlib.crc32(line, number & _SEED) != checksum or number < least:
            yield LinesDamaged(f"the line at {begin} does not have its checksum")
        else:
            least = number + 1
            try:
                yield number, msgspec.json.decode(line, type=LogLine)
            except msgspec.DecodeError as error:  # of another release
                yield LinesDamaged(f"line {number} is none that this release knows: {error}")
        begin += _RECORD.size + length


def begin_of(header: bytes) -> int:
    """Where the oldest line begins, by the first AREA_AT octets."""
    begin: int = _MARKS.unpack_from(header, _MARKS_AT)[0]
    return begin


def whose(header: bytes) -> tuple[str, float]:
    """Component/instance, and when it wrote its newest line, by the first AREA_AT octets. Raises LinesDamaged."""
    if len(header) < AREA_AT:
        raise LinesDamaged(f"it has only {len(header)} octets")
    if not header.startswith(MAGIC):
        raise LinesDamaged("it holds no lines of a log")
    written: float = _TIME.unpack_from(header, _TIME_AT)[0]
    return header[_WHO_AT:AREA_AT].rstrip(b"\0").decode(errors="replace"), written


def _around(content: bytes | mmap.mmap, size: int, position: int, length: int) -> bytes:
    at = position % size
    first = content[AREA_AT + at : AREA_AT + min(size, at + length)]
    return first + content[AREA_AT : AREA_AT + length - len(first)]


def _line(entry: Entry, *, shortened: bool = False) -> LogLine:
    text, traceback = entry.text, entry.traceback
    if shortened:
        text, traceback = f"{text[:SHORTENED]}...", ()
    return LogLine(entry.time, entry.severity, entry.who, entry.id, text, traceback, entry.revision)
