"""docs/MAP.md is true."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.house.packages import ROOT

TEXT = (ROOT / "docs/MAP.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| program", "|---"))
]
COLUMNS = 7
LISTENS_TO = 3  # the column
AND_SO_ON = "..."
DAEMONS = [row for row in ROWS if (ROOT / f"specs/{row[0]}.yaml").exists()]


def test_every_row_has_every_column():
    assert ROWS
    assert [row for row in ROWS if len(row) != COLUMNS] == []


def test_every_program_is_a_package_of_ours():
    assert [row[0] for row in ROWS if not (ROOT / row[0] / "__init__.py").exists()] == []


def test_every_package_that_runs_has_a_row():
    programs = {path.parent.name for path in ROOT.glob("*/__main__.py")} | {"sockcreator"}
    assert programs == {row[0] for row in ROWS}


@pytest.mark.parametrize("row", DAEMONS, ids=lambda row: row[0])
def test_what_a_daemon_listens_to_has_the_commands_of_its_spec(row):
    described = set(yaml.safe_load((ROOT / f"specs/{row[0]}.yaml").read_text())["commands"])
    named = set(" ".join(re.findall(r"`([a-z_. ]+)`", row[LISTENS_TO])).split())
    if AND_SO_ON in named:
        assert named - {AND_SO_ON} < described
    else:
        assert named == described


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_]+/[a-z_./]*\w)`", TEXT))))
def test_every_file_it_names_exists(path):
    if not path.startswith("run/"):  # a place in the run directory, not in the tree
        assert (ROOT / path).exists()


def test_the_drawing_has_every_daemon():
    drawing = TEXT.split("```")[1]
    assert [row[0] for row in ROWS if row[0] not in drawing] == []


def test_the_drawing_tells_who_opens_zone_data():
    """auth does so late, and is named apart: what it opens is no part of the way of a query."""
    (line,) = (line for line in TEXT.splitlines() if line.startswith("  zone data: "))
    named = set(re.findall(r"\w+", line.partition("<---")[2])) - {"write", "read"}
    opening = re.compile(r"\b(open_sources|datasrc\.open)\(")
    programs = [row[0] for row in ROWS if row[0] != "datasrc"]
    assert named == {
        program
        for program in programs
        if any(opening.search(path.read_text()) for path in (ROOT / program).glob("*.py"))
    }


def test_a_zone_file_comes_to_auth_by_the_image():
    journey = TEXT.partition("**A zone file.**")[2].partition("**")[0]
    assert re.search(r"memmgr .* image.*auth", journey)
