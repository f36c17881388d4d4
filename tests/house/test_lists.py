"""What lists modules or programs has all of them: README.md of packages, the Makefile."""

from __future__ import annotations

import fnmatch
import re

import pytest

from daemonkit.process import PACKAGES
from tests.house.packages import ROOT

LIST = re.compile(r"^(?: {4}|\| `\w+\.py`).*", re.MULTILINE)  # a line of a list, or of a table of modules
MODULE = re.compile(r"([\w*]+)\.pyx?\b")
ROOMS = {"__init__", "__main__", "api", "errors"}  # which packages have in common
FEWEST = 4  # modules that make a list


def listed(package: str) -> set[str]:
    """The modules, and patterns of them, in lists of the package's README.md."""
    return set(MODULE.findall("\n".join(LIST.findall((ROOT / package / "README.md").read_text()))))


LISTING = [package for package in PACKAGES if len(listed(package)) >= FEWEST]


def test_there_are_lists_of_modules():
    assert {"auth", "daemonkit", "memmgr", "msgq", "stats"} <= {*LISTING}


@pytest.mark.parametrize("package", LISTING)
def test_a_list_of_modules_has_them_all_and_no_other(package: str):
    there = {path.stem for path in (ROOT / package).glob("*.py")}
    patterns = listed(package)
    assert sorted(there - ROOMS - {one for one in there for each in patterns if fnmatch.fnmatch(one, each)}) == []
    everywhere = {path.stem for other in PACKAGES for path in (ROOT / other).glob("*.py")}
    assert sorted(each for each in patterns if not fnmatch.filter(everywhere, each)) == []


def test_make_bench_runs_every_benchmark():
    """docs/benchmarks.md says so."""
    programs = {path.name for path in (ROOT / "bench").glob("*.py") if "__main__" in path.read_text()}
    makefile = (ROOT / "Makefile").read_text()
    assert programs
    assert set(re.findall(r"^\t\$\(BIN\)/python bench/(\w+\.py)$", makefile, re.MULTILINE)) == programs
