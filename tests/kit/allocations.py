"""How many blocks the interpreter allocates while something is done: allocations.c, compiled and loaded.

    allocations = Allocations(tmp_path)   # skips the test where there is no C compiler
    count = allocations.of(work)

What is made and given back at once is counted, too, so that an object a record shows even where none is kept. What
C code takes from malloc(3) is not.
"""

from __future__ import annotations

import ctypes
import gc
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("allocations.c")


class Allocations:
    """The counter."""

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("no C compiler is installed")
        library = directory / "allocations.so"
        include = sysconfig.get_path("include")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", f"-I{include}", "-o", library, SOURCE], check=True)
        self._library = ctypes.PyDLL(str(library))  # calls keep the interpreter's lock
        self._library.allocations_end.restype = ctypes.c_ulonglong

    def of(self, work: Callable[[], object]) -> int:
        """Blocks that were allocated by the time it returns; no other thread may be busy with the interpreter."""
        gc.collect()
        gc.disable()
        self._library.allocations_begin()
        try:
            work()
        finally:
            count = int(self._library.allocations_end())
            gc.enable()
        return count
