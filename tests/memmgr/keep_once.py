"""A keeper of images in a process of its own, to be killed: brings the images of DIRECTORY in line once, compacts what
is worn, and ends. It notes how far it is whenever it may, and what is changed is soon too much to be changed in place.

main() takes DIRECTORY [ZONES] as arguments of a program: an SQLite database there, or a directory of zone files.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from datasrc.sources import open_sources
from memmgr import changing, noting, plan
from memmgr.building import build_here
from memmgr.keeper import Keeper
from memmgr.plan import Build
from memmgr.store import Store

BIG = 100  # records of a zone, and sets that are changed in it


def main() -> None:
    """Everything that the daemon does, in its order."""
    directory, *zones = sys.argv[1:]
    plan.BIG_RECORDS = changing.MAX_SETS = BIG
    noting.NOTE_EVERY, noting.NOTE_SHARE = 0.0, math.inf
    database = {"main": {"type": "database", "url": f"sqlite:///{directory}/zones.sqlite"}}
    files = {"files": {"type": "master-files", "directory": "".join(zones)}}
    sources = open_sources(files if zones else database)
    place = Path(directory)
    store = Store(place / "images", place / "images.json", "1.2", lambda path, reason: None)
    keeper = Keeper(store, MessageLog("memmgr", Spec.load("memmgr").messages))
    keeper.configure(sources, [])
    while (task := keeper.take()) is not None or keeper.unfinished:
        if task is not None:
            build(keeper, task)
            keeper.built(task)
    while (task := keeper.take_worn()) is not None:
        build(keeper, task)
        keeper.compacted(task)
    keeper.close()
    sources.close()


def build(keeper: Keeper, task: Build) -> None:
    """Build an image; nobody is told."""
    batch = task.batch
    source, number = keeper.following.source(batch.source), keeper.following.number_of(batch.source)
    build_here(source, number, batch.origins, task.path, keeper.store.manifest.seed)
