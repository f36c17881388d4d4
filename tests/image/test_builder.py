"""The builder: what it makes of zones, however they come, is what the reference (tests/image/reference.py) makes."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

import dns.name
import pytest
from hypothesis import HealthCheck, given, settings

import datasrc
from datasrc.records import RRset, ZoneInfo, ZoneState
from datasrc.rows import Columns, name_wire
from datasrc.source import Contents, RowSink
from datasrc.zonetext_zone import ZoneText, read_zone
from image import layout
from image.arena import Arena
from image.assembly import ImageAssembler
from image.builder import build
from image.file import HEAD, SECTION, ImageFile
from image.names import NameReader
from tests.datasrc.zonemaking import SMALL, TESTER, rrsets
from tests.image import reference
from tests.image.mapping import ARENA, SEED, Both
from tests.image.test_responder import DS, ORIGIN, ZONE, questions, zones
from tests.kit import dnspacket as packet
from tests.kit.interpreted import examples

ROOT = Path(__file__).parents[2]
DO = 0x8000
UNSIGNED_OCTETS = 65  # a record, all different
NODE = struct.Struct("<BBHI")


def text(lines: str, origin: dns.name.Name = ORIGIN) -> ZoneText:
    zone, findings = read_zone(io.BytesIO(lines.encode()), "test.zone", origin)
    assert not findings.errors, list(findings)
    return zone


def octets_of(contents: Iterable[Contents], path: Path) -> bytes:
    build(contents, path, SEED)
    return path.read_bytes()


def stored(url: str, *sets: tuple[dns.name.Name, list[RRset]]) -> datasrc.source.DataSource:
    source = datasrc.open(url, create=True)
    for origin, each in sets:
        with source.updater(origin, create=True, replace=True) as updater:
            for rrset in each:
                updater.add(rrset)
            updater.commit(TESTER)
    return source


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=zones, questions=questions)
def test_it_answers_what_the_reference_answers(tmp_path, zone, questions):
    built, expected = Both(tmp_path / "built"), Both(tmp_path / "expected", build=reference.build)
    for both in (built, expected):
        both.folder.mkdir(exist_ok=True)
        both.put(ORIGIN, [*rrsets(SMALL), *zone])
        both.build()
    for name, rdtype, size in questions:
        additional = [] if size is None else [packet.opt(size=size)]
        message = packet.query(name.to_wire(), rdtype, additional=additional)
        answered = expected.image_reply(message, stream=True) is not None
        assert built.compare(message, stream=True) or not answered
        assert built.compare(message) or not answered
        built.compare(packet.query(name.to_wire(), rdtype, additional=[packet.opt(size=4096, flags=DO)]))
    built.close()
    expected.close()


def test_a_zone_has_the_same_octets_from_memory_a_database_and_text(tmp_path):
    lines = "$TTL 60\n@ SOA ns h 7 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\nWww A 192.0.2.3\n A 192.0.2.2\n"
    zone = text(lines + "\\000 TXT x\nx.ent MX 10 Mail.ent\ncut NS ns.cut\nns.cut AAAA 2001:db8::1\n*.w CNAME www\n")
    made = [octets_of([zone.contents(1)], tmp_path / "text.image")]
    for url in ("memory:", f"sqlite:///{tmp_path}/zones.sqlite"):
        source = stored(url, (ORIGIN, list(zone.rrsets())))
        with source.snapshot() as snapshot:
            finder = snapshot.zone(ORIGIN)
            assert finder is not None
            made.append(octets_of([finder], tmp_path / "one.image"))
            made.append(octets_of(snapshot.each([ORIGIN]), tmp_path / "each.image"))
        source.close()
    assert len(set(made)) == 1


def test_many_zones_of_a_database_go_into_one_image(tmp_path, monkeypatch):
    monkeypatch.setattr("datasrc.database.reader.TOGETHER", 7)
    monkeypatch.setattr("datasrc.database.reader.BATCH", 5)
    origins = [dns.name.from_text(f"z{number}.test.") for number in range(30)]
    missing = dns.name.from_text("missing.test.")
    empty = dns.name.from_text("empty.test.")
    sets = [(origin, rrsets(SMALL + f"www A 192.0.2.{number}\n", str(origin))) for number, origin in enumerate(origins)]
    source = stored(f"sqlite:///{tmp_path}/zones.sqlite", *sets, (empty, []))
    asked = [*origins[:20], missing, empty, *origins[20:]]
    with source.snapshot() as snapshot:
        together = list(snapshot.each(asked))
        assert sorted(each.info.origin for each in together) == sorted([*origins, empty])
    records = {}
    for name, choose in (("each", lambda snapshot: snapshot.each(asked)), ("one", one_by_one(asked))):
        with source.snapshot() as snapshot:
            build(choose(snapshot), tmp_path / name, SEED)
        records[name] = summary(tmp_path / name)
    assert records["each"] == records["one"]
    assert len(records["one"]) == len(origins) + 1
    source.close()


def one_by_one(origins):
    return lambda snapshot: [finder for origin in origins if (finder := snapshot.zone(origin)) is not None]


def summary(path: Path) -> dict[bytes, tuple[int, ...]]:
    """Of each zone of an image: flags, negative answer or not, records."""
    arena = Arena(ARENA)
    found: dict[bytes, tuple[int, ...]] = {}
    for _, place in ImageFile(arena, path).zones():
        fixed = bytes(arena.view[place : place + layout.ZONE_FIXED])
        start = place + layout.ZONE_FIXED
        origin = bytes(arena.view[start : start + fixed[layout.ZONE_ORIGIN_OCTETS]])
        negative, records = (
            int.from_bytes(fixed[at : at + 4], "little") for at in (layout.ZONE_NEGATIVE, layout.ZONE_RECORDS)
        )
        found[origin] = fixed[layout.ZONE_FLAGS], bool(negative), records
    arena.close()
    return found


def test_compiled_and_interpreted_make_the_same_octets(tmp_path):
    lines = "\n".join(
        [
            "$TTL 60\n@ SOA ns h 7 3600 900 604800 300\n@ NS ns",
            "ns A 192.0.2.1\n\\000\\001x TXT y\n*.w CNAME ns\ncut NS a.cut\n NS ns\na.cut A 192.0.2.7",
            *(f"h{number} A 192.0.2.{number}\n MX 10 h{number}" for number in range(100)),
            "@ NSEC3PARAM 1 0 2 AABB\nd DNAME ns.example.\nx.y.z TXT deep",
        ]
    )
    program = (
        "import sys; from pathlib import Path; from tests.kit.interpreted import interpret\n"
        "if sys.argv[2] == 'interpreted': interpret()\n"
        "import image.assembly; from tests.image.test_builder import octets_of, text\n"
        "octets = octets_of([text(sys.stdin.read()).contents(3)], Path(sys.argv[1]))\n"
        "import hashlib; print(hashlib.sha256(octets).hexdigest(), image.assembly.__file__.endswith('.py'))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "other.image"), "interpreted"]
    said = subprocess.run(command, input=lines, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    mine = octets_of([text(lines).contents(3)], tmp_path / "mine.image")
    assert said == [hashlib.sha256(mine).hexdigest(), "True"]


class Rows:
    """Rows as a damaged database may have them."""

    def __init__(self, *rows: Columns, state: ZoneState = ZoneState.READY) -> None:
        self.info = ZoneInfo(ORIGIN, 1, 1, len(rows), state, "")
        self.rows = list(rows)

    def pour(self, sink: RowSink) -> None:
        sink.add_rows(self.rows)


def blob(*rdatas: bytes) -> bytes:
    return b"".join(len(rdata).to_bytes(2) + rdata for rdata in rdatas)


NAME = name_wire(dns.name.from_text("ns.example."))
SOUND = [(b"", 2, 0, 60, None, blob(NAME)), (b"", 6, 0, 60, None, blob(NAME * 2 + bytes(20)))]
A_RDATA = blob(b"\x01\x02\x03\x04")


@pytest.mark.parametrize(
    "row",
    [
        (b"a\0", 1, 0, 60, None, b""),
        (b"a\0", 1, 0, 60, None, b"\0"),
        (b"a\0", 1, 0, 60, None, b"\0\x05\x01\x02\x03\x04"),
        (b"a\0", 2, 0, 60, None, blob(NAME[:-1])),
        (b"a\0", 15, 0, 60, None, blob(b"\0")),
        (b"a\0", 5, 0, 60, None, blob(b"\xc0\x0c")),
        (b"a\0", 2, 0, 60, None, blob(NAME + b"\0")),
        (b"a\0", 2, 0, 60, None, blob(NAME, NAME + bytes(3000))),
        (b"a\0", 5, 0, 60, None, blob(NAME * 2)),
        (b"a\0", 12, 0, 60, None, blob(NAME + b"x")),
        (b"a\0", 14, 0, 60, None, blob(NAME * 3)),
        (b"a\0", 15, 0, 60, None, blob(b"\0\x0a" + NAME + b"\0")),
        (b"a\0", 39, 0, 60, None, blob(NAME + b"\0")),
        (b"a\0", 39, 0, 60, None, blob(NAME[:-1])),
        (b"a\0", 6, 0, 60, None, blob(NAME * 2 + bytes(19))),
        (b"a\0", 6, 0, 60, None, blob(NAME * 2 + bytes(21))),
        (b"a\0", 2, 0, 60, None, blob(b"\x3f" + bytes(63) + (b"\x3f" + bytes(63)) * 3 + b"\0")),
        (b"a", 1, 0, 60, None, A_RDATA),
        (b"A\0", 1, 0, 60, None, A_RDATA),
        (b"\0", 1, 0, 60, None, A_RDATA),
        (b"\x01\x03\0", 1, 0, 60, None, A_RDATA),
        (b"\x01\0", 1, 0, 60, None, A_RDATA),
        (b"a" * 64 + b"\0", 1, 0, 60, None, A_RDATA),
        ((b"a" * 63 + b"\0") * 4, 1, 0, 60, None, A_RDATA),
        (b"a\0" * 127, 1, 0, 60, None, A_RDATA),
        (b"a\0" * 500, 1, 0, 60, None, A_RDATA),
        (b"a\0", 1, 0, 60, b"\x01b\x07example\0", A_RDATA),
        (b"a\0", 1, 0, 60, b"\x01a\x07example", A_RDATA),
        (b"a\0", 1, 0, 60, b"", A_RDATA),
        (b"a\0", 0, 0, 60, None, A_RDATA),
        (b"a\0", 70000, 0, 60, None, A_RDATA),
        (b"a\0", 1, 0, -1, None, A_RDATA),
        (b"", 1, 0, 60, None, A_RDATA),
        (b"not-hashed\0", 50, 0, 60, None, A_RDATA),
    ],
)
def test_a_zone_with_a_row_that_cannot_be_read_is_left_and_the_next_is_not(tmp_path, row):
    other = dns.name.from_text("other.")
    build([Rows(*SOUND, row), text("@ 60 SOA ns h 7 1 1 1 1\n@ 60 NS ns\n", other).contents(1)], tmp_path / "x", SEED)
    flags = {origin: found[0] for origin, found in summary(tmp_path / "x").items()}
    assert flags == {b"\x07example\0": layout.ZONE_LEFT, b"\x05other\0": 0}


def test_octets_behind_the_name_of_a_server_go_nowhere(tmp_path):
    """The host of a delegation is copied by address, into room for one name: it was copied as long as its RDATA is."""
    cuts = [(b"cut%d\0" % number, 2, 0, 60, None, blob(NAME + bytes(60_000))) for number in range(8)]
    build([Rows(*SOUND, *cuts)], tmp_path / "x", SEED)
    assert [found[0] for found in summary(tmp_path / "x").values()] == [layout.ZONE_LEFT]


def test_a_zone_that_is_not_ready_is_left(tmp_path):
    build([Rows(*SOUND, state=ZoneState.BROKEN)], tmp_path / "x", SEED)
    assert [found[0] for found in summary(tmp_path / "x").values()] == [layout.ZONE_LEFT]


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "zones.image"
    before = octets_of([Rows(*SOUND)], path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        build([Rows(*SOUND, (b"a\0", 1, 0, 60, None, A_RDATA))], path, SEED)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_ds_beside_a_cut_is_told_with_do_though_nothing_is_signed(tmp_path):
    both = Both(tmp_path)
    both.put(ORIGIN, [*rrsets(ZONE), *rrsets("signed CNAME www")])
    both.build()
    assert both.compare(packet.query(b"\x06signed\x07example\0", 1))
    assert both.compare(packet.query(b"\x01x\x06signed\x07example\0", 1, additional=[packet.opt(size=1232, flags=DO)]))
    assert both.compare(packet.query(b"\x06signed\x07example\0", DS, additional=[packet.opt(size=1232, flags=DO)]))
    both.close()


def test_a_record_takes_few_octets(tmp_path):
    count = 20_000
    rows = [(b"h%06d\0" % number, 1, 0, 60, None, blob(number.to_bytes(4))) for number in range(count)]
    build([Rows(*SOUND, *rows)], tmp_path / "x", SEED)
    assert (tmp_path / "x").stat().st_size < UNSIGNED_OCTETS * count


def test_a_name_rendered_alone_is_what_the_image_has(tmp_path):
    zone = text(
        "$TTL 60\n@ SOA ns h 7 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\ncut NS a.cut\n NS ns\na.cut A 192.0.2.7\n"
        "far NS a.cut\n*.w MX 5 far\nmany A 192.0.2.1\n A 192.0.2.2\n TXT x\nbig TXT " + '"' + "x" * 250 + '" ' * 1
    )
    rows = list(zone.rows())
    built = ImageAssembler(SEED)
    built.rows.begin(b"\x07example\0")
    built.rows.add_rows(rows)
    assert built.assemble(b"\x07example\0")
    seen = 0
    alone = ImageAssembler(SEED)
    for relative, flags, sets in nodes_of(built):
        key = b"".join(label + b"\0" for label in reversed(relative))
        alone.rows.begin(b"\x07example\0")
        alone.rows.add_rows(rows)
        parts = alone.render(b"\x07example\0", key)
        if parts is None:
            assert not sets  # an empty non-terminal
        else:
            assert parts[:2] == (flags & ~layout.NODE_WILDCARD, sets)
            assert bool(parts[2]) is (key == b"")
            seen += 1
    assert seen == len({row.key for row in rows}) - 1  # the glue of a cut is no node
    assert alone.render(b"\x07example\0", b"nowhere\0") is None


def nodes_of(built: ImageAssembler) -> list[tuple[list[bytes], int, list[tuple[int, int, bytes]]]]:
    """Labels below the origin, flags, (type, flags, fragment) of each set."""
    nodes, fragments = bytes(built.nodes.view()), bytes(built.fragments.view())
    found = []
    at = layout.UNIT
    while at < len(nodes):
        flags, octets, count, _ = NODE.unpack_from(nodes, at)
        at += layout.NODE_FIXED
        sets = []
        for _ in range(count):
            rdtype, kind, fragment = struct.unpack_from("<HHI", nodes, at)
            sets.append((rdtype, kind, packed_at(fragments, fragment * layout.UNIT)))
            at += layout.SET_OCTETS
        labels, end = [], at + octets
        while at < end:
            labels.append(nodes[at + 1 : at + 1 + nodes[at]])
            at += 1 + nodes[at]
        at += -at % layout.UNIT
        found.append((labels, flags, sets))
    return found


def packed_at(fragments: bytes, at: int) -> bytes:
    head, pointers, _ = struct.unpack_from("<HBB", fragments, at)
    end = at + layout.FRAGMENT_FIXED + (head & layout.FRAGMENT_OCTETS)
    if head & (layout.WITH_GLUE | layout.WITH_SIGNATURES):
        octets, more, _ = struct.unpack_from("<HBB", fragments, at + layout.FRAGMENT_FIXED)
        pointers += more
        end += layout.SECOND_FIXED + octets
    return fragments[at : end + layout.POINTER_OCTETS * pointers]


def test_a_name_of_another_zone_with_the_same_tag_is_not_taken_for_it(tmp_path):
    """Names are found by 24 bits of hash and compared without their origin, so the zone must be told apart, too."""
    both = Both(tmp_path)
    one, other = dns.name.from_text("one."), dns.name.from_text("other.")
    both.put(one, rrsets(f"{SMALL}\nwww A 192.0.2.1", "one."))
    both.put(other, rrsets(SMALL, "other."))
    both.build()
    path = tmp_path / "zones.image"
    octets = bytearray(path.read_bytes())
    collide(octets, b"\x03www\x03one\x00", b"\x03www\x05other\x00")
    path.write_bytes(octets)
    both.map(path)
    assert both.compare(packet.query("www.one.", 1))
    assert both.compare(packet.query("www.other.", 1))
    both.close()


def collide(octets: bytearray, there: bytes, missing: bytes) -> None:
    """Give the node of a name of zone 1 an entry of a name of zone 2, and the image its checksums."""
    place = HEAD.size + layout.BUCKETS * SECTION.size
    offset, length, _, _ = SECTION.unpack_from(octets, place)
    buckets = memoryview(octets)[offset : offset + length].cast("Q")
    at, tag = bucket_of(there, 1, len(buckets))
    while buckets[at] >> layout.TAG_SHIFT != tag:
        at = (at + 1) % len(buckets)
    node = buckets[at] & layout.OFFSET_MASK
    at, tag = bucket_of(missing, 2, len(buckets))
    while buckets[at]:
        at = (at + 1) % len(buckets)
    buckets[at] = tag << layout.TAG_SHIFT | node
    buckets.release()
    SECTION.pack_into(octets, place, offset, length, zlib.crc32(octets[offset : offset + length]), 0)
    end = layout.HEADER_OCTETS - 4
    octets[end : end + 4] = zlib.crc32(octets[:end]).to_bytes(4, "little")


def bucket_of(name: bytes, zone: int, size: int) -> tuple[int, int]:
    """Where a name belongs, and its tag."""
    reader = NameReader(SEED)
    reader.attach(memoryview(name))
    reader.read(0, len(name))
    value = reader.place(reader.hashes[reader.depth], zone)
    return ((value >> layout.HALF) * size) >> layout.HALF, value & layout.TAG_MASK
