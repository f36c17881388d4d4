"""Who builds an image lets other threads have the interpreter after so much work, however few names make it."""

from __future__ import annotations

import io

import dns.name
import pytest

import image.zonerows
from datasrc.nsec3 import Parameters, hashed_key
from datasrc.zonetext_zone import read_zone
from image.builder import build
from tests.image.mapping import SEED

ORIGIN = dns.name.from_text("example.")
HEAD = "$TTL 60\n@ SOA ns h 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
NAMES = 100
HASHING = Parameters(1, 100, bytes(range(255)))
LABELS = 110
DELEGATIONS, SERVERS = 150, 40
LEAST = 3


@pytest.fixture
def breaths(monkeypatch):
    """A list that gets longer with each breath."""
    taken: list[float] = []
    monkeypatch.setattr(image.zonerows, "sleep", taken.append)
    return taken


def built(lines: str, folder) -> None:
    zone, findings = read_zone(io.BytesIO((HEAD + lines).encode()), "test.zone", ORIGIN)
    assert not findings.errors
    build([zone.contents(1)], folder / "zone.image", SEED)


def test_hashing_names_is_work(tmp_path, breaths):
    names = [ORIGIN, *(dns.name.from_text(f"n{number}", ORIGIN) for number in range(NAMES))]
    salt = HASHING.salt.hex()
    hashes = sorted(hashed_key(name, HASHING)[:-1].decode() for name in names)
    following = zip(hashes, [*hashes[1:], hashes[0]], strict=True)
    lines = [f"@ NSEC3PARAM 1 0 100 {salt}", *(f"n{number} A 192.0.2.1" for number in range(NAMES))]
    lines += [f"{one} NSEC3 1 0 100 {salt} {other} A" for one, other in following]
    built("\n".join(lines) + "\n", tmp_path)
    assert len(breaths) >= LEAST


def test_glue_of_long_names_is_work(tmp_path, breaths):
    hosts = [f"{'a.' * LABELS}s{number}" for number in range(SERVERS)]
    glue = "".join(f"{host} A 192.0.2.1\n" for host in hosts)
    cuts = "".join(f"c{number} NS {host}\n" for number in range(DELEGATIONS) for host in hosts)
    built(glue + "zz DNAME elsewhere.\n" + cuts, tmp_path)
    assert len(breaths) >= LEAST


def test_a_small_zone_is_not_worth_one(tmp_path, breaths):
    built("w A 192.0.2.1\n", tmp_path)
    assert not breaths
