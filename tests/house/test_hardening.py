"""The page of attacks and their tests is true, and what no test of behaviour can show is seen in the sources."""

from __future__ import annotations

import ast
import os
import re
import subprocess

import pytest

from daemonkit.process import interpreter
from tests.house.hardening import KINDS, PAGE, render, shown_by
from tests.house.packages import ROOT, sources

UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
UNSAFE_CALLS = {"eval", "exec", "__import__"}
SAFE_LOADERS = ("SafeLoader", "CSafeLoader")
LOOKED_AT = {
    "authworker/hook.py": "the operator's own function, from the file that an option of the role admin names",
    "bob/zygote.py": "a program of ours, whose text is beside it",
    "health/engine/catalogue.py": "the safe loader, in C where there is one",
    "loadzone/target.py": "the same",
}
HASHES_NAMES = re.compile(
    r"\b(dict|[sS]et|frozenset|(Mutable)?Mapping|defaultdict|Counter|RowMap)\[(tuple\[)?(dns\.name\.)?Name\b"
)
FEW_NAMES = ("health/",)  # those of the answers to one test, each a message of 64 KiB at most


def test_every_kind_of_attack_has_a_test_and_the_page_names_it():
    shown = shown_by()
    assert [ident for ident in KINDS if not shown.get(ident)] == []
    assert PAGE.read_text() == render(), "python -m tests.house.hardening"


def unsafe(tree):
    """The places where octets could become code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name}" for alias in node.names if alias.name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE_MODULES:
            yield f"from {node.module}"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            loader = " ".join(
                ast.unparse(one) for one in [*node.args[1:], *(keyword.value for keyword in node.keywords)]
            )
            if called in UNSAFE_CALLS or (
                called in ("yaml.load", "yaml.load_all") and not loader.endswith(SAFE_LOADERS)
            ):
                yield ast.unparse(node)
            if called in ("yaml.unsafe_load", "yaml.full_load"):
                yield called


@pytest.mark.parametrize(
    "text",
    ["import pickle", "from marshal import loads", "eval('1')", "yaml.load(f)", "yaml.load(f, Loader=yaml.Loader)"],
)
def test_what_is_unsafe_is_seen(text):
    assert list(unsafe(ast.parse(text)))


def test_nothing_we_ship_makes_code_of_data():
    """V67: neither pickle and its like, nor eval, nor a loader of YAML that makes objects."""
    files = sources()
    assert len(files) > 100
    found = {path.relative_to(ROOT).as_posix(): list(unsafe(ast.parse(path.read_text()))) for path in files}
    assert {path for path, places in found.items() if places} == set(LOOKED_AT)


def test_hashes_are_salted_whatever_the_environment_says():
    """V74: who can choose keys of a dictionary cannot choose them to collide."""
    command = [*interpreter(), "-c", "print(hash('a key'))"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    told = {subprocess.run(command, env=environment, capture_output=True, check=True).stdout for _ in range(3)}
    assert len(told) == 3


def test_no_annotation_is_of_a_table_of_names():
    """V75: dnspython hashes names without a secret; their keys (datasrc.keys) are hashed with that of the process."""
    files = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sources()}
    found = [path for path, text in files.items() if HASHES_NAMES.search(text) and not path.startswith(FEW_NAMES)]
    assert found == []
    assert HASHES_NAMES.search("seen: set[dns.name.Name] = set()")
