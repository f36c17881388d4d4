"""Directories: made with their modes, checked, cleared of what a killed suite left."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from bob.directories import check_directories, clear_run_directory, make_directories
from bob.errors import StartError
from bob.privileges import Account
from daemonkit.paths import Directories

OWN = Account("me", os.geteuid(), os.getegid())


@pytest.fixture
def places(tmp_path):
    return Directories(tmp_path / "var" / "state", tmp_path / "run")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_missing_directories_are_made_with_their_modes(places):
    old = os.umask(0o077)
    try:
        make_directories(places, OWN)
        clear_run_directory(places)
    finally:
        os.umask(old)
    assert mode(places.state) == 0o750
    assert mode(places.run) == 0o755
    assert mode(places.bus_socket.parent) == 0o700


def test_a_directory_that_is_there_keeps_its_mode_and_owner(places):
    places.state.mkdir(parents=True, mode=0o700)
    make_directories(places, OWN)
    assert mode(places.state) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_makes_them_for_the_account(places):
    make_directories(places, Account("nobody", 65534, 65534))
    assert places.state.stat().st_uid == places.run.stat().st_gid == 65534


def test_a_file_in_the_way_is_told(places):
    places.run.touch()
    with pytest.raises(StartError, match=r"the run directory .* is no directory"):
        make_directories(places, OWN)


def test_what_a_killed_suite_left_is_cleared(places):
    make_directories(places, OWN)
    clear_run_directory(places)
    for path in (places.bus_socket, places.control_socket):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))
    (places.bus_socket.parent / "deep").mkdir()
    clear_run_directory(places)
    assert list(places.bus_socket.parent.iterdir()) == []
    assert not places.control_socket.exists()


def test_a_link_in_place_of_the_bus_is_removed_not_followed(places, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    make_directories(places, OWN)
    places.bus_socket.parent.symlink_to(precious)
    clear_run_directory(places)
    assert (precious / "file").exists()
    assert not places.bus_socket.parent.is_symlink()


def test_a_directory_of_another_is_told(places, monkeypatch):
    make_directories(places, OWN)
    check_directories(places)
    monkeypatch.setattr(os, "access", lambda path, _mode: path != places.state)
    with pytest.raises(StartError, match=f"cannot write in the state directory {places.state}"):
        check_directories(places)
