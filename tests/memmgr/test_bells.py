"""Doorbells, changed by the worker thread and the loop at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from datasrc import doorbell
from datasrc.doorbell import Listener
from memmgr.bells import Bells

DEADLINE = 10.0  # s

pytestmark = pytest.mark.asyncio


class Bell(Listener):
    """One whose closing can be told."""

    def __init__(self, directory: Path, closing: Callable[[], None] = lambda: None) -> None:
        super().__init__(directory, "memmgr.0")
        self.closing = closing

    def close(self) -> None:
        self.closing()
        super().close()

    @property
    def is_closed(self) -> bool:
        return self.fileno() == -1


def in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.fixture
def complaints() -> list[str]:
    return []


async def bells_of(complaints: list[str]) -> tuple[Bells, asyncio.Event]:
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(str(told)))
    rung = asyncio.Event()
    return Bells(rung.set), rung


async def turn() -> None:
    """Let the loop do what it was asked to by now."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()


async def test_a_bell_that_is_hung_up_while_others_are_taken_down_stays(tmp_path, complaints):
    bells, rung = await bells_of(complaints)
    second = Bell(tmp_path / "second")
    first = Bell(tmp_path / "first", lambda: in_a_thread(lambda: bells.hang_up("second", second)))
    bells.hang_up("first", first)
    bells.take_down()
    assert first.is_closed
    assert "first" not in bells
    assert "second" in bells
    await turn()
    doorbell.ring(tmp_path / "second")
    async with asyncio.timeout(DEADLINE):
        await rung.wait()
    bells.close()
    assert second.is_closed
    assert complaints == []


async def test_nobody_waits_for_a_bell_that_was_taken_down_at_once(tmp_path, complaints):
    bells, rung = await bells_of(complaints)
    bell = Bell(tmp_path / "bell")
    in_a_thread(lambda: bells.hang_up("main", bell))
    descriptor = bell.fileno()
    bells.take_down()
    with Bell(tmp_path / "other") as other:
        assert other.fileno() == descriptor  # it is another's now
        await turn()
        doorbell.ring(tmp_path / "other")
        await turn()
        await turn()
        assert not rung.is_set()
    assert complaints == []


async def test_what_is_hung_up_behind_the_end_is_closed(tmp_path, complaints):
    bells, _ = await bells_of(complaints)
    bells.close()
    bell = Bell(tmp_path)
    in_a_thread(lambda: bells.hang_up("main", bell))
    await turn()
    assert bell.is_closed
    assert "main" not in bells
    assert list((tmp_path / doorbell.DIRECTORY).iterdir()) == []
    assert complaints == []
