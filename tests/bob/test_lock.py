"""One suite to a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bob.errors import AlreadyRunning, StartError
from bob.lock import DirectoryLock
from daemonkit.paths import LOCK_NAME, Directories, find_running

PLACES = Directories(Path("/state"), Path("/run/x"))


def test_a_client_told_one_directory_finds_the_other(tmp_path):
    lock = DirectoryLock(tmp_path, "state directory", PLACES)
    assert find_running(tmp_path) == PLACES
    assert find_running(None, tmp_path) == PLACES
    lock.close()
    assert find_running(tmp_path) == Directories(tmp_path, tmp_path / "run")


def test_the_second_is_refused_and_told_who_the_first_is(tmp_path):
    lock = DirectoryLock(tmp_path, "state directory", PLACES)
    with pytest.raises(AlreadyRunning, match=rf"another bob \(process {os.getpid()}\) uses the state directory"):
        DirectoryLock(tmp_path, "state directory", PLACES)
    lock.close()
    DirectoryLock(tmp_path, "state directory", PLACES).close()


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    code = "import sys; from pathlib import Path; from bob.lock import DirectoryLock\n"
    code += "from daemonkit.paths import Directories; place = Path(sys.argv[1])\n"
    code += "lock = DirectoryLock(place, 'run directory', Directories(place, place))\n"
    code += "print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"):
        DirectoryLock(tmp_path, "run directory", PLACES)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    DirectoryLock(tmp_path, "run directory", PLACES).close()


def test_a_link_in_its_place_is_not_followed(tmp_path):
    target = tmp_path / "precious"
    target.write_text("data")
    (tmp_path / LOCK_NAME).symlink_to(target)
    with pytest.raises(StartError, match="cannot use the state directory"):
        DirectoryLock(tmp_path, "state directory", PLACES)
    assert target.read_text() == "data"


def test_a_directory_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StartError, match="No such file"):
        DirectoryLock(tmp_path / "missing", "state directory", PLACES)
