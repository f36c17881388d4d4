"""A count survives the process that made it: none is lost, none is made twice. The loop answers, from images."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator

import pytest

from daemonkit.counter_page import page_path, read_pages
from tests.kit.load import QueryLoad, wire_query
from tests.kit.suite import DEADLINE, Suite, alive, wait_until
from tests.kit.zones import small_zone
from tests.system.test_nothing_is_lost import replaced


@pytest.fixture
def running() -> Iterator[Suite]:
    """A running suite that answers from images."""
    with Suite(config="components: {auth: {instances: 2}}\n") as made:
        done = made.loadzone("example.org", small_zone())
        assert done.returncode == 0, done.stderr
        made.start()
        wait_until(lambda: answers_from_images(made), DEADLINE, "images are in use")
        yield made


def counted(suite: Suite, name: str) -> int:
    """The sum over all pages of auth."""
    pages, problems = read_pages(suite.run / "counters")
    assert problems == {}
    return sum(image.values[name] for (component, _), image in pages.items() if component == "auth")


def answers_from_images(suite: Suite) -> bool:
    """Whether none of a few queries was left to the plain implementation."""
    left, answered = counted(suite, "left"), counted(suite, "responses")
    for _ in range(20):  # both instances get some
        suite.query("www.example.org", "A")
    return (counted(suite, "left"), counted(suite, "responses")) == (left, answered + 20)


def comes_to(suite: Suite, name: str, count: int) -> None:
    """Wait until that is counted, which may be a moment after the answer has left; more is too much."""
    found = wait_until(lambda: max(counted(suite, name) - count + 1, 0), what=f"{name} comes to {count}")
    assert found == 1, f"{name} is {found - 1} more than {count}"


def has_asked(load: QueryLoad, goal: int) -> bool:
    """Whether so many questions have been asked."""
    return load.account.asked >= goal


def kill(suite: Suite, member: str) -> None:
    pid = suite.pid(member)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid), DEADLINE, f"{member} is gone")
    wait_until(lambda: replaced(suite, member, pid), DEADLINE, f"{member} is back")


def test_killed_between_questions_every_count_is_exact(running):
    before = counted(running, "responses")  # readiness was asked for, too
    left = counted(running, "left")
    for round_number in range(1, 4):
        for number in range(20):
            running.query("www.example.org", "A", tcp=number % 2 == 0)
        comes_to(running, "responses", before + 20 * round_number)
        kill(running, f"auth/{round_number % 2}")
    assert counted(running, "left") < left + 30, "most of it was to be counted by the loop"


def test_killed_under_load_counts_lie_between_what_was_answered_and_what_was_asked(running):
    before = {name: counted(running, name) for name in ("responses", "request.udp", "rcode.noerror")}
    load = QueryLoad(running.port, wire_query("www.example.org"), rate=200)
    load.start()
    for member in ("auth/0", "auth/1", "auth/0"):
        goal = load.account.asked + 50
        wait_until(functools.partial(has_asked, load, goal), what="the load goes on")
        kill(running, member)
    account = load.finish()
    after = {name: counted(running, name) - count for name, count in before.items()}
    answered = sum(account.answered.values())
    # A retry is a question too; a batch that was in hand at a kill may have been counted and not answered.
    sent = sum(tries * count for tries, count in account.answered.items())
    assert account.unanswered == 0, account
    assert answered <= after["responses"] <= sent, (account, after)
    assert after["responses"] <= after["request.udp"] <= sent, (account, after)
    assert after["rcode.noerror"] == after["responses"], (account, after)


def in_zone(suite: Suite, zone: str) -> dict[str, int]:
    """What bobctl shows of a zone."""
    return dict(suite.control("stats", "zones", zone)["zones"][zone])


def test_a_zone_is_counted_where_that_is_wished_and_a_kill_loses_none_of_it(running):
    assert running.bobctl("stats", "zones", "example.org").returncode == 3
    running.control("config", "set", "zones.example.org.statistics", "true")
    running.control("config", "commit")
    wait_until(lambda: answers_from_images(running), DEADLINE, "images are in use with the new revision")
    before = in_zone(running, "example.org")
    asked = 0
    for round_number in range(1, 4):
        for number in range(20):
            running.query("www.example.org", "A", tcp=number % 2 == 0)
        running.query("none.example.org", "A")
        running.query("www.example.org", "RRSIG")  # the plain implementation's
        running.query("other.test", "A")
        asked += 22
        goal = before["responses"] + asked
        wait_until(lambda: in_zone(running, "example.org")["responses"] >= goal, what="the answers are counted")  # noqa: B023
        now = in_zone(running, "example.org")
        assert now["responses"] == goal
        assert now["rcode.nxdomain"] == before["rcode.nxdomain"] + round_number
        assert now["request.tcp"] == before["request.tcp"] + 10 * round_number
        kill(running, f"auth/{round_number % 2}")
    assert in_zone(running, "example.org") == now
    assert "QrySuccess" not in running.bobctl("stats", "zones").stdout
    assert "responses" in running.bobctl("stats", "zones").stdout


def test_a_damaged_page_is_set_aside_and_the_suite_goes_on(running):
    path = page_path(running.run / "counters", "auth", "1")
    content = path.read_bytes()
    spoilt = path.with_name("spoilt")  # the mapped file itself must not be cut
    spoilt.write_bytes(content[:-5])
    spoilt.replace(path)
    kill(running, "auth/1")
    assert path.with_name(path.name + ".damaged").read_bytes() == content[:-5]
    running.says("DAEMON_COUNTERS_SET_ASIDE")
    before = counted(running, "responses")
    running.query("www.example.org", "A")
    comes_to(running, "responses", before + 1)
