"""How children are started and how their end is told."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from bob import processes
from bob.definition import Definition
from bob.processes import SHIM_FILE, Process, command_of, creator_command, describe_exit
from daemonkit.process import interpreter


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


def test_orphans_are_collected_and_our_own_are_left(tmp_path):
    code = """
import ctypes, os, subprocess, sys, time
from bob.processes import reap_orphans
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what process 1 is to a container
middle = subprocess.Popen(["/bin/sh", "-c", "sleep 0.05 & echo $!"], stdout=subprocess.PIPE, text=True)
orphan = int(middle.stdout.readline())
middle.communicate()
own = subprocess.Popen(["/bin/true"])
os.waitid(os.P_PID, orphan, os.WEXITED | os.WNOWAIT)
os.waitid(os.P_PID, own.pid, os.WEXITED | os.WNOWAIT)
reap_orphans({own.pid})
assert own.wait() == 0
reap_orphans({own.pid})
try:
    os.kill(orphan, 0)
    print("left")
except ProcessLookupError:
    print("collected")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "collected\n", done.stderr


@pytest.mark.asyncio
async def test_bob_looks_for_orphans_again_after_each_end_of_its_own():
    loop, happened = asyncio.get_running_loop(), []
    looked = asyncio.Event()

    def look():
        happened.append("looked")
        if "ended" in happened:
            looked.set()

    popen = subprocess.Popen(["/bin/true"])
    pidfd = os.pidfd_open(popen.pid)
    os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)  # the kernel's own signal for it has come and gone
    loop.add_signal_handler(signal.SIGCHLD, look)
    try:
        processes.watch(Process(popen.pid, pidfd, popen), lambda *_: happened.append("ended"))
        await asyncio.wait_for(looked.wait(), 60)
    finally:
        loop.remove_signal_handler(signal.SIGCHLD)
    assert happened[-2:] == ["ended", "looked"]
