"""Every test here runs the real process tree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.suite import Suite
from tests.kit.zones import small_zone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/system" in item.path.as_posix():
            item.add_marker(pytest.mark.system)


@pytest.fixture
def suite() -> Iterator[Suite]:
    """A suite that is not started yet."""
    with Suite() as made:
        yield made


@pytest.fixture
def running() -> Iterator[Suite]:
    """A running suite that serves example.org with serial 1."""
    with Suite() as made:
        done = made.loadzone("example.org", small_zone())
        assert done.returncode == 0, done.stderr
        made.start()
        yield made
