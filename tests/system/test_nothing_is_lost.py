"""Each process is killed, and each is stopped, under a steady query load (issue: nothing brings it down).

A client asks again after a second; no question may stay unanswered after that first retry. What the first try lost and
how long the replacement took is reported, beside the kernel's drop counter; `bench/faults.py` prints the figures.
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.kit.load import RETRY_AFTER, QueryLoad, kernel_drops, wire_query
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, alive, wait_until
from tests.system.test_images_served import answered_from_images, counted

BESIDE = ["memmgr/0", "authworker/0", "stats/0"]  # while they are gone everything is answered from images
VICTIMS = ["auth/0", "auth/1", "auth/spare", "msgq/0", "cfgmgr/0", "cmdctl/0", "sockcreator/0", *BESIDE]
NAME = "www.example.org"


def replaced(suite: Suite, member: str, old: int) -> bool:
    """Whether another process has the place and is ready."""
    row = suite.control("component", "list", check=False) or []
    for line in row:
        if f"{line['component']}/{line['instance']}" == member:
            return line["pid"] not in (None, 0, old) and line["state"] == "running"
    return False


def harm(suite: Suite, member: str, signal_number: signal.Signals, record_property) -> None:
    if member in BESIDE:
        wait_until(lambda: answered_from_images(suite, NAME), DEADLINE, "images are in use")
    left, requests = (counted(suite, name) for name in ("left", "request.udp"))
    pid = suite.pid(member)
    drops = kernel_drops(suite.port)
    watch = Stopwatch(suite.processes)
    load = QueryLoad(suite.port, wire_query(NAME), rate=200)
    load.start()
    wait_until(lambda: load.account.answered[1] > 50, what="the load runs")
    began = time.monotonic()
    os.kill(pid, signal_number)
    wait_until(lambda: not alive(pid), DEADLINE, f"{member} is gone")
    wait_until(lambda: replaced(suite, member, pid), DEADLINE, f"{member} is back")
    took = time.monotonic() - began
    account = load.finish()
    report = f"{signal_number.name} {member}: {account}; back in {took:.2f} s"
    report += f"; kernel drops {kernel_drops(suite.port) - drops}"
    record_property("figure", report)
    assert account.wrong == []
    assert account.unanswered == 0, report
    if member in BESIDE:
        asked = requests + account.asked
        wait_until(lambda: counted(suite, "request.udp") >= asked, DEADLINE, "all queries are counted")
        assert counted(suite, "left") == left, report
    if watch.longest() > RETRY_AFTER / 2:  # clients asked again because other work had the processors
        return
    assert account.late == 0, report
    if not member.startswith("auth/"):
        assert account.lost_first_tries == 0, report


@pytest.mark.parametrize("member", VICTIMS)
def test_killed(running, member, record_property):
    harm(running, member, signal.SIGKILL, record_property)


@pytest.mark.parametrize("member", VICTIMS)
def test_stopped(running, member, record_property):
    harm(running, member, signal.SIGSTOP, record_property)


def test_bob_killed_leaves_no_child_and_the_next_start_works(running):
    children = running.descendants()
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not any(alive(pid) for pid in children), DEADLINE, "every child is gone")
    running.start()
    assert running.serves("example.org", 1, timeout=QUERY_TIMEOUT)


def test_zone_data_and_configuration_survive_everything_at_once(running):
    running.control("config", "set", "auth.identity", "kept")
    running.control("config", "commit", "-m", "before the fault")
    for pid in running.descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: running.serves("example.org", 1), DEADLINE, "the zone is served again")
    wait_until(running.ready, DEADLINE, "the door answers again")
    assert running.control("config", "get", "auth.identity") == "kept"
