"""The doorbell reaches who listens, never blocks and never fails."""

from __future__ import annotations

import select
import socket
from pathlib import Path

import datasrc
from datasrc.doorbell import DIRECTORY, Listener, ring
from tests.datasrc.zonemaking import SMALL, TESTER, change, load, name


def rings(listener: Listener) -> bool:
    return bool(select.select([listener], [], [], 0)[0])


def test_every_listener_hears_it(tmp_path: Path) -> None:
    with Listener(tmp_path, "auth.0") as first, Listener(tmp_path, "auth.1") as second:
        assert not rings(first)
        assert ring(tmp_path) == 2
        assert rings(first)
        assert rings(second)
        assert first.drain()
        assert not first.drain()
        assert not rings(first)
    assert list((tmp_path / DIRECTORY).iterdir()) == []


def test_every_commit_rings(tmp_path: Path) -> None:
    source = datasrc.open(f"sqlite:///{tmp_path}/zones.sqlite", create=True)
    with Listener(tmp_path, "memmgr.0") as listener:
        load(source, SMALL)
        assert listener.drain()
        assert load(source, SMALL) is None
        assert not listener.drain()  # nothing was written
        change(source, 2)
        assert listener.drain()
        source.delete_zone(name("@"), TESTER)
        assert listener.drain()
    source.close()


def test_nobody_need_listen(tmp_path: Path) -> None:
    assert ring(tmp_path) == 0
    assert ring(tmp_path / "not there") == 0


def test_the_sockets_of_dead_processes_are_removed(tmp_path: Path) -> None:
    directory = tmp_path / DIRECTORY
    directory.mkdir()
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(directory / "dead.sock"))
    dead.close()
    (directory / "other.txt").touch()
    with Listener(tmp_path, "auth.0") as listener:
        assert ring(tmp_path) == 1
        assert listener.drain()
        assert not (directory / "dead.sock").exists()
        assert (directory / "other.txt").exists()


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / DIRECTORY
    directory.mkdir()
    (directory / "file.sock").touch()
    (directory / "link.sock").symlink_to("nowhere")
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.bind(str(directory / "stream.sock"))
    assert ring(tmp_path) == 0
    stream.close()


def test_a_listener_that_sleeps_hinders_nobody(tmp_path: Path) -> None:
    with Listener(tmp_path, "auth.0") as listener:
        for _ in range(5000):  # far more than its queue holds
            assert ring(tmp_path) == 1
        assert listener.drain()


def test_long_paths_are_no_hindrance(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    with Listener(deep, "auth.0") as listener:
        assert ring(deep) == 1
        assert listener.drain()


def test_a_listener_takes_the_place_of_a_dead_one_of_its_name(tmp_path: Path) -> None:
    first = Listener(tmp_path, "auth.0")
    first._socket.close()  # died without a word
    with Listener(tmp_path, "auth.0") as second:
        assert ring(tmp_path) == 1
        assert second.drain()
