"""TCP Fast Open, where the kernel grants it to servers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.kit.internet_zonemaster import namespace
from tests.kit.launch_auth import ROOT

DEADLINE = 120.0  # s


@pytest.mark.skipif(not namespace(), reason="no network namespace can be made here")
def test_a_query_is_taken_with_the_first_packet():
    command = [*namespace(), sys.executable, "-X", "dev", "-W", "error", "-m", "tests.kit.fastopen"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [rcode for rcode, _ in answers] == ["NOERROR"] * len(answers)
    assert [at_once for _, at_once in answers[1:]] == [True] * (len(answers) - 1)  # the first one fetches the cookie
