"""A map of very many names is one like any other, and no name costs an object."""

from __future__ import annotations

import gc
import sys
from typing import Any

import dns.name
import hypothesis.strategies as st
import pytest
from hypothesis import given

from daemonkit import rowmap
from daemonkit.rowmap import RowMap
from datasrc.keys import labels_key
from datasrc.namemap import NameMap

LABELS = st.binary(min_size=1, max_size=5) | st.sampled_from([b"\x00", b"a.b", b"A", b"a", b"\x01\x02"])
KEYS = st.lists(LABELS, max_size=3).map(labels_key)


@given(st.lists(st.tuples(KEYS, st.sampled_from("xyz"))), KEYS)
def test_it_says_what_a_dictionary_says(entries: list[tuple[bytes, str]], other: bytes) -> None:
    known = dict(entries)
    made = NameMap(entries)
    assert len(made) == len(known)
    assert dict(made) == dict(made.items()) == known
    assert list(made) == list(known)
    assert list(made.values()) == list(known.values())
    assert NameMap.remade(known.items()) == made
    for key in [*known, other]:
        assert made.get(key) == known.get(key)
        assert (key in made) == (key in known)


def test_a_name_that_is_not_there_is_missed() -> None:
    with pytest.raises(KeyError, match="example"):
        NameMap[str]([])[b"example\0"]


def test_a_name_is_no_key_and_says_so() -> None:
    made = NameMap([(b"example\0", "x")])
    name: Any = dns.name.from_text("example.")
    for ask in (made.__contains__, made.__getitem__, made.get):
        with pytest.raises((TypeError, AttributeError)):
            ask(name)


def test_many_changes_are_worked_in_without_an_object_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowmap, "MAX_CHANGES", 3)
    keys = [b"example\0z%d\0" % number for number in range(10)]
    made = RowMap(NameMap((key, "old") for key in keys[:6]))
    for number in range(10):
        made = made.changed([(keys[number], "new")], [keys[9 - number]] if number < 3 else ())
    assert isinstance(made._base, NameMap)
    assert dict(made.items()) == dict.fromkeys(keys, "new")


def test_no_name_costs_an_object() -> None:
    def blocks(count: int) -> int:
        gc.collect()
        before = sys.getallocatedblocks()
        made = NameMap((b"example\x00z%d\x00" % number, "same") for number in range(count))
        assert len(made) == count
        return sys.getallocatedblocks() - before

    blocks(100)
    assert abs(blocks(4000) - blocks(2000)) < 100
