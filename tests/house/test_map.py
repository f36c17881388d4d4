"""docs/MAP.md is true."""

from __future__ import annotations

import re

import pytest

from tests.house.packages import ROOT

TEXT = (ROOT / "docs/MAP.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| program", "|---"))
]
COLUMNS = 7


def test_every_row_has_every_column():
    assert ROWS
    assert [row for row in ROWS if len(row) != COLUMNS] == []


def test_every_program_is_a_package_of_ours():
    assert [row[0] for row in ROWS if not (ROOT / row[0] / "__init__.py").exists()] == []


def test_every_package_that_runs_has_a_row():
    programs = {path.parent.name for path in ROOT.glob("*/__main__.py")} | {"sockcreator"}
    assert programs == {row[0] for row in ROWS}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_]+/[a-z_./]*\w)`", TEXT))))
def test_every_file_it_names_exists(path):
    if not path.startswith("run/"):  # a place in the run directory, not in the tree
        assert (ROOT / path).exists()


def test_the_drawing_has_every_daemon():
    drawing = TEXT.split("```")[1]
    assert [row[0] for row in ROWS if row[0] not in drawing] == []
