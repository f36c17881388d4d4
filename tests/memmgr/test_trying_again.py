"""A start that is tried again and again: how often, how long in between, and when it goes on without the list."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from daemonkit.module import Context
from image import manifest
from image.collection import GRACE
from memmgr.opening import LIST_TRIES, OPEN_EVERY, Obstacle, open_store
from memmgr.status import status_of
from tests.memmgr.house import House, process, soa

pytestmark = pytest.mark.asyncio


@dataclass
class Start:
    """What is done until the images are open, and what is told."""

    context: Context
    rests: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    told: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    async def open(self) -> None:
        """Waiting takes no time."""
        store = await open_store(
            self.context,
            lambda path, _reason: self.refused.append(path.name),
            lambda error: self.failed.append(str(error)),
            self._rest,
        )
        store.close()

    async def _rest(self, seconds: float) -> None:
        self.rests.append(seconds)

    def tell(self, message: str, **fields: object) -> None:
        self.told.append((message, fields))


@pytest_asyncio.fixture
async def start(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Of images that are there, of one zone."""
    house.start().stop()
    async with process(house.directory) as context:
        start = Start(context)
        monkeypatch.setattr(context.log, "error", start.tell)
        yield start


def fail(monkeypatch: pytest.MonkeyPatch, house: House, code: int, times: float) -> None:
    """Have the list that is there read in vain so often: where a sector is bad the error names no file."""
    really, left = Path.read_bytes, [times]
    victim = (house.place / manifest.NAME).stat()

    def read(path: Path) -> bytes:
        if path.exists() and os.path.samestat(path.stat(), victim) and left[0] > 0:
            left[0] -= 1
            raise OSError(code, os.strerror(code))
        return really(path)

    monkeypatch.setattr(Path, "read_bytes", read)


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
async def test_a_list_that_can_never_be_read_is_put_aside_and_all_is_built_anew(house, start, monkeypatch, code):
    """It was tried every 12 seconds, and there were no images for as long as nobody came."""
    path, aside = house.place / manifest.NAME, house.place / manifest.UNREADABLE
    before = path.read_bytes()
    fail(monkeypatch, house, code, float("inf"))
    await start.open()
    assert start.failed == (LIST_TRIES - 1) * [f"[Errno {code}] {os.strerror(code)}: '{path}'"]
    assert start.told == [("MEMMGR_LIST_PUT_ASIDE", {"file": str(path), "reason": os.strerror(code), "aside": aside})]
    assert sum(start.rests[:-1]) > GRACE  # all was answered by others by then
    assert start.rests[-1] < GRACE
    monkeypatch.undo()
    house.load(soa(2, "www A 192.0.2.81"))
    house.start()
    assert house.built == [["example."]]
    assert house.text("www.example.") == "192.0.2.81"
    assert aside.read_bytes() == before
    assert start.refused == house.refused == []


@pytest.mark.parametrize(
    ("code", "times"), [(errno.EIO, LIST_TRIES - 1), (errno.EMFILE, 10), (errno.ENFILE, 10), (errno.ENOMEM, 10)]
)
async def test_a_list_that_can_be_read_again_is_used(house, start, monkeypatch, code, times):
    fail(monkeypatch, house, code, times)
    await start.open()
    assert len(start.failed) == len(start.rests) == times
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    assert start.told == start.refused == house.refused == house.built == []


async def test_what_failed_otherwise_is_no_try_of_the_list(house, start, monkeypatch):
    """A disk that was full for a day says nothing of an error for a moment."""
    really, left = manifest.lock, [10]

    def lock(place: Path) -> int:
        if left[0] > 0:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(place)

    monkeypatch.setattr(manifest, "lock", lock)
    fail(monkeypatch, house, errno.EIO, LIST_TRIES - 1)
    await start.open()
    assert start.told == []
    assert len(start.failed) == 10 + LIST_TRIES - 1


async def test_a_list_that_cannot_be_put_aside_is_tried_on(house, start, monkeypatch):
    really, left = Path.replace, [3]

    def replace(path: Path, target: Path) -> Path:
        if path.name == manifest.NAME and left[0] > 0:
            left[0] -= 1
            raise OSError(errno.EROFS, "Read-only file system")
        return really(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    fail(monkeypatch, house, errno.EIO, float("inf"))
    await start.open()
    assert [error.count("Read-only") for error in start.failed] == (LIST_TRIES - 1) * [0] + 3 * [1]
    assert [message for message, _ in start.told] == ["MEMMGR_LIST_PUT_ASIDE"]


async def test_images_that_cannot_be_opened_are_left_without_a_keeper_for_long_enough_to_be_given_up(
    start, monkeypatch
):
    """Each try has the lock: with one a second auth would answer from what was, for ever."""
    monkeypatch.setattr(manifest, "boot_id", full_until(lambda: len(start.rests) == 4))
    await start.open()
    first, *later = start.rests
    assert first < GRACE
    assert len(later) == 3
    assert min(later) > GRACE + 1  # auth looks once a second


def full_until(condition: Callable[[], bool]) -> Callable[[], str]:
    really = manifest.boot_id

    def boot_id() -> str:
        if not condition():
            raise OSError(errno.ENOSPC, "No space left on device")
        return really()

    return boot_id


async def test_a_lock_that_may_not_be_opened_is_told_once_with_its_file_and_shown_until_it_may(
    house, start, monkeypatch
):
    """It was told every 12 seconds, and the status said no more than that memmgr was starting."""
    really, tries = os.open, iter([errno.EACCES] * 5 + [errno.EROFS])
    lock = house.place / manifest.LOCK
    obstacle = Obstacle(start.context)
    shown: list[str] = []

    def refuse(path: Path | str, *arguments: Any, **options: Any) -> int:
        if path == lock and (code := next(tries, 0)):
            raise OSError(code, os.strerror(code), str(path))
        return really(path, *arguments, **options)

    async def rest(seconds: float) -> None:
        start.rests.append(seconds)
        shown.append(status_of(None, house.place, (), obstacle.reason).reason)

    monkeypatch.setattr(os, "open", refuse)
    store = await open_store(start.context, lambda path, _reason: start.refused.append(path.name), obstacle.met, rest)
    store.close()
    reasons = [f"{lock}: Permission denied", f"{lock}: Read-only file system"]
    assert [(message, fields["reason"]) for message, fields in start.told] == [
        ("MEMMGR_CANNOT_OPEN", reason) for reason in reasons
    ]
    assert shown == [f"they cannot be opened: {reason}" for reason in [reasons[0]] * 5 + reasons[1:]]
    assert start.rests[1:] == [OPEN_EVERY] * 5
    assert start.context.counters.statistics()["failures"] == 6
    assert start.refused == []
