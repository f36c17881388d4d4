"""The lines of the standards that tests prove, and the table of which test proves which.

A test says so with @line("HDR-05"), a row of an odd packet table with its first argument. Run as a program this module
writes docs/conformance.md from lines.yaml and the sources of the tests; test_lines.py holds them to each other.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TABLE = ROOT / "docs" / "conformance.md"
ROW_MAKER = "row"  # odd packet tables are made of calls row("ODD-...", "what is sent", "what is answered", ...)

LEVELS = {
    "M": "MUST",
    "m": "must, in a text older than RFC 2119",
    "S": "SHOULD",
    "s": "should, in an older text",
    "O": "MAY",
    "P": "our own policy",
}

Test = TypeVar("Test", bound=Callable[..., object])


def line(*ids: str) -> Callable[[Test], Test]:
    """Say which lines of lines.yaml a test proves."""

    def mark(test: Test) -> Test:
        marked: Test = pytest.mark.conformance(pytest.mark.line(*ids)(test))
        return marked

    return mark


def read_lines() -> dict[str, dict[str, str]]:
    """lines.yaml: each line by its ID."""
    lines: dict[str, dict[str, str]] = yaml.safe_load((HERE / "lines.yaml").read_text())
    return lines


def _marks(file: Path) -> Iterator[tuple[str, str]]:
    """The IDs a test file claims, each with the node ID of the test."""
    path = file.relative_to(ROOT).as_posix()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "line":
                    yield from ((ast.literal_eval(argument), f"{path}::{node.name}") for argument in call.args)


def read_marks() -> dict[str, list[str]]:
    """Which tests claim each ID."""
    found = defaultdict(list)
    for file in sorted(HERE.rglob("test_*.py")):
        for ident, node in _marks(file):
            found[ident].append(node)
    return found


def read_rows() -> dict[str, tuple[str, str, str]]:
    """The rows of the odd packet tables: what is sent, what is answered, and the test that shows it."""
    rows = {}
    for file in sorted(HERE.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == ROW_MAKER:
                ident, sent, answered = (ast.literal_eval(argument) for argument in node.args[:3])
                assert ident not in rows, f"{ident} is there twice"
                rows[ident] = (sent, answered, file.relative_to(ROOT).as_posix())
    return rows


def render() -> str:
    """docs/conformance.md."""
    marks, lines, rows = read_marks(), read_lines(), read_rows()
    shown = [ident for ident, entry in lines.items() if "later" not in entry]
    parts = [
        "# Conformance",
        "",
        "Written by `python -m tests.conformance.lines` from `tests/conformance/`; a test holds it true.",
        "The tests speak only DNS; `DNS_SUBJECT=address@port` points them at another server (its README says how).",
        "",
        f"{len(shown)} lines of the standards and {len(rows)} odd packets are tested; {len(lines) - len(shown)} wait.",
        "",
        "Levels: " + "; ".join(f"{level} = {meaning}" for level, meaning in LEVELS.items()) + ".",
        "",
        "| ID | Level | What is asked | Source | Shown by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for ident, entry in lines.items():
        proof = (
            f"not applicable yet: {entry['later']}"
            if "later" in entry
            else "<br>".join(map(_link, marks.get(ident, [])))
        )
        parts.append(f"| {ident} | {entry['level']} | {_cell(entry['text'])} | {entry['source']} | {proof} |")
    parts += [
        "",
        "## Odd packets",
        "",
        "| ID | What is sent | What is answered | Shown by |",
        "| --- | --- | --- | --- |",
    ]
    for ident, (sent, answered, path) in rows.items():
        parts.append(f"| {ident} | {_cell(sent)} | {_cell(answered)} | `{path.removeprefix('tests/conformance/')}` |")
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _link(node: str) -> str:
    return f"`{node.removeprefix('tests/conformance/')}`"


if __name__ == "__main__":
    TABLE.write_text(render())
