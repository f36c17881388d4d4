"""What tests draw is drawn anew in each run."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.house.packages import ROOT

THE_SAME_EACH_TIME = re.compile(r"derandomize=True|^\s*@seed\(", re.MULTILINE)
PROGRAM = "import tests.conftest; from hypothesis import settings; print(settings.default.derandomize)"


def test_hypothesis_draws_anew_where_ci_is_set_too():
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_no_test_asks_for_the_same_examples_each_time():
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "test_draws.py"]
    assert [path.name for path in tests if THE_SAME_EACH_TIME.search(path.read_text())] == []
