"""What the tests report beside passing (figures, at the end of the run); whether compiled modules are compiled."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.kit import evidence
from tests.kit.absence import pytest_runtest_makereport  # noqa: F401 - a hook
from tests.kit.interpreted import interpret
from tests.kit.postgres import own_postgres, postgres_server, postgres_url  # noqa: F401 - fixtures for every test

# Thousands of processes are started that import the same modules, which compiles each of them anew where this is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

INTERPRETED = "--interpreted"
if INTERPRETED in sys.argv:  # now: a conftest.py of a folder that is named there is read before options are
    interpret()
FIGURE = "figure"  # record_property(FIGURE, "one line")


# How long an example takes says nothing on a machine that does other things, too: a test that fails so is a defect.
# Each run draws other examples, also where CI is set: hypothesis would try the same ones for ever there.
settings.register_profile(
    "any machine",
    max_examples=100,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

ROOT = Path(__file__).parents[1]
LONG = ("tests/test_interpreted", "tests/system/", "tests/interop/", "tests/memmgr/test_killed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which of the two forms of the compiled modules is tested."""
    parser.addoption(INTERPRETED, action="store_true", help="import compiled modules as the Python they are")


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what it starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # else whom we start ignores it, too
    config.pluginmanager.register(evidence)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where files are handed to several workers, the files that take long first: no worker sits idle in the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not str(item.path.relative_to(ROOT)).startswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Make what a test logged fit for the way from a worker of pytest-xdist: tests log octets that are no text, too."""
    data = yield
    data["sections"] = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in data["sections"]]
    return data


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every recorded figure."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    lines = [value for report in reports for name, value in report.user_properties if name == FIGURE]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
