"""Symbolic links at named places: only those of root and our own are followed."""

from __future__ import annotations

import errno
import grp
import logging
import os
from pathlib import Path

import pytest

from bob.directories import make_directories
from bob.errors import StartError
from bob.privileges import Account
from daemonkit.links import open_named, strangers_link
from daemonkit.log_destinations import destination, fault
from daemonkit.log_entry import Entry
from daemonkit.paths import Directories
from daemonkit.secretfiles import SecretError, read_secret

NOBODY = 65534
STRANGERS = "it is a symbolic link of user"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make links of others")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A link of ours to a file that is ours alone."""
    target = tmp_path / "precious"
    target.write_text("c2VjcmV0\n")
    target.chmod(0o600)
    link = tmp_path / "place" / "link"
    link.parent.mkdir(mode=0o755)
    link.symlink_to(target)
    return link


def unfollowed(path: Path) -> str:
    """What is said of a link that is not followed."""
    reason = strangers_link(path)
    with pytest.raises(OSError, match="which is not followed") as caught:
        os.close(open_named(path, os.O_RDONLY))
    assert (caught.value.errno, caught.value.strerror) == (errno.ELOOP, reason)
    return reason


def test_our_own_link_is_followed_and_so_is_no_link(place):
    for path in (place, place.resolve()):
        descriptor = open_named(path, os.O_RDONLY)
        assert os.read(descriptor, 100) == b"c2VjcmV0\n"
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)
    assert strangers_link(place) == strangers_link(place.with_name("nothing")) == ""


def test_a_link_is_not_followed_where_everybody_could_have_put_it(place):
    place.parent.chmod(0o777)
    assert "where everybody may write" in unfollowed(place)
    place.parent.chmod(0o1777)  # of root or ours it is: who else cannot take it away
    assert strangers_link(place) == ""


@needs_root
def test_a_strangers_link_is_not_followed(place):
    os.lchown(place, NOBODY, NOBODY)
    assert unfollowed(place) == f"{STRANGERS} {NOBODY}, which is not followed"
    assert strangers_link(place, NOBODY) == ""


@needs_root
def test_a_link_in_a_strangers_directory_is_not_followed(place):
    os.chown(place.parent, NOBODY, NOBODY)
    assert unfollowed(place) == f"it is a symbolic link in a directory of user {NOBODY}, which is not followed"


@pytest.mark.parametrize("before", ["nothing", "a file"])
def test_a_link_that_comes_between_the_look_and_the_opening_is_not_followed(place, monkeypatch, before):
    """It is one that every later look would trust."""
    link = place.with_name("planted")
    if before == "a file":
        link.write_text("as it should be")
    look = Path.lstat

    def planted_after(path: Path) -> os.stat_result:
        try:
            return look(path)
        finally:
            if path == link and not os.path.islink(link):  # noqa: PTH114 - that one looks by lstat
                link.unlink(missing_ok=True)
                link.symlink_to(place.resolve())

    monkeypatch.setattr(Path, "lstat", planted_after)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        open_named(link, os.O_WRONLY | os.O_CREAT)
    assert os.path.islink(link)  # noqa: PTH114
    assert place.read_text() == "c2VjcmV0\n"


@needs_root
def test_a_link_is_not_followed_where_a_group_of_others_could_have_put_it(place, monkeypatch):
    place.parent.chmod(0o775)
    os.chown(place.parent, 0, NOBODY)
    assert f"where the group {NOBODY} may write" in unfollowed(place)
    place.parent.chmod(0o1775)
    assert strangers_link(place) == ""
    place.parent.chmod(0o775)
    os.chown(place.parent, 0, 0)
    assert strangers_link(place) == ""  # root's own
    group = grp.struct_group(("root", "x", 0, ["root", "ann"]))
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: group)
    assert "where the group 0 may write" in unfollowed(place)


def test_no_line_is_logged_through_a_strangers_link(place):
    """V65."""
    place.parent.chmod(0o777)
    reached = destination(str(place), "text", "daemon")
    with pytest.raises(OSError, match="which is not followed"):
        reached.write(Entry(0.0, logging.INFO, "toy/0", "", "a line"))
    assert place.read_text() == "c2VjcmV0\n"
    assert "which is not followed" in fault(str(place))  # a commit refuses it
    place.parent.chmod(0o755)
    assert fault(str(place)) == ""
    reached.write(Entry(0.0, logging.INFO, "toy/0", "", "a line"))
    assert place.read_text().endswith("a line\n")
    reached.close()


def test_no_secret_is_read_through_a_strangers_link(place):
    """V65."""
    assert read_secret(str(place)).octets == b"secret"
    place.parent.chmod(0o777)
    with pytest.raises(SecretError, match="which is not followed"):
        read_secret(str(place))


@pytest.mark.parametrize("which", ["state", "run"])
def test_no_directory_of_the_suite_is_reached_by_a_strangers_link_or_open_to_everybody(tmp_path, which):
    """V65."""
    places = Directories(tmp_path / "there" / "state", tmp_path / "there" / "run")
    account = Account("me", os.geteuid(), os.getegid())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    path: Path = getattr(places, which)
    path.parent.mkdir(mode=0o755)
    path.symlink_to(elsewhere)
    make_directories(places, account)  # an operator's own
    path.parent.chmod(0o777)
    with pytest.raises(StartError, match=f"the {which} directory {path} cannot be used: it is a symbolic link"):
        make_directories(places, account)
    path.unlink()
    path.mkdir()
    path.chmod(0o1777)
    with pytest.raises(StartError, match=f"everybody may write in the {which} directory {path}: chmod o-w"):
        make_directories(places, account)
    assert list(elsewhere.iterdir()) == []
