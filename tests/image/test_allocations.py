"""From zone text to an image there is no object a record: how many blocks are allocated does not grow with them."""

from __future__ import annotations

from pathlib import Path

import dns.name
import pytest

import datasrc
from datasrc.sources import source_url
from image import assembly
from image.builder import build
from tests.image.mapping import SEED
from tests.kit.allocations import TARGETS, Allocations

ORIGIN = dns.name.from_text("example.")
FEW, MANY = 2_000, 42_000  # records
PER_RECORD = 0.1  # blocks at most: the text comes in pieces, and buffers grow now and then
HEAD = "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
LINES = {
    "addresses": "host{0} A 192.0.2.{1}\n",
    "delegations": "sub{0} NS ns.sub{0}\nns.sub{0} A 192.0.2.{1}\n",
    "texts": 'text{0} TXT "number {0}"\n',
    **TARGETS,
    "signed": "sub{0} NS ns.elsewhere.test.\nsub{0} DS {1} 13 2 " + "ab" * 32 + "\n",
}

pytestmark = pytest.mark.skipif(assembly.__file__.endswith(".py"), reason="interpreted, every number is an object")


def compile_zone(directory: Path, line: str, records: int) -> None:
    """Read the file of a zone and build the image, as memmgr does."""
    source = datasrc.open(source_url({"type": "master-files", "directory": str(directory)}), read_only=True)
    try:
        with source.snapshot() as snapshot:
            build(snapshot.each([ORIGIN]), directory.parent / "zones.image", SEED)
            finder = snapshot.zone(ORIGIN)
            assert finder is not None
            assert finder.info.records >= records // line.count("\n") * line.count("\n")
    finally:
        source.close()


@pytest.mark.parametrize("kind", LINES)
def test_blocks_do_not_grow_with_records(tmp_path, kind):
    allocations, counts = Allocations(tmp_path), {}
    line = LINES[kind]
    for records in (FEW, FEW, MANY):  # the first time what is made once is made, too
        directory = tmp_path / f"zones{records}"
        directory.mkdir(exist_ok=True)
        lines = (line.format(number, number % 250 + 1) for number in range(records // line.count("\n")))
        (directory / "example.zone").write_text(HEAD + "".join(lines))
        counts[records] = allocations.of(lambda: compile_zone(directory, line, records))  # noqa: B023 - called at once
    more = counts[MANY] - counts[FEW]
    assert more < PER_RECORD * (MANY - FEW), counts


def test_an_object_a_record_would_show(tmp_path):
    allocations = Allocations(tmp_path)
    few, many = (allocations.of(lambda: [bytes(100) for _ in range(n)]) for n in (FEW, MANY))  # noqa: B023
    assert many - few >= MANY - FEW
