"""A foreign program dies with bob."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

from bob.processes import SHIM_FILE

DEADLINE = 30.0


def shim(*arguments, **how):
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SHIM_FILE), *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        **how,
    )


def test_it_becomes_the_program():
    done = shim(str(os.getpid()), "/bin/echo", "a b", "c")
    assert (done.returncode, done.stdout) == (0, "a b c\n")


def test_it_becomes_a_module_with_its_own_arguments(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", str(SHIM_FILE), str(os.getpid()), "-m", "timeit", "-n", "1", "-r", "1", "pass"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 loop")


def test_a_missing_program_and_one_that_may_not_be_run_are_told(tmp_path):
    missing = shim(str(os.getpid()), "/no/such/program")
    assert (missing.returncode, missing.stderr) == (127, "/no/such/program: No such file or directory\n")
    forbidden = tmp_path / "file"
    forbidden.touch()
    assert shim(str(os.getpid()), str(forbidden)).returncode == 126


def test_it_does_not_start_for_a_parent_that_is_gone():
    assert shim("1", "/bin/echo", "never").stdout == ""


def test_the_program_dies_with_its_parent():
    code = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-I', '-S', sys.argv[1], str(os.getpid()), '/bin/cat'],\n"
        "                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdin.write(b'x'); child.stdin.flush(); child.stdout.read(1)\n"
        "print(child.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(SHIM_FILE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    assert select.select([child], [], [], DEADLINE)[0], "the program outlived its parent"
    os.close(child)
    parent.communicate()
