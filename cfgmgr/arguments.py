"""What bob tells cfgmgr on its command line: the seed file, and values for this run only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfgmgr.errors import ArgumentError
from cfgmgr.store import FILES
from daemonkit.document import DocumentError, read_value


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one run."""

    seed: Path | None = None
    defaults: tuple[tuple[str, Any], ...] = ()  # path and value: other defaults for this run
    overlay: tuple[tuple[str, Any], ...] = ()  # path and value: set for this run whatever is stored
    store: str = FILES  # where the configuration is kept (cfgmgr.stores)


def read_arguments(words: Sequence[str]) -> Arguments:
    """Read `--seed FILE`, `--store WHERE`, `--default PATH=VALUE`, `--overlay PATH=VALUE`; raises ArgumentError."""
    seed, store = None, FILES
    defaults: list[tuple[str, Any]] = []
    overlay: list[tuple[str, Any]] = []
    rest = iter(words)
    for word in rest:
        value = next(rest, None)
        if value is None:
            raise ArgumentError(f"{word} wants a value")
        match word:
            case "--seed":
                seed = Path(value).absolute()
            case "--store":
                store = value
            case "--default":
                defaults.append(_assignment(word, value))
            case "--overlay":
                overlay.append(_assignment(word, value))
            case _:
                raise ArgumentError(f"unknown argument {word!r}")
    return Arguments(seed, tuple(defaults), tuple(overlay), store)


def _assignment(word: str, text: str) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ArgumentError(f"{word} wants PATH=VALUE, not {text!r}")
    try:
        return path, read_value(value, f"{word} {path}")
    except DocumentError as error:
        raise ArgumentError(str(error)) from error
