"""One suite to a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from bob.errors import AlreadyRunning, StartError
from bob.lock import LOCK_NAME, DirectoryLock


def test_the_second_is_refused_and_told_who_the_first_is(tmp_path):
    lock = DirectoryLock(tmp_path, "state directory")
    with pytest.raises(AlreadyRunning, match=rf"another bob \(process {os.getpid()}\) uses the state directory"):
        DirectoryLock(tmp_path, "state directory")
    lock.close()
    DirectoryLock(tmp_path, "state directory").close()


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    code = "import sys; from pathlib import Path; from bob.lock import DirectoryLock\n"
    code += "lock = DirectoryLock(Path(sys.argv[1]), 'run directory'); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"):
        DirectoryLock(tmp_path, "run directory")
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    DirectoryLock(tmp_path, "run directory").close()


def test_a_link_in_its_place_is_not_followed(tmp_path):
    target = tmp_path / "precious"
    target.write_text("data")
    (tmp_path / LOCK_NAME).symlink_to(target)
    with pytest.raises(StartError, match="cannot use the state directory"):
        DirectoryLock(tmp_path, "state directory")
    assert target.read_text() == "data"


def test_a_directory_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StartError, match="No such file"):
        DirectoryLock(tmp_path / "missing", "state directory")
