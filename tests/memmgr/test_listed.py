"""Which zones the configuration lists, worked out from what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from daemonkit.configuration import Config, Difference, RowChanges
from memmgr.listed import listed_keys

BEFORE = frozenset({b"example\x00", b"test\x00"})


class Untouched(Mapping[str, Any]):
    """What nobody may look through."""

    def __getitem__(self, key: str) -> Any:
        raise AssertionError(f"{key} was looked at")

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all were looked at")

    def __len__(self) -> int:
        return 100_000


def config(difference: Difference | None, zones: Mapping[str, Any]) -> Config:
    return Config(2, {"zones": zones}, {}, difference)


def rows(changed: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> Difference:
    return Difference(frozenset(), {"zones": RowChanges(dict.fromkeys(changed), removed)})


def test_all_are_looked_at_where_it_is_not_known_what_differs():
    assert listed_keys(config(None, {"Example.": {}, "www.test": {}}), BEFORE) == {b"example\x00", b"test\x00www\x00"}


def test_all_are_looked_at_where_all_may_differ():
    difference = Difference(frozenset({"zones"}), {})
    assert listed_keys(config(difference, {"net": {}}), BEFORE) == {b"net\x00"}


def test_a_change_of_a_zone_is_no_other_list():
    assert listed_keys(config(rows(("example",)), Untouched()), BEFORE) is BEFORE


def test_a_change_of_something_else_is_no_other_list():
    assert listed_keys(config(Difference(frozenset({"templates"}), {}), Untouched()), BEFORE) is BEFORE


def test_a_new_zone_and_one_that_is_gone():
    assert listed_keys(config(rows(("net",), ("TEST.",)), Untouched()), BEFORE) == {b"example\x00", b"net\x00"}
