"""What the tests report beside passing: figures go to the end of the run, where people and CI read them."""

from __future__ import annotations

import pytest

from tests.kit.postgres import own_postgres, postgres_server, postgres_url  # noqa: F401 - fixtures for every test

FIGURE = "figure"  # record_property(FIGURE, "one line")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every recorded figure."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    lines = [value for report in reports for name, value in report.user_properties if name == FIGURE]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
