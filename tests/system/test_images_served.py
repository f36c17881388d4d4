"""Zones are answered from the images of memmgr in the real suite, and what changes is seen."""

from __future__ import annotations

import functools
import os
import signal

import pytest

from tests.kit.suite import Suite, wait_until
from tests.system.test_memmgr import zone

pytestmark = pytest.mark.system

DEADLINE = 30.0  # s; ten times what is expected and more
ASKED = 5


def counted(suite: Suite, name: str) -> int:
    """A counter of all instances; it is told with each heart-beat."""
    return int(suite.control("call", "stats", "show", "component=auth")["modules"]["auth"]["counters"][name])


def answered_from_images(suite: Suite) -> bool:
    """Whether none of a few queries was left to the plain implementation."""
    left, requests = counted(suite, "left"), counted(suite, "request.udp")
    for _ in range(ASKED):
        suite.query("www.example.", "A")
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
