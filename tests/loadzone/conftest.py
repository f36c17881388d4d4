from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.loadzone.running import loadzone, zone_text


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that is not there yet."""
    return tmp_path / "state"


@pytest.fixture
def run(tmp_path: Path, state: Path) -> Callable[..., CompletedProcess[str]]:
    """Run loadzone with this state directory."""

    def run(*arguments: str | Path, **options) -> CompletedProcess[str]:
        return loadzone("--state-dir", state, *arguments, home=tmp_path, **options)

    return run


@pytest.fixture
def stored(run) -> str:
    """The zone example.org with serial 10 is in the database; its text."""
    done = run("example.org", "-", text=zone_text(10))
    assert done.returncode == 0, done.stderr
    return zone_text(10)
