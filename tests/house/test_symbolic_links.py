"""No process writes or gives away through a symbolic link that lies where it makes a file of its own (V65).

Whoever got hold of one process could put it there, and root makes files in the directory of the suite's user, too.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import datasrc
from auth import kernel_drops
from auth.cookie_secrets import FILE_NAME, read_secrets
from authworker.desk import NEW, Desk
from bob.errors import StartError
from bob.lock import DirectoryLock
from bobctl import secret_files, standins
from bobctl.errors import CommandError
from bobctl.suite import Suite
from cfgmgr import files, stores
from cfgmgr.directory_store import DirectoryStore
from cfgmgr.errors import StoreUnusable
from cfgmgr.store import Draft
from cmdctl.door import open_door
from cmdctl.own_certificate import make
from cmdctl.store import Store, StoreFailed
from daemonkit.counter_page import CounterPage
from daemonkit.paths import LOCK_NAME, Directories
from datasrc.database import migration
from datasrc.errors import StorageError
from image import manifest

NOBODY = 65534
PRECIOUS = b"precious"


def _cookies(place: Path) -> None:
    read_secrets({"secret_files": [], "rollover": 60}, place)


def _candidate(place: Path) -> None:
    with closing(DirectoryStore(place)) as store:
        store.keep(Draft("ann", 0, ()))


async def _worker(place: Path) -> None:
    nothing: Any = None
    desk = Desk(place / "worker.0.sock", nothing, nothing, nothing, nothing, {})
    desk.open()
    desk.close()


MAKERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "the lock of a directory": (LOCK_NAME, lambda place: DirectoryLock(place, "", Directories(place, place)).close()),
    "the control socket": ("control.sock", lambda place: open_door(place / "control.sock", None).close()),
    "the control socket in the making": ("control.new", lambda place: open_door(place / "control.sock", None).close()),
    "users and tokens": ("cmdctl.sqlite", lambda place: Store(place).close()),
    "the key of the certificate": ("key.new", lambda place: make(place / "certificate", place / "key")),
    "the certificate": ("certificate.new", lambda place: make(place / "certificate", place / "key")),
    "the lock of the configuration": ("lock", lambda place: DirectoryStore(place).close()),
    "a candidate": (f"candidate-ann{files.TEMPORARY}", _candidate),
    "the note of a configuration that moved": ("note", lambda place: stores._note(place / "note", "elsewhere")),
    "the secret of cookies": (f"{FILE_NAME}.{os.getpid()}.new", _cookies),
    "what the kernel dropped": (
        f".drops.{os.getpid()}",
        lambda place: kernel_drops._write(place / "drops", kernel_drops.Record(1, ())),
    ),
    "counters": ("counters", lambda place: CounterPage.open(place / "counters", ["a"])),
    "the socket of the worker in the making": (f"worker.0{NEW}", lambda place: asyncio.run(_worker(place))),
    "the socket of the worker": ("worker.0.sock", lambda place: asyncio.run(_worker(place))),
    "the lock of the images": (manifest.LOCK, lambda place: os.close(manifest.lock(place))),
}
REFUSALS = (OSError, StartError, StoreFailed, StoreUnusable, StorageError)


@pytest.mark.parametrize("what", sorted(MAKERS))
def test_a_link_where_a_file_is_made_is_not_followed(what, tmp_path):
    """V65."""
    name, maker = MAKERS[what]
    precious, place = tmp_path / "precious", tmp_path / "place"
    precious.write_bytes(PRECIOUS)
    precious.chmod(0o640)
    place.mkdir(mode=0o700)
    (place / name).symlink_to(precious)
    before = precious.stat()
    with suppress(*REFUSALS):  # it is refused, or something of ours takes the link's place
        maker(place)
    after = precious.stat()
    assert precious.read_bytes() == PRECIOUS
    assert (after.st_mode, after.st_uid, after.st_nlink) == (before.st_mode, before.st_uid, 1)


def _key(suite: Suite, file: Path | None) -> Path:
    return secret_files.make(suite, "example", file, "c2VjcmV0")


def _stand_in(suite: Suite, file: Path | None) -> standins.StandIns:
    made = standins.StandIns(suite)
    made.make("example", file, 32)
    return made


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
class TestRootInADirectoryOfTheSuitesUser:
    """Which may be exchanged under its hands (V65)."""

    @pytest.fixture
    def place(self, tmp_path):
        (tmp_path / "precious").write_bytes(PRECIOUS)
        (tmp_path / "precious").chmod(0o600)
        made = tmp_path / "state"
        made.mkdir(mode=0o755)
        os.chown(made, NOBODY, NOBODY)
        yield made
        found = (tmp_path / "precious").stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o600)
        assert (tmp_path / "precious").read_bytes() == PRECIOUS

    def test_no_database_is_made_where_a_link_leads(self, place):
        (place / "zones.sqlite").symlink_to(place.parent / "new")
        os.lchown(place / "zones.sqlite", NOBODY, NOBODY)
        with pytest.raises(StorageError, match="a symbolic link of user 65534, which is not followed"):
            datasrc.open(f"sqlite:///{place}/zones.sqlite", create=True)
        assert not (place.parent / "new").exists()

    @pytest.mark.parametrize("exchange", [Path.symlink_to, Path.hardlink_to])
    def test_what_took_the_place_of_a_copy_is_not_given_away(self, place, exchange):
        (place / "zones.sqlite").touch()
        os.chown(place / "zones.sqlite", NOBODY, NOBODY)
        exchange(place / "copy", place.parent / "precious")
        with pytest.raises(OSError, match=r"symbolic links|has another name"):
            migration._become_safe(place / "copy", place / "zones.sqlite")
        (place / "copy").unlink()

    def test_what_took_the_place_of_a_key_is_not_given_away(self, place, monkeypatch):
        """It is exchanged as soon as it is made."""
        owner, opened = place.stat(), os.open

        def exchanged(path, *arguments, **options):
            descriptor = opened(path, *arguments, **options)
            if Path(path).suffix == ".key":
                named = place / secret_files.DIRECTORY / path
                named.unlink()
                named.symlink_to(place.parent / "precious")
            return descriptor

        monkeypatch.setattr(os, "open", exchanged)
        file = secret_files.make(_at(place), "example", None, "c2VjcmV0")
        assert (file.is_symlink(), file.parent.stat().st_uid) == (True, owner.st_uid)

    @pytest.mark.parametrize("make", [_key, _stand_in])
    def test_no_key_is_made_where_a_link_to_a_directory_leads(self, place, make):
        """Nor what stands for one in a dry run, which did away with a file of its name there."""
        (place / secret_files.DIRECTORY).symlink_to(place.parent)
        left = place.parent / f".example.key{standins.SUFFIX}"
        left.write_bytes(PRECIOUS)
        with pytest.raises(CommandError, match=r"keys: (Not a directory|.*symbolic links)"):
            make(_at(place), None)
        assert sorted(path.name for path in place.parent.iterdir()) == [left.name, "precious", "state"]
        assert left.read_bytes() == PRECIOUS

    @pytest.mark.parametrize("make", [_key, _stand_in])
    def test_no_key_is_made_in_a_named_directory_that_is_a_strangers_link(self, place, make):
        (place / "named").symlink_to(place.parent)
        os.lchown(place / "named", NOBODY, NOBODY)
        with pytest.raises(CommandError, match="a symbolic link of user 65534, which is not followed"):
            make(_at(place), place / "named" / "example.key")
        assert sorted(path.name for path in place.parent.iterdir()) == ["precious", "state"]

    @pytest.mark.parametrize("make", [_key, _stand_in])
    def test_a_key_is_made_in_the_directory_that_was_looked_at_whatever_takes_its_place(self, place, monkeypatch, make):
        """It is exchanged as soon as it is open."""
        keys, elsewhere, opened = place / secret_files.DIRECTORY, place.parent / "elsewhere", os.open
        keys.mkdir(mode=0o700)
        elsewhere.mkdir()

        def exchanged(path, *arguments, **options):
            descriptor = opened(path, *arguments, **options)
            if Path(path) == keys and not keys.is_symlink():
                keys.rename(place / "away")
                keys.symlink_to(elsewhere)
            return descriptor

        monkeypatch.setattr(os, "open", exchanged)
        made = make(_at(place), None)
        assert keys.is_symlink()
        assert list(elsewhere.iterdir()) == []
        assert len(list((place / "away").iterdir())) == 1
        if isinstance(made, standins.StandIns):
            made.end()
            assert list((place / "away").iterdir()) == []


def _at(state: Path) -> Suite:
    """A suite on this machine with this state directory."""
    client = SimpleNamespace(get=lambda _: {"suite": {"state_dir": str(state)}})
    return cast("Suite", SimpleNamespace(server=None, client=client))
