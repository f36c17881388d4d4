"""A name may have every type there is: what is done for each of its sets does not go through all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIZES = 50, 100, 400
NEARLY = 1.6  # lines that a set more takes among many, against among few: searching takes a step more for each doubling
FEW_LINES = 100  # that an answer takes more among eight times as many types


@pytest.fixture(scope="module")
def lines() -> dict[str, list[int]]:
    command = [sys.executable, "-m", "tests.image.lines_run", *map(str, SIZES)]
    return dict(json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout))


@pytest.mark.parametrize("work", ["building", "rendering", "glue", "signatures", "loading", "finding"])
def test_work_grows_with_the_types_of_a_name_and_not_with_their_square(lines, work):
    few, more, many = lines[work]
    first = (more - few) / (SIZES[1] - SIZES[0])
    assert 0 < (many - more) / (SIZES[2] - SIZES[1]) < NEARLY * first, lines


@pytest.mark.parametrize("work", ["servers", "redirected"])
def test_names_of_servers_cost_as_much_as_they_have_labels(lines, work):
    few, more, many = lines[work]
    first = (more - few) / (SIZES[1] - SIZES[0])
    assert 0 < (many - more) / (SIZES[2] - SIZES[1]) < NEARLY * first, lines


def test_an_answer_is_searched_for_among_the_types_of_a_name(lines):
    few, _, many = lines["answering"]
    assert many - few < FEW_LINES, lines
