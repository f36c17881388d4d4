"""The operator's reference says what specs and code say."""

from __future__ import annotations

import subprocess
import sys

from tests.house.packages import ROOT


def test_the_reference_is_up_to_date():
    script = [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"run `make docs` and commit what it changes:\n{done.stdout[-4000:]}{done.stderr}"
