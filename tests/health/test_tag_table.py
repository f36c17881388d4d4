"""docs/health-tags.md is complete and true: every tag of every case is in it, with a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

from health.engine.plan import all_cases

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "docs/health-tags.md").read_text().splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("| ")]


def test_it_has_every_tag_of_every_case():
    declared = {(case.name, tag) for case in all_cases().values() for tag in case.tags}
    assert declared == {(row[0], row[1]) for row in ROWS if row[0] != "case"}


def test_every_tag_is_shown_by_a_test():
    assert [(row[0], row[1]) for row in ROWS if row[3] == "**none**"] == []


def test_the_tests_it_names_exist():
    named = {found for line in LINES for found in re.findall(r"`(test_\w+\.py)::(\w+)`", line)}
    sources = {file: (ROOT / "tests/health" / file).read_text() for file, _ in named}
    assert [pair for pair in named if f"def {pair[1]}(" not in sources[pair[0]]] == []
