"""The control socket: its mode, its group, its making and its end."""

from __future__ import annotations

import errno
import os
import socket
import stat

import pytest

from cmdctl.door import open_door, operators_group


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o755)
    return tmp_path / "control.sock"


def connect(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_it_is_private_without_a_group_whatever_the_umask(path):
    before = os.umask(0)
    try:
        door = open_door(path, None)
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    connect(path)
    door.close()


def test_it_is_open_to_the_group(path):
    door = open_door(path, os.getegid())
    assert mode(path) == 0o660
    assert path.stat().st_gid == os.getegid()
    door.close()


def test_closing_takes_it_away(path):
    open_door(path, None).close()
    assert list(path.parent.iterdir()) == []


def test_a_stale_socket_of_a_killed_process_is_replaced(path):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    (path.parent / "control.new").write_text("left by one that was killed half way")
    door = open_door(path, None)
    connect(path)
    door.close()
    assert list(path.parent.iterdir()) == []


def test_a_successors_socket_is_left_alone(path):
    first = open_door(path, None)
    second = open_door(path, None)
    first.close()
    connect(path)
    second.close()


def test_closing_after_somebody_cleaned_up_is_no_error(path):
    door = open_door(path, None)
    path.unlink()
    door.close()


def test_a_directory_anybody_may_write_to_is_refused(path):
    path.parent.chmod(0o777)
    with pytest.raises(PermissionError) as caught:
        open_door(path, None)
    assert caught.value.errno == errno.EPERM
    assert list(path.parent.iterdir()) == []


def test_a_directory_that_is_not_there_is_told(path):
    with pytest.raises(FileNotFoundError):
        open_door(path.parent / "missing" / "control.sock", None)


def test_the_operators_group_is_used_only_where_we_can_give_a_file_to_it(monkeypatch):
    class Group:
        gr_gid = 4242

    monkeypatch.setattr("grp.getgrnam", lambda _: Group)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.getegid", lambda: 1000)
    monkeypatch.setattr("os.getgroups", lambda: [1000])
    assert operators_group() is None
    monkeypatch.setattr("os.getgroups", lambda: [1000, 4242])
    assert operators_group() == 4242
    monkeypatch.setattr("os.getgroups", list)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert operators_group() == 4242


def test_without_such_a_group_there_is_none(monkeypatch):
    def missing(name):
        raise KeyError(name)

    monkeypatch.setattr("grp.getgrnam", missing)
    assert operators_group() is None
