"""No part of the proof drops out silently: tests that miss a program say so in words that the switch knows."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.absence import SWITCH, is_of_absence

ROOT = Path(__file__).parents[2]
OF_THE_SYSTEM = ("needs systemd",)  # a container has none, and no package of ours would bring it
TESTS = sorted(path for path in (ROOT / "tests").rglob("test_*.py"))


def skips_for_programs(path):
    """The source of every `skipif` that looks for a program."""
    text = path.read_text()
    if "skipif" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "skipif":
            segment = ast.get_source_segment(text, node) or ""
            if "which(" in segment and "geteuid" not in segment:
                yield segment


def test_who_looks_for_a_program_says_that_it_is_not_installed():
    found = [(path, segment) for path in TESTS for segment in skips_for_programs(path)]
    assert len(found) > 10
    for path, segment in found:
        assert is_of_absence(segment) or any(word in segment for word in OF_THE_SYSTEM), (path, segment)


@pytest.mark.parametrize(("switch", "outcome"), [("", "2 skipped"), ("1", "1 skipped, 1 error")])
def test_with_the_switch_a_missing_program_is_a_failure_and_other_reasons_are_none(tmp_path, switch, outcome):
    file = tmp_path / "test_two.py"
    file.write_text(
        "import pytest\n"
        "@pytest.mark.skipif(True, reason='dig is not installed')\ndef test_one(): pass\n"
        "def test_two(): pytest.skip('needs root')\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.kit.absence", "-p", "no:cacheprovider"]
    environment = {**os.environ, SWITCH: switch, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-c", os.devnull, str(file)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome in done.stdout, done.stdout + done.stderr
