"""Hashes of names and contents: those of their description, and nobody chooses from afar which of them meet."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterator
from pathlib import Path

import dns.name
import pytest

from datasrc.zonetext_zone import ZoneText, read_zone
from image import layout
from image.arena import Arena
from image.assembly import ImageAssembler
from image.builder import build
from image.file import ImageFile
from image.names import NameReader
from tests.image.mapping import ARENA, SEED

SEEDS = [1, SEED, 0xDEADBEEFCAFEBABE]
MASK64 = (1 << 64) - 1
WORD = 8
ORIGIN = dns.name.from_text("example.")
HEAD = "$TTL 3600\n@ SOA ns host 1 7200 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"


def wire(*labels: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read(reader: NameReader, name: bytes) -> int:
    """The hash of a name, before it is found a place in a zone."""
    reader.attach(memoryview(name))
    assert reader.read(0, len(name)) == len(name)
    return reader.hashes[reader.depth]


def meeting(variant: int) -> bytes:
    """One of 128 labels. With the hash of version 4 the top bit of a word and two bits of the next undid each other,
    for every seed.
    """
    octets = bytearray(wire(b"a" * 63)[:-1])
    for word in range(7):
        if variant >> word & 1:
            octets[WORD * word + 7] ^= 0x80
            octets[WORD * word + 15] ^= 0x80
            octets[WORD * word + 11] ^= 0x80
    return bytes(octets[1:])


def described(name: bytes, seed: int, zone: int) -> list[int]:
    """The hashes of all suffixes of a name in small letters as image/layout.py says, from the root on."""
    digest = hashlib.blake2b(seed.to_bytes(8, "little"), digest_size=24).digest()
    start, factor, addend = (int.from_bytes(digest[at : at + 8], "little") for at in (0, 8, 16))

    def step(value: int, word: int) -> int:
        product = (value ^ word) * (factor | 1)
        return product % 2**64 ^ (product // 2**64 + addend) % 2**64

    labels = []
    while name[0]:
        labels.append(name[: name[0] + 1])
        name = name[name[0] + 1 :]
    hashes = [start]
    for label in reversed(labels):
        value = hashes[-1]
        for at in range(0, len(label), WORD):
            value = step(value, int.from_bytes(label[at : at + WORD], "little"))
        hashes.append(value)
    return [step(value, zone) for value in hashes]


@pytest.mark.parametrize("seed", SEEDS)
def test_hashes_are_those_of_their_description(seed):
    source = random.Random(seed)
    reader = NameReader(seed)
    for _ in range(300):
        sizes = source.choices([1, 2, 7, 8, 9, 15, 16, 63], k=source.randrange(4))
        labels = [source.randbytes(size).lower() for size in sizes]
        name, zone = wire(*labels), source.choice([0, 1, 1 << 31])
        read(reader, name)
        found = [reader.place(reader.hashes[level], zone) for level in range(len(labels) + 1)]
        assert found == described(name, seed, zone)


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_that_met_for_every_seed_do_not(seed):
    reader = NameReader(seed)
    assert len({read(reader, wire(meeting(variant), b"example")) for variant in range(128)}) == 128


def changes(source: random.Random) -> Iterator[int]:
    """What to change of a word whose first octet is the length of a label: one bit, two, three, all of them."""
    bits = range(WORD, 64)
    yield from (1 << bit for bit in bits)
    for count in (2, 3):
        for _ in range(120):
            yield sum(1 << bit for bit in source.sample(bits, count))
    yield MASK64 >> WORD << WORD


def test_no_change_of_a_word_is_undone_by_one_of_the_next():
    """What a change of the last word does to the hash is what another change of the next word would have to be, so
    that both together do nothing: it is something else for each seed and each word that is changed.
    """
    source = random.Random(2)
    readers = [NameReader(source.getrandbits(56)) for _ in range(12)]
    for change in changes(source):
        done = set()
        tried = 0
        while tried < 96:
            label = source.randbytes(7)
            changed = (int.from_bytes(wire(label)[:-1], "little") ^ change).to_bytes(8, "little")[1:]
            if label.lower() == label and changed.lower() == changed:
                reader = readers[tried % len(readers)]
                done.add(read(reader, wire(label)) ^ read(reader, wire(changed)))
                tried += 1
        assert len(done) == tried, hex(change)
        assert 0 not in done


def zone_of(owners: list[tuple[bytes, ...]]) -> ZoneText:
    """A zone with an address for each of these, below its origin."""
    escaped = (".".join("".join(f"\\{octet:03}" for octet in label) for label in owner) for owner in owners)
    text = HEAD + "".join(f"{owner} A 192.0.2.1\n" for owner in escaped)
    zone, findings = read_zone(io.BytesIO(text.encode()), "test.zone", ORIGIN)
    assert not findings.errors
    return zone


def searches(owners: list[tuple[bytes, ...]], path: Path) -> list[int]:
    """How far each search for a name goes at most, in an image of a zone that has these: to the next free place."""
    build([zone_of(owners).contents(1)], path, SEED)
    arena = Arena(ARENA)
    offset, octets = ImageFile(arena, path, SEED).sections[layout.BUCKETS]
    taken = memoryview(path.read_bytes())[offset : offset + octets].cast("Q").tolist()
    arena.close()
    size = len(taken)
    assert sum(map(bool, taken)) > len(owners)
    free = next(at for at in range(size) if not taken[at])
    steps = [0] * size
    for at in range(free - 1, free - size, -1):  # round to the free place
        steps[at % size] = steps[(at + 1) % size] + 1 if taken[at % size] else 0
    reader = NameReader(SEED)
    values = (reader.place(read(reader, wire(*owner, b"example")), 1) for owner in owners)
    return [steps[(value >> 32) * size >> 32] for value in values]


def test_a_zone_of_names_that_met_is_searched_as_any_other(tmp_path):
    """V74."""
    numbers = range(1 << 13)
    met = searches([(meeting(number & 127), meeting(number >> 7)) for number in numbers], tmp_path / "met")
    plain = searches([(b"%063d" % (number & 127), b"%063d" % (number >> 7)) for number in numbers], tmp_path / "plain")
    assert sum(met) < 1.2 * sum(plain)
    assert max(met) < 2 * max(plain)


def test_contents_are_found_by_hashes_that_the_seed_is_in():
    """V74: else who knows the function can choose records that all want one place."""
    zone = zone_of([(b"h%d" % number,) for number in range(4)])
    places = []
    for seed in SEEDS:
        assembler = ImageAssembler(seed)
        assembler.rows.begin(wire(b"example"))
        assembler.rows.add_rows(list(zone.rows()))
        assert assembler.assemble(wire(b"example"))
        places.append([at for at, entry in enumerate(assembler.seen) if entry])
    assert len({tuple(each) for each in places}) == len(SEEDS)
    assert len({len(each) for each in places}) == 1
