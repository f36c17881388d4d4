"""What a flood of names costs that are in none of our zones: processor time an answer, refused from images and, with a
configured data source that does not exist, from the data sources as every such name once was (docs/adr/0031).

names_of_no_zone [SECONDS]: of each flood, 8 by default.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it
from tests.kit import dnspacket as packet
from tests.kit.suite import wait_until
from tests.kit.zones import small_zone

SECONDS = 8.0
SOCKETS = 8
BURST = 32  # queries before replies are read
NAMES = 20_000
SEED = 1
LARGEST = 1500  # octets of a reply
SOURCES = "data_sources:\n  main: {type: database, url: 'sqlite:///{state_dir}/zones.sqlite'}\n"
ABSENT = "  absent: {type: database, url: 'sqlite:////nonexistent/zones.sqlite'}\n"
CONFIG = "components: {auth: {instances: 1}}\n" + SOURCES
PROCESSES = ("auth/0", "authworker/0")
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print a line for each way."""
    as_people_start_it()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    for way, config in (("images", CONFIG), ("data sources", CONFIG + ABSENT), ("images", CONFIG)):
        with Suite(config=config) as suite:
            suite.loadzone("example.org", small_zone())
            suite.start()
            is_known = way == "images"
            wait_until(lambda suite=suite, is_known=is_known: known(suite) is is_known, what="it is as it will be")
            print(f"{way}: {flood(suite, seconds)}", flush=True)


def known(suite: Suite) -> bool:
    """Whether names of no zone are refused from images."""
    images = suite.control("status")["images"]
    return images["state"] == "ready" and not images["doubt"]


def flood(suite: Suite, seconds: float) -> str:
    """Send as much as goes, and say what came of it."""
    source = random.Random(SEED)
    queries = [
        packet.query(f"x{source.randrange(10**9)}.elsewhere{source.randrange(10**6)}.test.", additional=[packet.opt()])
        for _ in range(NAMES)
    ]
    pids = [suite.pid(name) for name in PROCESSES]
    answered, spent, sent = refused(suite), sum(map(processor, pids)), 0
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(SOCKETS)]
        for client in clients:
            client.connect(("127.0.0.1", suite.port))
            client.setblocking(False)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            client = clients[sent // BURST % SOCKETS]
            with suppress(BlockingIOError):
                for _ in range(BURST):
                    client.send(queries[sent % NAMES])
                    sent += 1
            with suppress(BlockingIOError):
                while client.recv(LARGEST):
                    pass
    answered, spent = refused(suite) - answered, sum(map(processor, pids)) - spent
    return f"{sent} sent, {answered} refused, {answered / seconds:.0f}/s, {1e6 * spent / max(1, answered):.2f} us each"


def refused(suite: Suite) -> int:
    """Replies so far."""
    told = suite.control("call", "stats", "show", "component=auth")
    return int(told["modules"]["auth"]["counters"]["rcode.refused"])


def processor(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
