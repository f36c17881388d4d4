"""Names of no zone are refused from images, and never those of a zone that somebody was told is served."""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial

import dns.rcode
import pytest

import datasrc
from tests.datasrc.zonemaking import load
from tests.kit.suite import DEADLINE, Suite, wait_until
from tests.system.test_images_served import counted
from tests.system.test_memmgr import zone

pytestmark = pytest.mark.system

ASKED = 10
ADDED = 8  # zones, one after the other


def refused_from_images(suite: Suite) -> bool:
    """Whether names of no zone are refused, and none of these queries was left to the plain implementation."""
    left, refused = counted(suite, "left"), counted(suite, "rcode.refused")
    for number in range(ASKED):
        reply = suite.query(f"x{number}.elsewhere.test.", "A", tcp=number % 2 == 0)
        assert reply.rcode() == dns.rcode.REFUSED
    wait_until(lambda: counted(suite, "rcode.refused") >= refused + ASKED, DEADLINE, "the queries are counted")
    return counted(suite, "left") == left


@pytest.fixture(scope="module")
def suite():
    with Suite() as suite:
        suite.start()
        suite.loadzone("example.", zone(1, "192.0.2.80"))
        yield suite


def test_names_of_no_zone_are_refused_from_images(suite):
    wait_until(lambda: refused_from_images(suite), DEADLINE, "images are in use, and vouched for")
    assert suite.control("status")["images"]["doubt"] == ""


def test_a_zone_that_is_said_to_be_served_is_served_by_everybody(suite):
    wait_until(lambda: refused_from_images(suite), DEADLINE, "images are in use, and vouched for")
    for number in range(ADDED):
        load = partial(suite.loadzone, f"zone{number}.test.", zone(1, "192.0.2.1"))
        wait_until(lambda: "served by" in load().stderr, DEADLINE, "it is said")  # noqa: B023 - it looks for 3 s
        for index in range(ASKED):  # each from a socket of its own, so that all instances are asked
            reply = suite.query(f"www.zone{number}.test.", "A", tcp=index % 2 == 0)
            assert reply.rcode() == dns.rcode.NOERROR, f"zone {number}, query {index}"


def test_a_zone_that_is_said_to_be_served_is_not_refused_while_memmgr_hangs():
    """Nor is it afterwards, by this memmgr or the one that bob puts in its place."""
    with Suite(config="components: {auth: {instances: 1}, memmgr: {hang_timeout: 120s}}\n") as suite:
        suite.start()
        suite.loadzone("example.", zone(1, "192.0.2.80"))
        wait_until(lambda: refused_from_images(suite), DEADLINE, "images are in use, and vouched for")
        pid = suite.pid("memmgr/0")
        os.kill(pid, signal.SIGSTOP)
        try:
            with contextlib.closing(datasrc.open(f"sqlite:///{suite.state}/zones.sqlite")) as source:
                load(source, zone(1, "192.0.2.1").removeprefix("$TTL 300\n"), "late.test.")
            served = suite.control("call", "auth", "zone_status", 'origins=["late.test"]')
            assert served["zones"][0]["state"] == "ready"
            for index in range(ASKED):
                assert suite.query("www.late.test.", "A", tcp=index % 2 == 0).rcode() == dns.rcode.NOERROR
            assert suite.pid("memmgr/0") == pid
        finally:
            os.kill(pid, signal.SIGCONT)

        def is_vouched_for() -> bool:
            assert suite.query("www.late.test.", "A").rcode() == dns.rcode.NOERROR
            return refused_from_images(suite)

        wait_until(is_vouched_for, DEADLINE, "memmgr knows it")
