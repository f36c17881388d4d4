"""Changes split down to the single options and entries that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cfgmgr.tree import Change
from daemonkit.option_trees import MapOption, SetOption
from daemonkit.options import Option


def single_changes(changes: Iterable[Change], root: Option, *, with_defaults: bool) -> Iterator[Change]:
    """Split what was made or taken away as a whole; entries of maps with free keys stay whole.

    `with_defaults` compares with the default of such a map where it was not there: right for people to read, but not to
    be applied, because the default is gone as soon as one entry is given.
    """
    for change in changes:
        option: Option | None = root
        entry = False
        for part in change.path:
            entry = isinstance(option, SetOption)
            option = option.child(part) if option is not None else None
        yield from _split(change, option, entry=entry, with_defaults=with_defaults)


def rows_in(change: Change, root: Option) -> int:
    """How many entries come or go all together in this change, without a look at each; 0 where it is no such change."""
    option: Option | None = root
    for part in change.path:
        option = option.child(part) if option is not None else None
    one = change.new if change.old is None else change.old if change.new is None else None
    whole = isinstance(option, SetOption) and isinstance(option.item, MapOption) and not option.default
    return len(one) if whole and one is not None else 0


def _split(change: Change, option: Option | None, *, entry: bool, with_defaults: bool) -> Iterator[Change]:
    free = isinstance(option, SetOption) and (with_defaults or option.default is None)
    fixed = isinstance(option, MapOption) and not option.optional and not entry
    if option is None or not (free or fixed):
        yield change
        return
    old, new = ((option.default or {}) if side is None else side for side in (change.old, change.new))
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            inner = Change((*change.path, key), old.get(key), new.get(key))
            yield from _split(inner, option.child(key), entry=free, with_defaults=with_defaults)
