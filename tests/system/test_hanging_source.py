"""A database that keeps everybody waiting, in the real suite: memmgr goes on with the zones of the others."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.kit.suite import Suite, wait_until
from tests.system.test_memmgr import image_of, zone

pytestmark = pytest.mark.system

DEADLINE = 60.0  # s; ten times what is expected and more
OTHERS = 8.0  # s for a change of another zone, which takes milliseconds; who tries the locked database waits for 10 s
HELD = 8.0  # s: it would be tried in that time

# Locks of a WAL index: https://sqlite.org/walformat.html, section 2.3.1.
READ_LOCKS = 5
FIRST_READ_LOCK = 123


def url(suite: Suite, source: str) -> str:
    return f"sqlite:///{suite.state}/{source}.sqlite"


def load(suite: Suite, source: str, origin: str, text: str) -> None:
    done = suite.program("loadzone", "--database", url(suite, source), origin, "-", input_text=text)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    with Suite() as suite:
        suite.config.write_text(
            "data_sources:\n"
            f"  other: {{type: database, url: '{url(suite, 'other')}'}}\n"
            f"  main: {{type: database, url: '{url(suite, 'main')}'}}\n"
        )
        suite.start()
        load(suite, "other", "held.", zone(1, "192.0.2.1"))
        load(suite, "main", "free.", zone(1, "192.0.2.1"))
        wait_until(lambda: image_of(suite, "free", 1) and image_of(suite, "held", 1), DEADLINE, "the zones have images")
        yield suite


@pytest.fixture
def locked(suite: Suite) -> Iterator[int]:
    """A process, this one, holds all locks that readers of the first database need; the descriptor lets them go."""
    descriptor = os.open(suite.state / "other.sqlite-shm", os.O_RDWR)
    fcntl.lockf(descriptor, fcntl.LOCK_EX, READ_LOCKS, FIRST_READ_LOCK)
    yield descriptor
    os.close(descriptor)


def test_while_one_database_is_locked_changes_of_another_are_published(suite: Suite, locked: int) -> None:
    def sources() -> str:
        found = suite.control("call", "memmgr", "status", check=False)  # the question in hand is waited for, once
        return "no answer" if found is None else str(found["doubt"])

    wait_until(lambda: "other" in sources(), DEADLINE, "the locked database cannot be asked")
    serial, end = 1, time.monotonic() + HELD
    while time.monotonic() < end:
        serial += 1
        load(suite, "main", "free.", zone(serial, "192.0.2.2"))
        wait_until(partial(image_of, suite, "free", serial), OTHERS, f"change {serial} is in an image")
    assert image_of(suite, "held", 1)  # what is there is served on
    fcntl.lockf(locked, fcntl.LOCK_UN, READ_LOCKS, FIRST_READ_LOCK)
    wait_until(lambda: sources() == "", DEADLINE, "all can be asked")
