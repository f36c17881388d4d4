"""Compiled modules: that they are, and that their sidecars were honoured."""

from __future__ import annotations

import importlib
import inspect
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("[a-z]*/*.pxd"))
HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: set for classes made by a class statement, not for cdef classes

compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here: everything runs interpreted")


def test_there_are_compiled_modules():
    assert MODULES


@compiler
@pytest.mark.parametrize("name", MODULES)
def test_the_module_is_compiled_and_its_sidecar_honoured(name, request):
    if request.config.getoption("--interpreted"):
        pytest.skip("run interpreted on purpose")
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert not module.__file__.endswith(".py")
    classes = [found for _, found in inspect.getmembers(module, inspect.isclass) if found.__module__ == name]
    assert [found.__name__ for found in classes if found.__flags__ & HEAP_TYPE] == []


@pytest.mark.parametrize("name", MODULES)
def test_the_source_does_without_cython(name):
    source = ROOT.joinpath(*name.split(".")).with_suffix(".py").read_text()
    assert "import cython" not in source.lower()
