"""Records that come in any order are put into the same one (datasrc.packed_order)."""

from __future__ import annotations

from io import BytesIO
from itertools import permutations

import dns.name
import pytest

from datasrc.zonetext_zone import read_zone

ORIGIN = dns.name.from_text("example.")
HEAD = "$TTL 3600\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
PRIME = 101  # each step from 1 to below it goes through all numbers, in runs of another length


def sets(lines: list[str]) -> list[tuple[bytes, int, bytes]]:
    """Key, type and RDATA of each set, in the order they have."""
    text, findings = read_zone(BytesIO((HEAD + "\n".join(lines) + "\n").encode()), "test", ORIGIN)
    assert not findings.errors
    packed = text.contents(1).packed
    rows = [packed.row(index) for index in range(packed.set_count)]
    return [(row[0], row[1], row[5]) for row in rows]


def test_every_order_of_a_few_names_comes_to_the_same():
    names = [f"{label} A 192.0.2.9" for label in ("a", "b", "c.b", "d", "e.d", "f")]
    expected = sets(names)
    assert [key for key, _, _ in expected] == sorted(key for key, _, _ in expected)
    assert len(expected) == len(names) + 3
    for order in permutations(names):
        assert sets(list(order)) == expected


@pytest.mark.parametrize("step", range(1, PRIME))
def test_runs_of_any_length_come_to_the_same(step: int):
    names = [f"h{number} A 192.0.2.{number}" for number in range(PRIME)]
    expected = sets(sorted(names))
    assert sets([names[number * step % PRIME] for number in range(PRIME)]) == expected


@pytest.mark.parametrize("order", [1, -1])
def test_of_equal_names_the_first_one_counts_wherever_it_stands(order: int):
    names = [f"h{number}" for number in range(50)][::order]
    lines = [f"{name} A 192.0.2.1" for name in names] + [f"{name.upper()} A 192.0.2.2" for name in names]
    text, findings = read_zone(BytesIO((HEAD + "\n".join(lines) + "\n").encode()), "test", ORIGIN)
    assert not findings.errors
    packed = text.contents(1).packed
    rows = [packed.row(index) for index in range(packed.set_count)]
    assert [row[4] for row in rows if row[0].startswith(b"h")] == [None] * len(names)  # spelled as the first
