"""How many lines of interpreted code work takes: a measure that no other load of the machine changes.

python -m tests.image.lines_run SIZE...      # a JSON object: work -> its lines for each size
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.kit import interpreted

if __name__ == "__main__":
    interpreted.interpret()

import dns.name

from auth.wire import wire_of
from datasrc.memory import MemorySource
from datasrc.records import RRset
from datasrc.zonetext_zone import ZoneText, read_zone
from image.assembly import ImageAssembler
from image.builder import build
from tests.datasrc.zonemaking import SMALL, TESTER, rrsets
from tests.image.mapping import SEED, Both
from tests.image.test_responder import ORIGIN
from tests.kit import dnspacket as packet

ROOT = Path(__file__).parents[2]
MEASURED = (f"{ROOT}/image/", f"{ROOT}/datasrc/")
FIRST_TYPE = 1000
HOSTS = 8
RRSIG = 46
HEAD = "$TTL 60\n@ SOA ns h 7 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"


class Lines:
    """Counts them."""

    def __init__(self) -> None:
        self.count = 0

    def _line(self, _frame: FrameType, event: str, _arg: Any) -> Callable[..., Any]:
        self.count += event == "line"
        return self._line

    def _call(self, frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        return self._line if frame.f_code.co_filename.startswith(MEASURED) else None

    @contextmanager
    def counted(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before)


def read(lines: str) -> ZoneText:
    zone, findings = read_zone(io.BytesIO((HEAD + lines).encode()), "test.zone", ORIGIN)
    assert not findings.errors, list(findings)
    return zone


def many_types(size: int) -> str:
    return "".join(f"w TYPE{FIRST_TYPE + number} \\# 1 00\n" for number in range(size))


def building(size: int, lines: Lines) -> None:
    """The image of a zone with so many types at one name."""
    contents = read(many_types(size)).contents(1)
    with tempfile.TemporaryDirectory() as folder, lines.counted():
        build([contents], Path(folder) / "zone.image", SEED)


def rendering(size: int, lines: Lines) -> None:
    """That name alone, as it is changed in place."""
    key, assembler = b"w\0", ImageAssembler(SEED)
    assembler.rows.begin(wire_of(ORIGIN))
    assembler.rows.add_packed(read(many_types(size)).contents(1).packed)
    with lines.counted():
        assert assembler.render(wire_of(ORIGIN), key) is not None


def glue(size: int, lines: Lines) -> None:
    """Delegations to a host with so many types."""
    cuts = "".join(f"c{number} NS w\n" for number in range(size))
    contents = read(many_types(size) + "w A 192.0.2.1\n" + cuts).contents(1)
    with tempfile.TemporaryDirectory() as folder, lines.counted():
        build([contents], Path(folder) / "zone.image", SEED)


def servers(size: int, lines: Lines, extra: str = "") -> None:
    """A delegation to a few hosts of labels by the dozen, which end alike in nothing but their length."""
    hosts = [f"{'a.' * (size // 4)}s{number}" for number in range(HOSTS)]
    glue = "".join(f"{host} A 192.0.2.1\n" for host in hosts)
    contents = read(extra + glue + "".join(f"c NS {host}\n" for host in hosts)).contents(1)
    with tempfile.TemporaryDirectory() as folder, lines.counted():
        build([contents], Path(folder) / "zone.image", SEED)


def redirected(size: int, lines: Lines) -> None:
    """As servers(), where a DNAME might be above each of them."""
    servers(size, lines, "zz DNAME elsewhere.\n")


def signatures(size: int, lines: Lines) -> None:
    """Reading so many signatures at one name."""
    fields = "8 2 60 20300101000000 20200101000000 1 example. AAAA"
    text = "".join(f"w RRSIG TYPE{FIRST_TYPE + number} {fields}\n" for number in range(size))
    with lines.counted():
        read_zone(io.BytesIO((HEAD + text).encode()), "test.zone", ORIGIN)


def sets(size: int) -> list[RRset]:
    name = dns.name.Name((b"w", *ORIGIN.labels))
    return [*rrsets(SMALL), *(RRset(name, FIRST_TYPE + number, 60, (b"x",)) for number in range(size))]


def loading(size: int, lines: Lines) -> None:
    """A transaction of memory."""
    source = MemorySource()
    with source.updater(ORIGIN, create=True, replace=True) as updater:
        for each in sets(size):
            updater.add(each)
        with lines.counted():
            updater.commit(TESTER)


def finding(size: int, lines: Lines) -> None:
    """Each set of the name, one after the other."""
    source = MemorySource()
    with source.updater(ORIGIN, create=True, replace=True) as updater:
        for each in sets(size):
            updater.add(each)
        updater.commit(TESTER)
    with source.snapshot() as snapshot:
        finder = snapshot.zone(ORIGIN)
        assert finder is not None
        with lines.counted():
            for number in range(size):
                assert finder.row(b"w\0", FIRST_TYPE + number) is not None


def answering(size: int, lines: Lines) -> None:
    """Answers for the last type of the name."""
    with tempfile.TemporaryDirectory() as folder:
        both = Both(Path(folder))
        both.put(ORIGIN, sets(size))
        both.build()
        message = packet.query(b"\x01w" + wire_of(ORIGIN), FIRST_TYPE + size - 1)
        with lines.counted():
            assert both.image_reply(message) is not None
        both.close()


WORK: dict[str, Callable[[int, Lines], None]] = {
    each.__name__: each
    for each in (building, rendering, glue, servers, redirected, signatures, loading, finding, answering)
}


def main(sizes: list[int]) -> None:
    """Write how many lines each takes."""
    found: dict[str, list[int]] = {}
    for name, work in WORK.items():
        for size in sizes:
            lines = Lines()
            work(size, lines)
            found.setdefault(name, []).append(lines.count)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
