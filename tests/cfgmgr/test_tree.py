"""Trees are never changed in place; differences lead from one to the other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmgr.candidates import undoing
from cfgmgr.tree import Change, apply, differences, drop, flat, look_up, merged, put, with_rows
from daemonkit.rowmap import RowMap

TREE = {"zones": {"a": {"acl": [{"x": 1}, {"x": 2}]}, "b": {}}, "listen": ["1", "2"]}

VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
ROWS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)
TREES = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4) | st.fixed_dictionaries(
    {"zones": ROWS, "a": VALUES}
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), TREE),
        (("listen", 1), "2"),
        (("zones", "a", "acl", 1, "x"), 2),
        (("zones", "c"), None),
        (("listen", 2), None),
        (("listen", "x"), None),
        (("zones", 0), None),
        (("listen", 0, "x"), None),
    ],
)
def test_look_up_finds_what_is_there(path, value):
    assert look_up(TREE, path) == value


def test_put_and_drop_leave_the_old_tree_as_it_was():
    before = copy.deepcopy(TREE)
    assert put(TREE, ("zones", "a", "acl", 0, "x"), 9)["zones"]["a"]["acl"] == [{"x": 9}, {"x": 2}]
    assert put(TREE, ("zones", "c", "role"), "p")["zones"]["c"] == {"role": "p"}
    assert put(TREE, ("listen", 2), "3")["listen"] == ["1", "2", "3"]
    assert drop(TREE, ("zones", "a", "acl", 0))["zones"]["a"]["acl"] == [{"x": 2}]
    assert drop(TREE, ("zones", "a"))["zones"] == {"b": {}}
    assert drop(TREE, ("nothing",)) is TREE
    assert drop(TREE, ()) == {}
    assert before == TREE


def test_put_shares_what_it_does_not_touch():
    tree = with_rows(TREE)
    for changed in (put(tree, ("listen", 0), "9"), drop(tree, ("listen", 0)), apply(tree, [Change(("x",), None, 1)])):
        assert changed["zones"] is tree["zones"]


@given(TREES, TREES)
@settings(max_examples=300, deadline=None)
def test_differences_lead_from_one_tree_to_the_other_and_back(old, new):
    before = copy.deepcopy(old)
    changes = list(differences(old, new))
    assert apply(old, changes) == new
    assert apply(new, undoing(changes)) == old
    assert old == before


@given(ROWS, ROWS, st.dictionaries(st.sampled_from("abcd"), st.none() | VALUES, max_size=3), st.data())
@settings(max_examples=200, deadline=None)
def test_rows_are_changed_as_a_dict_would_be(old, other, edits, data):
    """Whatever the maps have in common: the one after some changes, and one that has nothing to do with it."""
    tree, model = with_rows({"zones": old}), {"zones": dict(old)}
    for key, value in edits.items():
        way = data.draw(st.sampled_from(["put", "apply"]))
        if value is None:
            tree = drop(tree, ("zones", key)) if way == "put" else apply(tree, [Change(("zones", key), None, None)])
            model["zones"].pop(key, None)
            continue
        change = Change(("zones", key), None, value)
        tree = put(tree, change.path, value) if way == "put" else apply(tree, [change])
        model["zones"][key] = value
    assert tree == model
    assert flat(tree) == model
    assert all(type(value) is dict for value in flat(tree).values())
    for first in ({"zones": old}, with_rows({"zones": old}), with_rows({"zones": other}), {}):
        changes = list(differences(first, tree))
        assert sorted(changes, key=str) == sorted(differences(flat(first), model), key=str)
        assert apply(first, changes) == model
        assert apply(tree, undoing(changes)) == first
        assert not any(isinstance(value, RowMap) for change in changes for value in change)


def test_true_is_not_one():
    assert [change.new for change in differences({"a": 1}, {"a": True})] == [True]


def test_layers_lie_over_each_other_and_nested_maps_are_merged():
    layers: list[dict[str, Any]] = [{"role": "p", "health": {"every": 1}}, {"health": {"profile": "x"}}, {"role": "s"}]
    assert merged(layers, frozenset({"health"})) == {"role": "s", "health": {"every": 1, "profile": "x"}}
    assert merged(layers, frozenset()) == {"role": "s", "health": {"profile": "x"}}
