"""How children are started and how their end is told."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from bob.definition import Definition
from bob.processes import SHIM_FILE, command_of, creator_command, describe_exit, interpreter


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        (os.CLD_EXITED, 0, "exit status 0"),
        (os.CLD_EXITED, 3, "exit status 3"),
        (os.CLD_EXITED, 78, "exit status 78 (configuration)"),
        (os.CLD_KILLED, signal.SIGKILL, "killed by SIGKILL"),
        (os.CLD_DUMPED, signal.SIGSEGV, "killed by SIGSEGV, core dumped"),
        (os.CLD_KILLED, 50, "killed by signal 50"),
    ],
)
def test_an_end_is_told_exactly(code, status, text):
    assert describe_exit(code, status) == text


def test_ours_are_started_as_modules_in_isolation():
    command = command_of(Definition(name="auth", program="auth", arguments=("-v",)))
    assert command[0] == sys.executable
    assert command[-6:] == ["-I", str(SHIM_FILE), str(os.getpid()), "-m", "auth", "-v"]


def test_others_are_started_by_the_shim():
    command = command_of(Definition(name="x", program="/bin/x", arguments=("a b",), foreign=True))
    assert command[-6:] == ["-I", "-S", str(SHIM_FILE), str(os.getpid()), "/bin/x", "a b"]


def test_the_creator_runs_without_site():
    command = creator_command(7, ("udp/::1@53",))
    assert command[-7:-5] == ["-I", "-S"]
    assert command[-4:] == ["7", str(os.getpid()), str(os.geteuid()), "udp/::1@53"]


def test_the_switches_of_a_test_run_are_handed_on():
    assert interpreter()[-1] == "-I"
    assert ("-X" in interpreter()) == bool(sys.flags.dev_mode)
