"""The process that builds an image: what becomes of one that ends at once."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from memmgr import building
from memmgr.building import HURRIED, Task, build_apart
from memmgr.errors import BuildFailed

pytestmark = pytest.mark.asyncio

REASON = "no interpreter can be found"


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """Whose process says that, and ends."""
    monkeypatch.setattr(building, "interpreter", lambda: ["/bin/sh", "-c", f"echo {REASON} >&2; exit 3"])
    return Task("main", {"type": "database"}, 1, ["example."], str(tmp_path / "1.image"), 7, HURRIED)


async def test_a_process_that_ended_before_it_had_its_priority_is_told_of_by_what_it_said(task, monkeypatch):
    """Who gave it the priority had `No such process`."""
    start = asyncio.create_subprocess_exec

    async def started(*arguments, **options):
        process = await start(*arguments, **options)
        await process.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    with pytest.raises(BuildFailed, match=REASON):
        await build_apart(task)


async def test_a_process_is_in_no_more_of_a_hurry_than_the_one_that_starts_it(task, monkeypatch):
    """A suite that is started at a low priority could build no image: nobody but root may raise it."""
    given: list[int] = []
    monkeypatch.setattr(os, "getpriority", lambda _which, _who: HURRIED + 2)
    monkeypatch.setattr(os, "setpriority", lambda _which, _who, niceness: given.append(niceness))
    with pytest.raises(BuildFailed, match=REASON):
        await build_apart(task)
    assert given == [HURRIED + 2]
