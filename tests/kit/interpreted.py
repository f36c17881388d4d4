"""Compiled modules as the Python they are, in this process or in one that is started.

python -m tests.kit.interpreted MODULE ARGUMENT...      # as python -m MODULE ARGUMENT..., interpreted
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import runpy
import sys
import types
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARE = 6  # of the examples of a property, interpreted: compiled, it is tried with all of them
# The first that hypothesis tries is always the simplest one: of one, a zone would be the same each time.
LEAST = 2


class InterpretedFinder(importlib.abc.MetaPathFinder):
    """Finds the Python file of a module that is compiled, too: so the same tests run both."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        parent, _, stem = name.rpartition(".")
        for folder in path or ():
            source = Path(folder) / f"{stem}.py"
            ours = Path(folder).parent == ROOT  # SQLAlchemy has sidecars, too
            if parent and ours and source.with_suffix(".pxd").exists() and source.exists():
                return importlib.util.spec_from_file_location(name, source)
        return None


def interpret() -> None:
    """Import compiled modules so from now on."""
    sys.meta_path.insert(0, InterpretedFinder())


def is_interpreting() -> bool:
    """Whether this process does."""
    return any(isinstance(finder, InterpretedFinder) for finder in sys.meta_path)


def examples(number: int) -> int:
    """Of how many examples a test is that runs in both forms, and takes long. Not for hostile octets."""
    return max(LEAST, number // SHARE) if is_interpreting() else number


if __name__ == "__main__":
    from tests.kit import interpreted  # not __main__: whom it runs may ask is_interpreting()

    interpreted.interpret()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
