"""Maps of rows: like a dict in everything, and never changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit import rowmap
from daemonkit.rowmap import RowMap

KEYS = st.sampled_from("abcdefgh")
STEPS = st.lists(st.tuples(st.dictionaries(KEYS, st.integers() | st.none()), st.lists(KEYS)), max_size=6)


@pytest.mark.parametrize("limit", [0, 2, 1000])
def test_it_is_what_a_dict_would_be(monkeypatch, limit):
    monkeypatch.setattr(rowmap, "MAX_CHANGES", limit)

    @given(st.dictionaries(KEYS, st.integers()), STEPS)
    def walk(begin, steps):
        made, model = RowMap(begin), dict(begin)
        seen = [(made, dict(model))]
        for rows, removed in steps:
            made = made.changed(rows.items(), removed)
            for key in removed:
                model.pop(key, None)
            model.update(rows)
            seen.append((made, dict(model)))
        for map_, expected in seen:
            assert dict(map_.items()) == expected
            assert map_ == expected
            assert len(map_) == len(expected)
            for key in "abcdefgh":
                assert (key in map_) == (key in expected)
                assert map_.get(key, "none") == expected.get(key, "none")

    walk()


def test_what_is_not_there_is_a_key_error():
    made = RowMap({"a": 1, "b": 2}).changed([], ["a"])
    for key in ("a", "c"):
        with pytest.raises(KeyError):
            made[key]


def test_a_change_does_not_copy_the_rows():
    class Rows(dict[str, int]):
        def __iter__(self):
            raise AssertionError("all rows are looked at")

        keys = items = __iter__

    rows = Rows({"a": 1, "b": 2})
    made = RowMap(rows).changed([("c", 3)], ["a"]).changed([("b", 4)])
    assert (made["b"], made["c"], "a" in made, len(made)) == (4, 3, False, 2)
