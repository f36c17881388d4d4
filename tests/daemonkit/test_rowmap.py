"""Maps of rows: like a dict in everything, and never changed."""

from __future__ import annotations

import itertools

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
            assert dict(map_) == expected
            assert list(map_) == [key for key, _ in map_.items()]
            assert map_.flat() == expected
            assert map_ == expected
            assert len(map_) == len(expected)
            for _, other in seen:
                assert (map_ == RowMap(other)) == (expected == other)
            for key in "abcdefgh":
                assert (key in map_) == (key in expected)
                assert map_.get(key, "none") == expected.get(key, "none")

    walk()


@given(st.dictionaries(KEYS, st.integers()), STEPS, st.integers(1, 4))
def test_pages_have_every_entry_once_in_order(begin, steps, size):
    made = RowMap(begin)
    for rows, removed in steps:
        made = made.changed(rows.items(), removed)
    found, place = [], 0
    while page := list(itertools.islice(made.entries_from(place), size)):
        found += [(key, value) for _, key, value in page]
        place = page[-1][0]
    assert found == list(made.items())


@given(st.dictionaries(KEYS, st.integers()), STEPS)
def test_what_may_differ_is_named_and_the_rest_is_the_same(begin, steps):
    maps = [RowMap(begin)]
    for rows, removed in steps:
        maps.append(maps[-1].changed(rows.items(), removed))
    for one, other in itertools.product(maps, maps):
        assert (one == other) == (one.flat() == other.flat())
        keys = one.may_differ(other)
        assert keys is not None
        rest = set("abcdefgh") - set(keys)
        assert all(one.get(key, "none") == other.get(key, "none") for key in rest)
    assert maps[0].may_differ(RowMap(dict(begin))) is None


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
