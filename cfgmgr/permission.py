"""Which changes take the role admin: those of options that say so in their spec (`role: admin`).

Who may choose a file, a database or a program can make the suite read, write or run what is not theirs. It is asked
where a revision is made, under the lock that makes it: between the look and the deed nothing can change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cfgmgr.errors import NotPermitted
from cfgmgr.tree import Change
from daemonkit.findings import Findings, Path, format_path
from daemonkit.option_trees import AnyOfOption, ListOption, SetOption
from daemonkit.options import ADMIN, MISSING, Option


def require_role(role: str, author: str, changes: Iterable[Change], root: Option) -> None:
    """Raise NotPermitted where one of these changes takes the role admin, and this is another."""
    if role == ADMIN:
        return
    for path in protected(changes, root):
        raise NotPermitted(f"{author} may {role}; {format_path(path)} takes the role {ADMIN}")


def protected(changes: Iterable[Change], root: Option) -> Iterator[Path]:
    """The places among what is changed that take the role admin."""
    for change in changes:
        option: Option | None = root
        within = root
        for part in change.path:
            if option is None or option.role == ADMIN:
                break
            within, option = option, option.child(part)
        if option is not None:
            taken_away = change.new is None and isinstance(within, SetOption | ListOption) and option.role != ADMIN
            yield from () if taken_away else _below(option, change.path, change.old, change.new)
        elif change.new is not None:  # what no spec knows may go, not come
            yield change.path


def role_of(path: Path, root: Option) -> str:
    """What changing the option at a path takes."""
    option: Option | None = root
    for part in path:
        if option is None or option.role == ADMIN:
            break
        option = option.child(part)
    return ADMIN if option is None else option.role


def _below(option: Option, path: Path, old: Any, new: Any) -> Iterator[Path]:
    old = option.default if old is None else old  # a set that is made as a whole begins with its default
    if old == new:
        return
    if option.role == ADMIN:
        yield path
        return
    if isinstance(option, AnyOfOption):
        for value in (new, old):
            taker = None if value is None else _taker(option, value)
            if taker is not None and (taker.role == ADMIN or isinstance(value, dict | list)):
                yield from _below(taker, path, old if value is new else None, new)
                return
        return
    for part, before, after in _parts(option, old, new):
        child = option.child(part)
        if child is not None:
            yield from _below(child, (*path, part), before, after)


def _parts(option: Option, old: Any, new: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """What is inside, before and after; entries and items that are only taken away choose nothing."""
    if isinstance(old, dict) or isinstance(new, dict):
        before = old if isinstance(old, dict) else {}
        after = new if isinstance(new, dict) else {}
        for key in {**before, **after}:
            if not (isinstance(option, SetOption) and key not in after):
                yield key, before.get(key), after.get(key)
    elif isinstance(new, list) and isinstance(option, ListOption):
        known = old if isinstance(old, list) else []
        yield from ((index, None, item) for index, item in enumerate(new) if item not in known)


def _taker(option: AnyOfOption, value: Any) -> Option | None:
    for alternative in option.alternatives:
        trial = Findings()
        if alternative.check(value, (), trial) is not MISSING and not trial.errors:
            return alternative
    return None
