"""What the processes of a test have to say is shown beside its failure: their logs.

    evidence.remember(suite, "log of the suite", suite.words)   # while it runs
    evidence.forget(suite)

A pytest plugin; tests/conftest.py has it. What ended with the test itself, in a `with` of its own, is told no more: it
writes its log to standard error when it is left by an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

SHOWN = 20_000  # characters of each, from its end

_remembered: dict[int, tuple[str, Callable[[], str]]] = {}


def remember(owner: object, title: str, words: Callable[[], str]) -> None:
    """Show these words, as they are then, with every test that fails from now on."""
    _remembered[id(owner)] = (title, words)


def forget(owner: object) -> None:
    """It is no more."""
    _remembered.pop(id(owner), None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Add the words to the report of a failure."""
    report = yield
    if report.failed:
        report.sections += [(title, words()[-SHOWN:]) for title, words in _remembered.values()]
    return report
