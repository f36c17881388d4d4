"""Where a suite keeps its things, and how a client finds it."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from daemonkit.errors import PathError
from daemonkit.paths import (
    LOCK_NAME,
    SYSTEM_RUN,
    SYSTEM_STATE,
    Directories,
    directories,
    find_running,
    is_found_by_default,
    lock_text,
    running_in,
)


def test_root_uses_the_system_directories():
    assert directories(system=True) == Directories(SYSTEM_STATE, SYSTEM_RUN)


def test_a_user_without_a_runtime_directory_keeps_sockets_in_the_state_directory():
    found = directories(system=False, environment={"HOME": "/home/ann"})
    assert found == Directories(Path("/home/ann/.local/share/bobdns"), Path("/home/ann/.local/share/bobdns/run"))


def test_xdg_directories_are_honoured(tmp_path):
    found = directories(
        system=False, environment={"XDG_DATA_HOME": "/data", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": "/x"}
    )
    assert found == Directories(Path("/data/bobdns"), tmp_path / "bobdns")


def test_a_given_state_directory_brings_its_run_directory():
    assert directories(Path("/srv/dns"), system=True) == Directories(Path("/srv/dns"), Path("/srv/dns/run"))


def test_both_can_be_given():
    assert directories(Path("/srv/dns"), Path("/run/x")) == Directories(Path("/srv/dns"), Path("/run/x"))


def test_a_client_finds_the_suite_of_its_user(tmp_path):
    mine = Directories(tmp_path / "bobdns", tmp_path / "bobdns" / "run")
    mine.run.mkdir(parents=True)
    mine.control_socket.touch()
    if SYSTEM_RUN.exists():
        pytest.skip("a system server runs here")
    assert find_running(environment={"XDG_DATA_HOME": str(tmp_path), "HOME": "/x"}) == mine


def test_a_client_finds_the_suite_that_ran_last_where_its_user_ran_one(tmp_path):
    if SYSTEM_STATE.exists():
        pytest.skip("a system server ran here")
    environment = {"XDG_DATA_HOME": str(tmp_path), "HOME": "/x"}
    mine = Directories(tmp_path / "bobdns", tmp_path / "bobdns" / "run")
    mine.state.mkdir()
    (mine.state / LOCK_NAME).touch()
    assert find_running(environment=environment) == mine
    assert is_found_by_default(mine, environment=environment)
    assert not is_found_by_default(Directories(tmp_path, tmp_path), environment=environment)


def test_sockets_elsewhere_are_found_by_what_the_suite_wrote_down(tmp_path):
    if SYSTEM_RUN.exists():
        pytest.skip("a system server runs here")
    mine = Directories(tmp_path / "bobdns", tmp_path / "elsewhere")
    for directory in (mine.state, mine.run):
        directory.mkdir()
    mine.control_socket.touch()
    (mine.state / LOCK_NAME).write_bytes(lock_text(1, mine))
    assert find_running(environment={"XDG_DATA_HOME": str(tmp_path), "HOME": "/x"}) == mine


def test_a_path_too_long_for_a_socket_is_refused_early():
    with pytest.raises(PathError, match="at most 107"):
        Directories(Path("/s"), Path("/" + "x" * 100)).check()


def test_configured_values_can_name_the_directories():
    places = Directories(Path("/s"), Path("/r"))
    assert places.substitute("sqlite:///{state_dir}/zones.sqlite {run_dir}") == "sqlite:////s/zones.sqlite /r"


def test_a_suite_that_runs_is_found_while_its_door_is_closed(tmp_path):
    mine = Directories(tmp_path / "data" / "bobdns", tmp_path / "elsewhere")
    mine.state.mkdir(parents=True)
    (mine.state / LOCK_NAME).write_bytes(lock_text(7, mine))
    assert find_running(environment={"XDG_DATA_HOME": str(tmp_path / "data"), "HOME": "/x"}) == mine


@pytest.mark.parametrize("content", [b"", b"7\n", b"seven\n/a\n/b\n"])
def test_a_lock_that_says_nothing_is_no_suite(tmp_path, content):
    with (tmp_path / LOCK_NAME).open("wb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(content)
        assert running_in(tmp_path) is None


def test_a_suite_runs_while_its_lock_is_held(tmp_path):
    assert running_in(tmp_path) is None
    with (tmp_path / LOCK_NAME).open("wb", buffering=0) as file:
        file.write(lock_text(7, Directories(tmp_path, tmp_path)))
        assert running_in(tmp_path) is None
        fcntl.flock(file, fcntl.LOCK_EX)
        assert running_in(tmp_path) == 7
