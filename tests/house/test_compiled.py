"""Compiled modules: that they are, and that their sidecars were honoured."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("[a-z]*/*.pxd"))
RAW = [name for name in MODULES if ROOT.joinpath(*name.split(".")).with_suffix(".pyx").exists()]
HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: set for classes made by a class statement, not for cdef classes
INT_MAX = (1 << 31) - 1

# What compiled modules import from plain ones, beside constants.
PLAIN = {
    ("auth.ancillary", "ANCILLARY_SIZE"),
    ("auth.ancillary", "Ancillary"),  # types of the twins of raw modules
    ("auth.ancillary", "Peer"),
    ("auth.ancillary", "reply_control"),  # by the twin only: the raw module does that itself
    ("auth.settings", "AnyAnswer"),  # looked at when a revision is taken over
    ("datasrc.growth", "grow"),  # where a block is too small, which is seldom
    ("datasrc.growth", "larger"),
    ("datasrc.growth", "shrink"),
    ("datasrc.growth", "zeros"),
    ("datasrc.rdata", "META_TYPES"),
    ("datasrc.rdata", "NAMED_TYPES"),  # constants
    ("datasrc.rdata", "NAMES_COUNT"),
    ("datasrc.rdata", "NAMES_FROM"),
    ("datasrc.rdata", "OPT"),
    ("datasrc.rows", "Columns"),  # types of annotations
    ("datasrc.rows", "Row"),
    ("datasrc.signatures", "signature_of"),  # by the twin only
    ("dns.rdatatype", "RdataType"),  # names of types, read once into a table
}

compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here: everything runs interpreted")


def source_of(name: str) -> Path:
    """Of a module, or of a package; there is none of what is not ours."""
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def imports(name: str) -> frozenset[tuple[str, str]]:
    """Modules, and what a module takes of each."""
    found = set()
    for node in ast.walk(ast.parse(source_of(name).read_text())):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert node.level == 0
            found |= {(node.module, alias.name) for alias in node.names}
    return frozenset(found)


@functools.cache
def has_constants(name: str) -> bool:
    """Whether a module of ours does nothing but give names to values, and imports none that does more."""
    path = source_of(name)
    if not path.exists():
        return False
    tree = ast.parse(path.read_text())
    if any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda) for node in ast.walk(tree)
    ):
        return False
    return all(module == "__future__" or has_constants(module) for module, _ in imports(name))


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


@pytest.mark.parametrize("name", MODULES)
def test_no_function_has_a_number_that_cython_takes_for_an_object(name):
    """A literal beyond an int of C makes objects of what is reckoned with it; a constant has a type in the sidecar."""
    tree = ast.parse(ROOT.joinpath(*name.split(".")).with_suffix(".py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    numbers = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.Constant)]
    assert [f"line {node.lineno}" for node in numbers if type(node.value) is int and node.value > INT_MAX] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_compiled_module_imports_compiled_ones_and_constants(name):
    """What it takes from anywhere else runs with objects of the interpreter, and is named in PLAIN."""
    others = {
        (module, taken)
        for module, taken in imports(name)
        if module.partition(".")[0] not in sys.stdlib_module_names and not (module in MODULES or has_constants(module))
    }
    assert others - PLAIN == set()


def test_nothing_is_named_that_no_compiled_module_imports():
    assert PLAIN - {taken for name in MODULES for taken in imports(name)} == set()


@pytest.mark.parametrize("name", RAW)
def test_a_raw_module_is_written_twice_with_the_same_classes_and_methods(name):
    path = ROOT.joinpath(*name.split("."))
    plain = ast.parse(path.with_suffix(".py").read_text())
    methods = {
        f"{owner.name}.{method.name}"
        for owner in plain.body
        if isinstance(owner, ast.ClassDef)
        for method in owner.body
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
    }
    raw = path.with_suffix(".pyx").read_text()
    classes = re.split(r"^cdef class (\w+)", raw, flags=re.MULTILINE)
    found = {
        f"{owner}.{method}"
        for owner, body in zip(classes[1::2], classes[2::2], strict=True)
        for method in re.findall(r"^    (?:cdef|def) (?:\w+ )*?([a-z]\w*)\(self", body, flags=re.MULTILINE)
    }
    assert found == methods


@compiler
@pytest.mark.parametrize(
    ("flags", "own"),
    [
        ("", ["-g0"]),
        ("-g0", ["-fwrapv", "-DNDEBUG", "-O2"]),
        ("-march=native -fno-gcse", ["-g0", "-fwrapv", "-DNDEBUG", "-O2"]),
        ("-O1 -g1 -fsanitize=address", ["-fwrapv", "-DNDEBUG"]),
        ("-Os", ["-g0", "-fwrapv", "-DNDEBUG"]),
    ],
)
def test_flags_of_the_environment_take_neither_optimisation_away_nor_are_they_overruled(flags, own, monkeypatch):
    """setuptools takes CFLAGS in place of the flags of Python, -O3 among them; what setup.py says comes behind both."""
    made = {}
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CFLAGS", flags)
    monkeypatch.setattr("setuptools.setup", lambda **given: made.update(given))
    monkeypatch.setattr("Cython.Build.cythonize", lambda modules, **_: modules)
    runpy.run_path("setup.py")
    assert {module.name for module in made["ext_modules"]} == set(MODULES)
    assert all(module.extra_compile_args == own for module in made["ext_modules"])
