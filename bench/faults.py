"""What a fault costs: each process killed and each stopped under a steady load, and how long until it is back; how soon
the spare answers on the sockets of an auth that was killed.

faults [RATE]: questions a second (default 200), from clients that ask again once a second.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it
from tests.kit.load import QueryLoad, kernel_drops, wire_query
from tests.kit.suite import alive, wait_until
from tests.kit.zones import small_zone

VICTIMS = (
    "auth/0",
    "auth/1",
    "auth/spare",
    "msgq/0",
    "cfgmgr/0",
    "cmdctl/0",
    "sockcreator/0",
    "memmgr/0",
    "authworker/0",
    "stats/0",
)
GOALS = {signal.SIGKILL: 2.0, signal.SIGSTOP: 5.0}  # seconds until a process is back in the place
RATE = 200
DEADLINE = 20.0
TAKE_OVER = 0.02  # s from SIGKILL until the spare answers on the very sockets (docs/MAP.md)
TAKE_OVERS = 20


def back(suite: Suite, member: str, old: int) -> bool:
    """Whether another process runs in the place."""
    row = suite.components().get(member) if suite.control(check=False) else None
    return row is not None and row["pid"] not in (None, 0, old) and row["state"] == "running"


def left(suite: Suite) -> int:
    """Queries that were not answered from images, of all instances so far."""
    return int(suite.control("call", "stats", "show", "component=auth")["modules"]["auth"]["counters"]["left"])


def from_images(suite: Suite) -> bool:
    """Whether what is asked is answered from images."""
    before = left(suite)
    return bool(suite.query("www.example.org", "A").answer) and left(suite) == before


def harm(suite: Suite, member: str, how: signal.Signals, rate: int) -> str:
    """One line of the table."""
    wait_until(lambda: from_images(suite), DEADLINE, "images are in use")
    pid, to_worker = suite.pid(member), left(suite)
    drops = kernel_drops(suite.port)
    load = QueryLoad(suite.port, wire_query("www.example.org"), rate=rate)
    load.start()
    wait_until(lambda: load.account.answered[1] > rate / 4, what="the load runs")
    began = time.monotonic()
    os.kill(pid, how)
    wait_until(lambda: not alive(pid), DEADLINE, f"{member} is gone")
    wait_until(lambda: back(suite, member, pid), DEADLINE, f"{member} is back")
    took = time.monotonic() - began
    account = load.finish()
    to_worker = left(suite) - to_worker
    met = "met" if took < GOALS[how] and account.late == 0 else "MISSED"
    lost, dropped = account.lost_first_tries, kernel_drops(suite.port) - drops
    return (
        f"| {how.name} {member} | {account.asked} | {lost} | {account.late} | {account.slowest:.2f} s | {dropped} "
        f"| {to_worker} | {took:.2f} s | {met} |"
    )


def take_over(suite: Suite) -> float:
    """Seconds from SIGKILL to the only auth until its spare answered a query that came to the sockets of the dead."""
    wait_until(
        lambda: back(suite, "auth/spare", 0) and back(suite, "auth/0", 0), DEADLINE, "auth and the spare are there"
    )
    victim, spare = suite.pid("auth/0"), suite.pid("auth/spare")
    process = os.pidfd_open(victim)
    query = wire_query("www.example.org")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", suite.port))
        client.settimeout(DEADLINE)
        began = time.perf_counter()
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [])  # it is dead: what is sent now waits in its sockets
        client.send(query)  # once: with the sockets it would be lost
        client.recv(4096)
        took = time.perf_counter() - began
    os.close(process)
    wait_until(lambda: suite.components()["auth/0"]["pid"] == spare, DEADLINE, "the spare is in the place of the dead")
    return took


def take_overs() -> str:
    """How soon the spare answers, again and again."""
    with Suite(config=f"components: {{auth: {{instances: 1, give_up_after: {TAKE_OVERS + 1}}}}}\n") as suite:
        suite.loadzone("example.org", small_zone())
        suite.start()
        times = [take_over(suite) for _ in range(TAKE_OVERS)]
    figures = {"median": statistics.median(times), "worst": max(times)}
    told = ", ".join(
        f"{name} {figure * 1000:.1f} ms ({'reached' if figure <= TAKE_OVER else 'MISSED'})"
        for name, figure in figures.items()
    )
    return (
        f"auth killed {len(times)} times: the spare answers on its sockets after {told}, goal {TAKE_OVER * 1000:.0f} ms"
    )


def end_of_bob() -> str:
    """How long children outlive bob."""
    with Suite() as suite:
        suite.start()
        assert suite.process is not None
        children = suite.descendants()
        suite.process.kill()
        began = time.monotonic()
        wait_until(lambda: not any(alive(pid) for pid in children), DEADLINE, "every child is gone")
        return f"bob killed: no child left after {time.monotonic() - began:.2f} s (goal 1 s)"


def end_of_suite() -> str:
    """How long Ctrl-C takes."""
    with Suite() as suite:
        suite.start()
        began = time.monotonic()
        suite.stop()
        return f"Ctrl-C: everything stopped after {time.monotonic() - began:.2f} s (goal 2 s)"


def main() -> None:
    """Print the table."""
    as_people_start_it()
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else RATE
    missed = 0
    print(
        "| fault | asked | lost by the first try | unanswered after one retry | slowest | kernel drops "
        "| left to the worker | back | goal |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for how in GOALS:
        for member in VICTIMS:
            with Suite() as suite:
                suite.loadzone("example.org", small_zone())
                suite.start()
                wait_until(lambda: back(suite, "auth/spare", 0), what="the spare is warm")
                line = harm(suite, member, how, rate)
                missed += "MISSED" in line
                print(line, flush=True)
    takes = take_overs()
    missed += "MISSED" in takes
    print(takes, end_of_bob(), end_of_suite(), sep="\n")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
