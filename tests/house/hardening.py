"""What the suite does against known kinds of attack on control planes, and which tests show it.

A test says so with the ID in the docstring: `V60`. Run as a program this module writes docs/hardening.md.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "hardening.md"

KINDS: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
_ID = re.compile(r"\bV\d\d\b")


def shown_by() -> dict[str, list[str]]:
    """The tests of each ID, as pytest names them."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if "V6" not in (text := path.read_text()) and "V7" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for ident in _ID.findall(ast.get_docstring(node) or ""):
                    found[ident].append(f"{path.relative_to(ROOT / 'tests')}::{node.name}")
    return found


def render() -> str:
    """docs/hardening.md."""
    shown = shown_by()
    rows = [
        f"| {ident} | {entry['kind']} | {entry['held']} | {'<br>'.join(f'`{test}`' for test in shown.get(ident, []))} |"
        for ident, entry in KINDS.items()
    ]
    return "\n".join(
        [
            "# Hardening of the control plane",
            "",
            "Written by `python -m tests.house.hardening` from `tests/house/hardening.yaml`; a test holds it true.",
            "What strangers may send to port 53: [conformance.md](conformance.md), [fuzzing](../tests/fuzz/README.md).",
            "",
            "| ID | Kind of attack | What holds here | Shown by, below `tests/` |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(render())
