"""The command line as such: help, options, exit codes, speed."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bobctl.nouns import NOUNS
from cmdctl.door import open_door
from daemonkit.paths import LOCK_NAME, Directories, lock_text
from tests.bobctl.run import PYTHON, bobctl
from tests.cmdctl.house import house
from tests.kit.stopwatch import Stopwatch


@pytest.mark.asyncio
async def test_without_words_and_terminal_it_shows_the_nouns():
    done = await bobctl(None)
    assert done.code == 0
    assert all(f"  {noun} " in done.out for noun in NOUNS)
    assert "on a terminal, it is a shell" in done.out


@pytest.mark.asyncio
@pytest.mark.parametrize("noun", sorted(NOUNS))
async def test_every_noun_has_help(noun):
    done = await bobctl(None, noun, "--help")
    assert done.code == 0
    assert "Usage: bobctl" in done.out


@pytest.mark.asyncio
@pytest.mark.parametrize("noun", sorted(NOUNS))
async def test_no_summary_is_cut_off(noun):
    done = await bobctl(None, noun, "--help")
    _, _, verbs = done.out.partition("Commands:")
    assert not [line for line in verbs.splitlines() if line.endswith("...")]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["zone"],
        ["zone", "nonsense"],
        ["zone", "show"],
        ["zone", "show", "a", "b"],
        ["zone", "list", "--limit", "0"],
        ["component", "change", "auth"],
        ["component", "change", "auth", "instances"],
        ["component", "add", "x", "=1"],
        ["component", "add", "x", "a=1", "a=2"],
        ["config", "set", "a"],
        ["config", "set", "a", "[1"],
        ["config", "set", "a", "!!python/object:os.system {}"],
        ["config", "add", "a"],
        ["config", "describe"],
        ["explain"],
        ["completion", "tcsh"],
        ["execute"],
        ["call", "auth"],
        ["call", "auth", "status", "word"],
        ["call", "auth", "status", "--timeout", "0"],
        ["--server", "http://elsewhere/", "status"],
        ["--server", "unix:/x", "--run-dir", "/y", "status"],
    ],
)
async def test_wrong_words_are_usage(words):
    done = await bobctl(None, *words)
    assert done.code == 2
    assert done.err
    assert done.out == "" or "zone" in words[:1]


@pytest.mark.asyncio
async def test_a_suite_that_is_not_running_is_said_with_what_to_do(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "status")
    assert (done.code, done.out) == (1, "")
    assert str(tmp_path / "control.sock") in done.err
    assert "bob run" in done.err


@pytest.mark.asyncio
async def test_a_socket_nobody_listens_at_is_a_suite_that_is_not_running(tmp_path):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "control.sock"))
    stale.close()
    done = await bobctl(None, "--run-dir", str(tmp_path), "status")
    assert done.code == 1
    assert "bob run" in done.err


@pytest.mark.asyncio
async def test_a_suite_whose_door_is_closed_is_not_to_be_started(tmp_path):
    with (tmp_path / LOCK_NAME).open("wb", buffering=0) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(lock_text(os.getpid(), Directories(tmp_path, tmp_path)))
        done = await bobctl(None, "--run-dir", str(tmp_path), "status")
    assert (done.code, done.out) == (1, "")
    assert f"the suite runs (process {os.getpid()}), but its door" in done.err
    assert "bob run" not in done.err


@pytest.mark.asyncio
async def test_a_path_too_long_for_a_socket_is_said(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path / ("x" * 100)), "status")
    assert done.code == 1
    assert "bytes are too many" in done.err


@pytest.mark.asyncio
async def test_the_suite_is_found_by_its_directories():
    async with house() as here:
        (here.path.parent / "run").symlink_to(here.path.parent)
        for option, value in (("--run-dir", here.path.parent), ("--state-dir", here.path.parent)):
            done = await bobctl(None, option, str(value), "version")
            assert done.code == 0
            assert "unknown" not in done.out


@pytest.mark.asyncio
async def test_version_needs_no_suite(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "--json", "version")
    assert done.code == 0
    assert done.json["bobctl"]
    assert done.json["suite"] is None


@pytest.mark.asyncio
async def test_json_may_stand_before_the_noun_or_behind_the_verb():
    async with house() as here:
        before = await bobctl(here.path, "--json", "component", "list")
        behind = await bobctl(here.path, "component", "list", "--json")
    assert before.json == behind.json
    assert {"component", "instance", "pid", "state", "restarts", "last_exit"} <= set(before.json[0])


@pytest.mark.asyncio
async def test_what_answers_may_be_nonsense(tmp_path):
    async def nonsense(_reader, writer):
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    path = tmp_path / "control.sock"
    async with await asyncio.start_unix_server(nonsense, path):
        done = await bobctl(path, "status")
    assert done.code == 1
    assert "not HTTP" in done.err


@pytest.mark.asyncio
async def test_an_answer_that_breaks_off_is_an_unknown_outcome(tmp_path):
    async def broken(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        writer.close()

    path = tmp_path / "control.sock"
    async with await asyncio.start_unix_server(broken, path):
        done = await bobctl(path, "status")
    assert done.code == 1
    assert "broke off" in done.err


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
def test_another_user_is_told_who_may():
    with tempfile.TemporaryDirectory(prefix="door-", dir="/tmp") as directory:
        path = Path(directory) / "control.sock"
        path.parent.chmod(0o755)
        door = open_door(path, None)
        done = subprocess.run(
            [sys.executable, "-I", "-c", AS_NOBODY, str(path)], capture_output=True, text=True, timeout=30, check=False
        )
        door.close()
    assert done.stdout.strip() == "NotPermitted"


AS_NOBODY = """
import os, sys
from pathlib import Path
from cmdctl.api import Client
from cmdctl.errors import ClientError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    Client(Path(sys.argv[1])).get("status")
except ClientError as error:
    print(type(error).__name__)
"""


def test_nothing_slow_is_imported_for_a_status():
    script = (
        "import sys, bobctl.cli, bobctl.status\n"
        "slow = {'yaml', 'dns', 'zmq', 'msgspec', 'sqlalchemy', 'starlette', 'uvicorn', 'asyncio'}\n"
        "slow |= {'prompt_toolkit', 'rich'}\n"
        "print(*sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def seconds_of(command: list[str]) -> float:
    """What a program takes, by the stopwatch."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        watch = Stopwatch(lambda: [process.pid])
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # not yet collected: its times can be read
        seconds = watch.seconds()
    assert process.returncode == 0
    return seconds


@pytest.mark.asyncio
async def test_a_status_takes_less_than_three_tenths_of_a_second():
    async with house() as here:
        times = []
        for _ in range(5):
            command = [sys.executable, "-I", "-m", "bobctl", "--server", f"unix:{here.path}", "status"]
            times.append(await asyncio.to_thread(seconds_of, command))
    assert min(times) < 0.3


@pytest.mark.asyncio
async def test_a_reader_that_goes_away_is_no_traceback():
    async with house() as here:
        for number in range(3):
            here.load(f"z{number}.example")
        script = f"{' '.join(PYTHON)} --server unix:{here.path} modules auth | head -1"
        process = await asyncio.create_subprocess_shell(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = await process.communicate()
    assert out.count(b"\n") == 1
    assert b"Traceback" not in err
