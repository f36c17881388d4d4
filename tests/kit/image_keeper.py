"""Keeps images as memmgr does: python -m tests.kit.image_keeper '{"data_sources": {...}, "directory": ...}'.

Prints a line when all zones are announced in that directory and it vouches for that, follows the data sources from then
on, and ends when its standard input does: nothing is left behind when its parent dies.
"""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path
from typing import Any

import dns.name

from daemonkit.log import own_log
from daemonkit.process import suite_run
from daemonkit.spec import Spec
from datasrc.errors import DataSourceError
from datasrc.keys import name_key
from datasrc.sources import open_sources
from image import manifest
from memmgr.building import build_here
from memmgr.keeper import Keeper
from memmgr.store import Store

LOOK_EVERY = 1.0  # s, as memmgr does


def keep(config: dict[str, Any]) -> None:
    """Keep them until standard input ends."""
    directory, listed = Path(config["directory"]), map(dns.name.from_text, config["listed"])
    log = own_log("memmgr", Spec.load("memmgr").messages)
    announcement = directory / manifest.ANNOUNCEMENT
    store = Store(directory / "images", announcement, suite_run(), lambda path, reason: sys.exit(f"{path}: {reason}"))
    sources = open_sources(config["data_sources"])
    keeper = Keeper(store, log)
    keeper.configure(sources, list(map(name_key, listed)))
    build(keeper)
    keeper.follow()  # it vouches behind a look for which nothing was left to do
    if keeper.doubt:
        sys.exit(f"not all zones have a record: {keeper.doubt}")
    print(flush=True)  # noqa: T201 - the parent reads it
    while not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
        keeper.follow()
        build(keeper)
    keeper.close()
    sources.close()


def build(keeper: Keeper) -> None:
    """What waits."""
    while (task := keeper.take()) is not None or keeper.unfinished:
        if task is None:
            continue
        batch = task.batch
        source, number = keeper.following.source(batch.source), keeper.following.number_of(batch.source)
        try:
            build_here(source, number, batch.origins, task.path, keeper.store.manifest.seed)
        except DataSourceError as error:
            keeper.failed(task, str(error))
        else:
            keeper.built(task)


if __name__ == "__main__":
    keep(json.loads(sys.argv[1]))
