"""Logs of the real processes: a blocked one holds nobody up, and `logging` takes effect at run time."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import termios
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemonkit.log_files import KEPT_OF_ONE
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, alive, wait_until
from tests.kit.zones import small_zone

PIPE = 4096  # octets, the least a pipe can be told to hold
MEMBERS = {
    "bob",
    "msgq/0",
    "stats/0",
    "memmgr/0",
    "cfgmgr/0",
    "cmdctl/0",
    "authworker/0",
    "auth/0",
    "auth/1",
    "auth/spare",
}
TWO = "components: {auth: {instances: 2}}\n"


def commit(suite: Suite, path: str, value: str) -> None:
    suite.control("config", "set", path, value)
    suite.control("config", "commit", "-m", f"set {path}")


@pytest.fixture
def suite() -> Iterator[Suite]:
    with Suite(config=TWO) as made:
        done = made.loadzone("example.org", small_zone())
        assert done.returncode == 0, done.stderr
        yield made


def block(writer: int) -> None:
    """Fill the pipe to the last octet: its reader is stopped, and every further write blocks."""
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"." * 64):
            pass
    except BlockingIOError:
        pass
    for _ in range(64):  # what the larger writes left
        try:
            os.write(writer, b".")
        except BlockingIOError:
            break
    os.set_blocking(writer, True)


def waiting(reader: int) -> int:
    """Octets in the pipe."""
    return int.from_bytes(fcntl.ioctl(reader, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_reader_that_stopped_holds_nobody_up(suite: Suite, record_property) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
    suite.arguments += ["--log-level", "debug"]
    suite.start(wait=False, stderr=writer)
    block(writer)
    wait_until(suite.ready, 60, "a suite whose log is read by nobody comes up")
    block(writer)
    assert waiting(reader) == PIPE
    victim = suite.pid("auth/0")
    os.kill(victim, signal.SIGKILL)
    slowest = 0.0
    for _ in range(100):  # while bob has to log, and cannot
        began = time.monotonic()
        assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)
        slowest = max(slowest, time.monotonic() - began)
    wait_until(lambda: suite.pid("auth/0") != victim, DEADLINE, "auth is replaced")
    commit(suite, "auth.identity", "here")  # every process takes part
    assert suite.control("config", "get", "auth.identity") == "here"
    record_property("figure", f"slowest of 100 queries with a blocked log, beside a SIGKILL: {slowest * 1000:.0f} ms")
    processes = suite.descendants()
    assert suite.stop() == 0
    wait_until(lambda: not any(map(alive, processes)), DEADLINE, "nobody waits for the reader")
    assert waiting(reader) == PIPE
    os.close(writer)
    os.close(reader)


def test_what_was_held_back_is_written_when_the_reader_goes_on(suite: Suite) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
    suite.start(wait=False, stderr=writer)
    block(writer)
    wait_until(suite.ready, 60, "a suite whose log is read by nobody comes up")
    seen = bytearray()
    os.set_blocking(reader, False)

    def everything_is_told() -> bool:
        try:
            while piece := os.read(reader, 65536):
                seen.extend(piece)
        except BlockingIOError:
            pass
        return all(said in seen for said in (b"BOB_UP", b"auth/0 AUTH_SERVING", b"msgq/0 MSGQ_LISTENING"))

    wait_until(everything_is_told, DEADLINE, "the log has what was said meanwhile")
    os.close(reader)  # a reader that is gone altogether is nothing else
    os.close(writer)
    assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)
    commit(suite, "auth.identity", "here")
    assert suite.stop() == 0


def entries(file: Path, but: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """What a log in JSON holds; `but` begin the lines that are none of it."""
    lines = file.read_text().splitlines() if file.exists() else []
    found = []
    for number, line in enumerate(lines):
        if not but or not line.startswith(but):
            assert line.startswith("{"), "\n".join(lines[number : number + 80])  # a process that died says more below
            found.append(json.loads(line))
    return found


def test_level_format_and_destination_of_every_process_change_at_run_time(suite: Suite) -> None:
    suite.start()
    file, own = suite.directory / "bob.log", suite.directory / "auth.log"
    commit(suite, "logging", f"{{format: json, destinations: [{file}], modules: {{auth: {{destinations: [{own}]}}}}}}")
    others = {member for member in MEMBERS if not member.startswith("auth/")}
    wait_until(
        lambda: {entry["who"] for entry in entries(file)} >= others, DEADLINE, "every process writes to the file"
    )
    wait_until(lambda: {entry["who"] for entry in entries(own)} >= MEMBERS - others, DEADLINE, "auth has its own")
    moved = next(entry for entry in entries(file) if entry["id"] == "DAEMON_LOG_MOVED" and entry["who"] == "msgq/0")
    assert moved["fields"] == {"destinations": str(file), "level": "info"}
    assert moved["severity"] == "info"
    moves = lambda: suite.words().count("DAEMON_LOG_MOVED")  # noqa: E731
    wait_until(lambda: moves() == len(MEMBERS), what="the old place says where it goes on")
    before = suite.words()

    # A level of one module, and no debugging elsewhere.
    commit(suite, "logging.modules", f"{{auth: {{destinations: [{own}]}}, bob: {{level: error}}}}")
    rotated = file.rename(suite.directory / "bob.log.1")
    os.kill(suite.pid("auth/1"), signal.SIGKILL)
    wait_until(
        lambda: any(e["id"] == "AUTH_SERVING" and e["who"] == "auth/1" for e in entries(own)[-3:]), DEADLINE, "back"
    )
    commit(suite, "auth.identity", "here")
    wait_until(lambda: any(e["id"] == "CFGMGR_COMMITTED" for e in entries(file)), DEADLINE, "the file is made anew")
    assert not [entry for entry in entries(file) if entry["who"] == "bob"]  # it says nothing below `error`
    assert not [entry for entry in entries(rotated) if entry["severity"] == "debug"]
    assert {entry["revision"] for entry in entries(file) if entry["who"] == "cfgmgr/0"} == {4}
    assert suite.log.read_text().startswith(before)
    since = suite.log.read_text().removeprefix(before).splitlines()
    assert [line for line in since if "DAEMON_LOG_MOVED" not in line] == []  # of the spare that came meanwhile

    # Who is started afresh comes to log there, too; the broker and cfgmgr before all others.
    for member in ("msgq/0", "cfgmgr/0"):
        place = len(entries(file))
        os.kill(suite.pid(member), signal.SIGKILL)
        again = partial(has_moved, file, place, member)
        wait_until(again, DEADLINE, f"{member} logs to the file again")


def has_moved(file: Path, place: int, member: str) -> bool:
    """Whether a member says, after this many lines, that it logs to the file."""
    return any(entry["id"] == "DAEMON_LOG_MOVED" and entry["who"] == member for entry in entries(file)[place:])


def test_every_line_is_json_where_the_command_line_says_so_and_a_full_disk_stops_nobody(suite: Suite) -> None:
    suite.arguments += ["--log-format", "json", "--log-level", "debug"]
    suite.start()
    commit(suite, "logging.destinations", "[stderr, /dev/full]")
    victim = suite.pid("auth/1")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: suite.pid("auth/1") != victim, DEADLINE, "auth is replaced")
    for _ in range(20):
        assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)
    counters = suite.control("call", "auth", "statistics")["counters"]
    assert counters["log.info"] > 0
    assert counters["log.dropped"] == 0
    assert suite.stop() == 0
    written = entries(suite.log, but=("The suite is up", "    ", "Ctrl-C"))
    assert {entry["severity"] for entry in written} >= {"debug", "info"}
    assert {entry["who"] for entry in written} >= MEMBERS
    assert "BOB_STOPPED" in [entry["id"] for entry in written]


def test_a_log_that_cannot_be_written_is_refused_and_at_the_start_no_reason_not_to_serve(suite: Suite) -> None:
    suite.start()
    file = suite.directory / "logs" / "bob.log"
    suite.control("config", "set", "logging.destinations", f"[{file}]")
    refused = suite.bobctl("config", "commit")
    assert refused.returncode == 5
    assert "logging.destinations.0" in refused.stderr
    assert f"{file}: the directory {file.parent} is not there" in refused.stderr
    file.parent.mkdir()
    suite.control("config", "commit")
    wait_until(lambda: file.exists(), DEADLINE, "the log is there")
    suite.stop()
    file.unlink()
    file.parent.rmdir()
    suite.start()
    assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)
    suite.says(f"DAEMON_LOG_UNUSABLE this log cannot be written now: {file}")
    file.parent.mkdir()
    wait_until(file.exists, DEADLINE, "it is tried again")


def test_the_last_lines_of_every_process_are_shown(suite: Suite) -> None:
    suite.start()

    def tail(*words: str) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = suite.control("log", "tail", "--limit", "1000", *words)["lines"]
        return lines

    wait_until(lambda: {line["who"] for line in tail()} >= MEMBERS, 60, "every process tells what it has logged")
    lines = tail()
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert {line["severity"] for line in tail("--level", "warning")} <= {"warning", "error"}
    assert {line["who"] for line in tail("auth/1")} == {"auth/1"}
    commit(suite, "auth.identity", "here")
    said = [line["text"] for line in tail("cfgmgr") if line["id"] == "CFGMGR_COMMITTED"]
    assert said[-1].endswith("set auth.identity")


def is_replaced(suite: Suite, member: str, victim: int) -> bool:
    """Whether another process runs in this place; between two there is none."""
    return suite.components()[member]["pid"] not in (None, victim)


def test_the_last_lines_of_processes_that_ended_are_shown(suite: Suite) -> None:
    """`log tail` forgot a process with its death, when what it had said is wanted most."""
    suite.start()

    def said(member: str, pid: int) -> list[tuple[str, bool]]:
        lines = suite.control("log", "tail", "--limit", "1000", member)["lines"]
        return [(line["id"], line["ended"]) for line in lines if line["pid"] == pid]

    def is_told(member: str, victim: int, last: str) -> bool:
        return (last, True) in said(member, victim) and bool(said(member, suite.pid(member)))

    commit(suite, "auth.identity", "here")
    for member, last in (("cfgmgr/0", "CFGMGR_COMMITTED"), ("auth/1", "AUTH_SERVING"), ("cmdctl/0", "CMDCTL_OPEN")):
        victim = suite.pid(member)
        assert (last, False) in said(member, victim)
        os.kill(victim, signal.SIGKILL)
        wait_until(partial(is_replaced, suite, member, victim), DEADLINE, "there is a successor")
        wait_until(partial(is_told, member, victim, last), DEADLINE, "both tell what they have said")
    victim = suite.pid("memmgr/0")
    os.kill(victim, signal.SIGSTOP)  # its heart-beats end; bob kills it
    wait_until(partial(is_replaced, suite, "memmgr/0", victim), DEADLINE, "one that hangs is replaced")
    assert all(ended for _, ended in said("memmgr", victim))
    of_bob = suite.control("log", "tail", "--limit", "1000", "bob")["lines"]
    assert any(f"{victim}" in line["text"] or "memmgr" in line["text"] for line in of_bob)

    # Nobody is left to be asked: bob itself is killed.
    assert suite.process is not None
    bob, processes = suite.process.pid, suite.descendants()
    suite.process.kill()
    suite.process.wait()
    wait_until(lambda: not any(map(alive, processes)), DEADLINE, "its children end with it")
    left = suite.bobctl("--json", "log", "tail", "--limit", "1000")
    assert left.returncode == 0, left.stderr
    assert "these lines are what its processes have left in" in left.stderr
    lines = json.loads(left.stdout)["lines"]
    assert len({line["pid"] for line in lines}) > len(MEMBERS)
    assert {line["who"] for line in lines} >= MEMBERS
    assert all(line["ended"] for line in lines)
    assert bob in {line["pid"] for line in lines}
    following = suite.bobctl("log", "tail", "--follow")
    assert following.returncode != 0


def test_of_a_component_that_ends_again_and_again_few_processes_are_kept(suite: Suite) -> None:
    suite.start()
    for _ in range(KEPT_OF_ONE + 2):
        victim = suite.pid("stats/0")
        os.kill(victim, signal.SIGKILL)
        wait_until(partial(is_replaced, suite, "stats/0", victim), 60, "stats is started again")
    ended = {line["pid"] for line in suite.control("log", "tail", "--limit", "1000", "stats")["lines"] if line["ended"]}
    assert len(ended) == KEPT_OF_ONE
