"""A process that builds an image waits for a server that never answers: it is ended, and says why."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import datasrc
from datasrc.sources import source_url
from image.arena import Arena
from image.file import ImageFile
from memmgr.building import Task, build_apart
from memmgr.errors import BuildFailed, SourceSilent
from tests.datasrc.zonemaking import SMALL, load

pytest.importorskip("pg8000", reason="pg8000, a driver without time limits, is not installed")

pytestmark = pytest.mark.asyncio

PATIENCE = 1.0  # s
SEED = 7


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server to which one can connect, for the system does that, and which never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def task(entry: dict[str, str], place: Path) -> Task:
    return Task("far", entry, 1, ["example."], str(place / "1.image"), SEED)


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


async def test_a_build_that_waits_for_ever_is_ended_and_leaves_nothing_running(tmp_path, silent):
    entry = {"type": "database", "url": f"postgresql+pg8000://bob@127.0.0.1:{silent.getsockname()[1]}/zones"}
    before = children()
    with pytest.raises(SourceSilent, match=re.escape("the data source far has not answered for ")) as raised:
        await build_apart(task(entry, tmp_path), PATIENCE)
    assert raised.value.seconds >= PATIENCE
    assert children() == before
    assert list(tmp_path.iterdir()) == []


async def test_a_build_that_is_cancelled_while_it_waits_leaves_nothing_running(tmp_path, silent):
    entry = {"type": "database", "url": f"postgresql+pg8000://bob@127.0.0.1:{silent.getsockname()[1]}/zones"}
    before = children()
    building = asyncio.create_task(build_apart(task(entry, tmp_path)))
    silent.setblocking(False)
    client, _ = await asyncio.get_running_loop().sock_accept(silent)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    client.close()
    assert children() == before


async def test_who_has_an_answer_builds_and_who_has_an_error_tells_it(tmp_path):
    entry = {"type": "database", "url": f"sqlite:///{tmp_path}/zones.sqlite"}
    (tmp_path / "images").mkdir()
    with pytest.raises(BuildFailed, match="there is no such file"):
        await build_apart(task(entry, tmp_path / "images"))
    source = datasrc.open(source_url(entry), create=True)
    load(source, SMALL)
    source.close()
    await build_apart(task(entry, tmp_path / "images"))
    assert ImageFile(Arena(1 << 30), tmp_path / "images" / "1.image", SEED).octets
