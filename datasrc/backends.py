"""Which backend opens which URL. Ours are named here, others by an entry point `SCHEME = "module:function"`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import entry_points

from datasrc.errors import UnknownBackend
from datasrc.source import DataSource

GROUP = "bobdns.datasrc"
"""The entry point group. The function takes (url, *, name, create, read_only) and gives a DataSource."""

BUILTIN = {
    "memory": "datasrc.memory:open_source",
    "master-files": "datasrc.masterfiles:open_source",
    "sqlite": "datasrc.database:open_source",
    "postgresql": "datasrc.database:open_source",
    "mysql": "datasrc.database:open_source",
    "mariadb": "datasrc.database:open_source",
}

AT_HAND = frozenset({"memory", "master-files", "sqlite"})  # nothing of theirs is behind a network

Opener = Callable[..., DataSource]


def opener(url: str) -> Opener:
    """The function that opens this URL. Raises UnknownBackend."""
    scheme = _scheme(url)
    if scheme in BUILTIN:
        module, _, function = BUILTIN[scheme].partition(":")
        return _checked(getattr(importlib.import_module(module), function))
    for point in entry_points(group=GROUP, name=scheme):
        try:
            return _checked(point.load())
        except (ImportError, AttributeError) as error:
            raise UnknownBackend(
                f"its backend {point.value} cannot be loaded: {error}", database=f"{scheme}:..."
            ) from error
    known = ", ".join(sorted({*BUILTIN, *(point.name for point in entry_points(group=GROUP))}))
    raise UnknownBackend(f"no backend for {scheme!r}; there are {known}", database=f"{scheme}:...")


def check(url: str) -> None:
    """Raise UnknownBackend where opener() would. Ours are there: they are not imported for that, and take megabytes."""
    if _scheme(url) not in BUILTIN:
        opener(url)


def is_remote(url: str) -> bool:
    """Whether the data may be behind a network, where a question may get no answer for long."""
    return _scheme(url) not in AT_HAND


def _scheme(url: str) -> str:
    return url.partition(":")[0].partition("+")[0]


def _checked(function: object) -> Opener:
    if not callable(function):
        raise UnknownBackend("its backend is not a function", database=repr(function))
    return function
