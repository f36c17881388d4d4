"""Which store: files below the state directory, a database of our own beside them, or one by URL.

A store that is begun with takes over what the files hold, history and all, and a note in their place says where they
went: what is old must never come into effect because an option was forgotten.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cfgmgr import files
from cfgmgr.candidates import undoing
from cfgmgr.directory_store import DirectoryStore
from cfgmgr.errors import ArgumentError, StoreMoved, StoreUnusable
from cfgmgr.store import FILES, Revision, Store
from cfgmgr.tree import Tree, apply

if TYPE_CHECKING:
    from cfgmgr.database_store import DatabaseStore

DIRECTORY = "config"  # below the state directory
DATABASE = "config.sqlite"  # in it
OWN_DATABASE = "database"
MOVED = "moved-to"  # the note, in the directory
BEGUN = "moving-to"  # as long as it is not complete

_PASSWORD = re.compile(r"[A-Za-z0-9+]+://[^/@]*:[^/@]+@")


def open_store(where: str, state_directory: Path, substitute: Callable[[str], str]) -> Store:
    """Open `files`, `database` or a URL. Raises ArgumentError, StoreError."""
    directory = state_directory / DIRECTORY
    note = directory / MOVED
    if where == FILES:
        if note.exists():
            raise StoreMoved(
                f"the configuration was moved to {note.read_text().strip()}: start with --config-store; or remove "
                f"{note}, to go on with what was here before"
            )
        return DirectoryStore(directory)
    url = f"sqlite:///{directory / DATABASE}" if where == OWN_DATABASE else substitute(where)
    if "://" not in url:
        raise ArgumentError(f"--store wants {FILES}, {OWN_DATABASE} or the URL of a database, not {where!r}")
    if _PASSWORD.match(url):
        raise ArgumentError("--store: no password in a URL, which every user of the machine could see; see the guide")
    from cfgmgr.database_store import DatabaseStore  # what keeps files needs no database library

    store = DatabaseStore(url)
    try:
        if directory.exists() and not note.exists():
            _take_over(directory, store, where)
    except BaseException:
        store.close()
        raise
    return store


def _take_over(directory: Path, store: DatabaseStore, where: str) -> None:
    """Copy what the files hold into an empty store, and leave a note in their place."""
    begun, done = directory / BEGUN, directory / MOVED
    source = DirectoryStore(directory)
    try:
        if begun.exists():  # and not ended
            store.clear()
        if store.head is None and source.head is not None:
            _note(begun, where)
            copy(source, store)
        _note(begun, where)
        begun.replace(done)
        files.sync_directory(directory)
    except OSError as error:
        raise StoreUnusable(f"{error.filename or directory} cannot be used: {error.strerror}") from error
    finally:
        source.close()


def _note(path: Path, where: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, files.FILE_MODE)
    with open(descriptor, "w") as file:
        file.write(f"{where}\n")
    files.sync_directory(path.parent)


def copy(source: Store, target: Store) -> None:
    """Copy revisions and candidates into an empty store. Damaged ones are lost with their numbers."""
    revisions = list(source.revisions())
    if source.head is None:
        return
    before = source.state
    # Of what is damaged in between the states before it suffer; the newest is whole, and written as a whole.
    states: list[tuple[Revision, Tree]] = []
    for revision in revisions:
        states.append((revision, before))
        before = apply(before, undoing(revision.changes))
    for revision, state in reversed(states):
        target.append(revision, state, whole=revision is revisions[0])
    for draft in source.drafts():
        target.keep(draft)
