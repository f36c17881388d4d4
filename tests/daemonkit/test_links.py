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
from daemonkit.links import open_named, strangers_link, unopenable
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
    reason = unopenable(path)
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
    assert unfollowed(place) == (
        f"it is a symbolic link in a directory where everybody may write, {place.parent}, which is not followed:"
        f" name what it leads to, or chmod o-w {place.parent}"
    )
    place.parent.chmod(0o1777)  # of root or ours it is: who else cannot take it away
    assert strangers_link(place) == ""


@needs_root
def test_a_strangers_link_is_not_followed(place):
    os.lchown(place, NOBODY, NOBODY)
    assert unfollowed(place) == f"{STRANGERS} {NOBODY}, which is not followed: name what it leads to"
    assert strangers_link(place, NOBODY) == ""


@needs_root
def test_a_link_in_a_strangers_directory_is_not_followed(place):
    os.chown(place.parent, NOBODY, NOBODY)
    assert unfollowed(place) == (
        f"it is a symbolic link in a directory of user {NOBODY}, {place.parent}, which is not followed:"
        " name what it leads to"
    )


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


def shared(place: Path) -> None:
    """The directory is as /var/log of some systems: of root, and a group may write there."""
    os.chown(place.parent, 0, NOBODY)
    place.parent.chmod(0o775)


@needs_root
def test_a_directory_is_not_reached_by_a_link_that_a_group_of_others_could_exchange(place, monkeypatch):
    shared(place)
    assert strangers_link(place) == (
        f"it is a symbolic link in a directory where the group {NOBODY} may write, {place.parent}, which is not"
        f" followed: name what it leads to, or chmod g-w {place.parent}"
    )
    place.parent.chmod(0o1775)
    assert strangers_link(place) == ""
    place.parent.chmod(0o775)
    os.chown(place.parent, 0, 0)
    assert strangers_link(place) == ""  # root's own
    group = grp.struct_group(("root", "x", 0, ["root", "ann"]))
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: group)
    assert "where the group 0 may write" in strangers_link(place)


@needs_root
def test_a_file_is_reached_by_a_link_of_root_or_ours_where_a_group_may_write(place):
    """As /var/log/bob.log of somebody who has a disk for logs; it was refused because of the group syslog."""
    shared(place)
    second = place.with_name("second")
    second.symlink_to("link")  # relative, and to another link
    for path in (place, second):
        assert unopenable(path) == fault(str(path)) == ""
        assert read_secret(str(path)).octets == b"secret"
    reached = destination(str(second), "text", "daemon")
    reached.write(Entry(0.0, logging.INFO, "toy/0", "", "a line"))
    reached.write(Entry(0.0, logging.INFO, "toy/0", "", "and another"))
    assert place.resolve().read_text().endswith("a line\n1970-01-01T00:00:00.000Z INFO toy/0 and another\n")
    reached.close()


@needs_root
def test_a_link_that_a_member_of_the_group_has_planted_is_not_followed(place):
    shared(place)
    planted = place.with_name("planted")
    planted.symlink_to(place.resolve())
    os.lchown(planted, NOBODY, NOBODY)
    behind = place.with_name("behind")
    behind.symlink_to(planted)
    for path in (planted, behind):
        assert unfollowed(path).startswith(f"{STRANGERS} {NOBODY}")


@needs_root
@pytest.mark.parametrize("step", ["look", "open"])
def test_a_link_that_is_exchanged_by_the_group_between_look_and_opening_is_not_followed(place, monkeypatch, step):
    shared(place)
    bait = place.with_name("bait")
    bait.symlink_to(place.resolve())
    os.lchown(bait, NOBODY, NOBODY)
    look, opened = Path.lstat, os.open

    def exchange() -> None:
        if os.path.islink(bait):  # noqa: PTH114 - Path would look by lstat
            bait.rename(place)

    def exchanged_after_the_look(path: Path) -> os.stat_result:
        found = look(path)
        if path == place:
            exchange()
        return found

    def exchanged_after_the_opening(path, flags, *more, **keywords):
        descriptor = opened(path, flags, *more, **keywords)
        if path == place:
            exchange()
        return descriptor

    if step == "look":
        monkeypatch.setattr(Path, "lstat", exchanged_after_the_look)
        with pytest.raises(OSError, match=f"exchanged for something of user {NOBODY}"):
            open_named(place, os.O_RDONLY)
    else:  # it is the one of before that is read
        monkeypatch.setattr(os, "open", exchanged_after_the_opening)
        os.close(open_named(place, os.O_RDONLY))
    assert look(place).st_uid == NOBODY


@needs_root
@pytest.mark.parametrize("mode", [0o775, 0o777, 0o1777])
def test_a_plain_file_is_used_wherever_it_is(place, mode):
    shared(place)
    place.parent.chmod(mode)
    for name in ("new", "there"):
        path = place.with_name(name)
        if name == "there":
            path.write_text("before\n")
        assert fault(str(path)) == ""
        reached = destination(str(path), "text", "daemon")
        reached.write(Entry(0.0, logging.INFO, "toy/0", "", "a line"))
        reached.close()
        assert path.read_text().endswith("a line\n")


@needs_root
def test_a_state_or_run_directory_that_a_group_may_write_is_used(tmp_path):
    places = Directories(tmp_path / "there" / "state", tmp_path / "there" / "run")
    for path in (places.state, places.run):
        path.mkdir(parents=True)
        os.chown(path, os.geteuid(), NOBODY)
        path.chmod(0o775)
    make_directories(places, Account("me", os.geteuid(), os.getegid()))


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
