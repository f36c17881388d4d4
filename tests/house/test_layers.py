"""A program meets another only through its `api` (and the errors that raises); the import-linter holds the rest."""

from __future__ import annotations

import ast

from tests.house.packages import ROOT, trees

PROGRAMS = {
    "auth",
    "authworker",
    "bob",
    "bobctl",
    "cfgmgr",
    "cmdctl",
    "loadzone",
    "memmgr",
    "msgq",
    "sockcreator",
    "stats",
}
CONTRACTS = {"api", "errors"}
BUS = {"session", "envelope", "errors", "incoming"}  # the client's side of the bus is a library
LIBRARIES = {("authworker", "auth")}  # the worker runs the plain implementation, which is that of auth
ALLOWED = {
    ("bob", "sockcreator"),  # bob starts it
    ("bob", "sockcreator.creator"),  # and speaks its protocol
    ("bobctl", "cmdctl.remote_client"),  # a part of cmdctl.api, imported late: TLS is slow to
    ("bobctl", "cmdctl.log_page"),  # the same answer, where there is nobody to give it
}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names] if "." not in node.module else [node.module]
    return []


def test_programs_meet_only_through_their_api():
    wrong = []
    for path, tree in trees():
        package = path.relative_to(ROOT).parts[0]
        for node in ast.walk(tree):
            for name in imported(node):
                other, _, rest = name.partition(".")
                module = rest.partition(".")[0]
                if (
                    package not in PROGRAMS
                    or other not in PROGRAMS
                    or other == package
                    or (package, other) in LIBRARIES
                ):
                    continue
                if module not in (BUS if other == "msgq" else CONTRACTS) and (package, name) not in ALLOWED:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")  # type: ignore[attr-defined]
    assert wrong == []
