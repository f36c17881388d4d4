"""Where everything that tests need was to be installed, a test that skips for want of it fails: BOBDNS_NO_SKIPS=1.

A pytest plugin; tests/conftest.py has it. `.ci/run` sets the variable where it installs packages, so that no part of
the proof drops out there without anybody seeing it. Who runs the tests on a machine of their own sees a skip.
Tests that skip for other reasons (they need root, or must not be root) are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

SWITCH = "BOBDNS_NO_SKIPS"
WORDS = (
    "not installed",
    "no C compiler",
)  # one of them is in the reason of every such skip (tests/house/test_skips.py)


def is_of_absence(reason: str) -> bool:
    """Whether this is the reason of a test that misses a program or a library."""
    return any(word in reason for word in WORDS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Judge a test that was skipped."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and os.environ.get(SWITCH) == "1":
        file, line, reason = report.longrepr
        if is_of_absence(reason):
            report.outcome = "failed"
            report.longrepr = f"{file}:{line}: {reason}; with {SWITCH}=1 that is a failure"
    return report
