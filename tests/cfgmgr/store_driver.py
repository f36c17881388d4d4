"""What a commit does to a store, as a program to be killed: arguments DIRECTORY ACKNOWLEDGED files|sqlite."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from cfgmgr.database_store import DatabaseStore
from cfgmgr.directory_store import DirectoryStore
from cfgmgr.store import Draft, Revision, Store
from cfgmgr.tree import Change, apply


def opened(directory: Path, kind: str) -> Store:
    """The store of that kind in the directory."""
    return DirectoryStore(directory) if kind == "files" else DatabaseStore(f"sqlite:///{directory}/config.sqlite")


def main() -> None:
    """Keep a candidate, append the revision (and acknowledge it), forget the candidate."""
    directory, acknowledged, kind = sys.argv[1:]
    store = opened(Path(directory), kind)
    number = store.next_number
    change = Change(("n",), store.state.get("n"), number)
    store.keep(Draft("alice", number - 1, (change,)))
    store.append(Revision(number, datetime.now(UTC), "alice", "", (change,)), apply(store.state, [change]))
    Path(acknowledged).touch()
    store.forget("alice")
    store.close()
