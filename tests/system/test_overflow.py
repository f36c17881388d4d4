"""What does not fit into the sockets of auth is lost, and told: the kernel's count, as that of the instance."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemonkit.counter_page import read_pages
from tests.kit.load import wire_query
from tests.kit.suite import Suite, wait_until
from tests.kit.zones import small_zone

DEADLINE = 60.0  # seconds; ten times what is expected
# Nobody may be taken for hanging while the test has all stopped.
CONFIG = "components: {auth: {instances: 2, hang_timeout: 10m}}\n"
ROOM = 1000  # datagrams that a loopback device has in hand at most: net.core.netdev_max_backlog
MEMBERS = ("auth/0", "auth/1", "auth/spare")


@pytest.fixture
def running() -> Iterator[Suite]:
    """A running suite with a zone."""
    with Suite(config=CONFIG) as made:
        done = made.loadzone("example.org", small_zone())
        assert done.returncode == 0, done.stderr
        made.start()
        wait_until(lambda: all(made.components()[name]["state"] == "running" for name in MEMBERS), DEADLINE)
        yield made


def counted(suite: Suite, name: str) -> int:
    """The sum over all pages of auth."""
    pages, problems = read_pages(suite.run / "counters")
    assert problems == {}
    return sum(image.values[name] for (component, _), image in pages.items() if component == "auth")


def dropped_by_kernel(port: int) -> int:
    """At all UDP sockets of the port, as the kernel shows it to everybody: the last column of its tables."""
    total = 0
    for table in ("udp", "udp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port:
                total += int(fields[-1])
    return total


def lost_on_the_way() -> int:
    """Packets of this machine that did not even come to a socket, because a processor was busy."""
    return sum(int(line.split()[1], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines())


def overflow(suite: Suite) -> tuple[int, int]:
    """Send to stopped processes until the kernel drops; how many were sent, and how many did not come to a socket."""
    sent, before, lost = 0, dropped_by_kernel(suite.port), lost_on_the_way()
    query = wire_query("www.example.org")
    while dropped_by_kernel(suite.port) < before + ROOM:
        assert sent < 1_000_000, "the sockets take what one sends"
        # Several ports, since the kernel chooses a socket by that.
        for _ in range(4):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _ in range(250):
                    sent += sender.sendto(query, ("127.0.0.1", suite.port)) > 0
    return sent, lost_on_the_way() - lost


def test_what_did_not_fit_is_counted_once_and_goes_on_with_the_next_process(running):
    processes = [running.pid(member) for member in MEMBERS]
    received, told = counted(running, "request.udp"), counted(running, "udp.kernel_drops")
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        sent, astray = overflow(running)
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)

    lost = dropped_by_kernel(running.port)
    assert told == 0 < lost
    wait_until(lambda: counted(running, "udp.kernel_drops") == lost, DEADLINE, f"{lost} are told")
    goal = received + sent - lost
    wait_until(lambda: counted(running, "request.udp") >= goal - astray, DEADLINE, "what did fit is answered")
    assert counted(running, "request.udp") <= goal, "each is received or lost"
    shown = running.control("call", "stats", "show", "component=auth")["modules"]["auth"]["counters"]
    assert shown["udp.kernel_drops"] == lost

    # Nobody reads while it is dropped, and who counted until then is killed before it sees that.
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    overflow(running)
    os.kill(processes[0], signal.SIGKILL)
    os.kill(processes[1], signal.SIGKILL)
    os.kill(processes[2], signal.SIGCONT)  # the spare, which is to take a place
    wait_until(lambda: running.answers("example.org"), DEADLINE, "queries are answered")
    lost = dropped_by_kernel(running.port)
    wait_until(lambda: counted(running, "udp.kernel_drops") == lost, DEADLINE, f"{lost} are told")
