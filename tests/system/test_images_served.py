"""Zones are answered from the images of memmgr in the real suite, and what changes is seen."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import threading
from pathlib import Path

import dns.exception
import pytest

from tests.kit.suite import DEADLINE, Suite, wait_until
from tests.system.test_memmgr import zone

pytestmark = pytest.mark.system

ASKED = 5


def counted(suite: Suite, name: str) -> int:
    """A counter of all instances; it is told with each heart-beat."""
    return int(suite.control("call", "stats", "show", "component=auth")["modules"]["auth"]["counters"][name])


def answered_from_images(suite: Suite, name: str = "www.example.") -> bool:
    """Whether none of a few queries was left to the plain implementation."""
    left, requests = counted(suite, "left"), counted(suite, "request.udp")
    for _ in range(ASKED):
        suite.query(name, "A")
    wait_until(lambda: counted(suite, "request.udp") >= requests + ASKED, DEADLINE, "the queries are counted")
    return counted(suite, "left") == left


def has_address(suite: Suite, address: str) -> bool:
    """Whether that is answered now."""
    return bool(suite.query("www.example.", "A").answer[0][0].address == address)


@pytest.fixture(scope="module")
def suite():
    with Suite() as suite:
        suite.start()
        suite.loadzone("example.", zone(1, "192.0.2.80"))
        yield suite


def test_a_zone_is_answered_from_its_image(suite):
    wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
    assert suite.query("www.example.", "A").answer[0][0].address == "192.0.2.80"


def opened(pid: int) -> set[str]:
    """The names of the files that a process has open or mapped."""
    found = {line.split(maxsplit=5)[5] for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "/" in line}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(link.readlink()))
    return {file.rpartition("/")[2] for file in found}


def test_who_answers_has_images_mapped_and_no_database_open(suite):
    wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
    suite.query("www.example.", "RRSIG")  # left to the worker, whose matter databases are
    names = {name: row["pid"] for name, row in suite.components().items()}
    for member, pid in names.items():
        if member.startswith("auth/"):
            files = opened(pid)
            assert [file for file in files if ".sqlite" in file] == [], member
            assert [file for file in files if file.endswith(".image")] != [], member
    assert "zones.sqlite" in opened(names["authworker/0"])


def test_what_changes_is_seen_while_images_are_in_use(suite):
    wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
    for serial in (2, 3):
        suite.loadzone("example.", zone(serial, f"192.0.2.{serial}"))
        wait_until(functools.partial(has_address, suite, f"192.0.2.{serial}"), DEADLINE, "the new data is served")


def test_without_memmgr_and_with_it_again_answers_go_on(suite):
    pid = suite.pid("memmgr/0")
    os.kill(pid, signal.SIGKILL)
    assert suite.query("www.example.", "A").answer
    wait_until(lambda: suite.pid("memmgr/0") not in (0, pid), DEADLINE, "memmgr is restarted")
    wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")


def test_who_an_acl_admits_is_answered_from_images_and_others_are_refused(suite):
    for rules, rcode in (
        ('[{"action": "REJECT"}]', 5),
        ('[{"action": "ACCEPT", "from": "127.0.0.1"}, {"action": "REJECT"}]', 0),
    ):
        suite.control("config", "set", "zones.example.query_acl", rules)
        suite.control("config", "commit", "-m", "who may ask")
        assert suite.query("www.example.", "A").rcode() == rcode
    wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
    suite.control("config", "rollback", "1")
    assert suite.query("www.example.", "A").rcode() == 0


def test_commits_that_say_who_may_ask_leave_no_query_to_the_worker(suite):
    """What the loops go by was made anew behind each commit: all zones were the worker's meanwhile."""
    wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
    stop = threading.Event()
    answers: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            with contextlib.suppress(dns.exception.Timeout):  # of a busy machine
                answers.append(suite.query("www.example.", "A").rcode())

    def are_there(count: int) -> bool:
        return len(answers) >= count

    left = counted(suite, "left")
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in range(4):
            rules = json.dumps([{"action": "ACCEPT", "from": ["127.0.0.1", f"192.0.2.{number}"]}])
            suite.control("config", "set", "zones.example.query_acl", rules)
            suite.control("config", "commit", "-m", "who may ask")
            wait_until(functools.partial(are_there, len(answers) + ASKED), DEADLINE, "queries are answered")
    finally:
        stop.set()
        asking.join()
    wait_until(lambda: counted(suite, "request.udp") >= len(answers), DEADLINE, "the queries are counted")
    assert counted(suite, "left") == left
    assert set(answers) == {0}
