"""The simulated Internet served by this suite itself: a `bob run` tree for each operator, on port 53 of a namespace.

`python -m tests.kit.internet_suites` runs in a network namespace of its own (unshare -n). Name servers that have the
same zones are one operator: the zones are loaded by `loadzone` into a state directory, and a process tree serves them
at all addresses of the operator. Hosts that misbehave are scripted, as in internet_sockets. Every domain of the world
is then tested by `bobctl health run` and, where it is installed, by zonemaster-cli.

Prints a JSON object: {"ours": domain -> {"exit": status, "entries": [...]}, "theirs": domain -> [[module, tag], ...]}.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import dns.zone

from tests.health.world import COMPARED, DOMAINS, OPTIONS, TESTS, build
from tests.kit import internet_zonemaster
from tests.kit.internet import Internet
from tests.kit.internet_sockets import served
from tests.kit.suite import PROBE_TIMEOUT, PYTHON, START_DEADLINE, Suite, wait_until

PORT = 53
AT_ONCE = 2
SECONDS = 120
ENDS = (0, 10, 11, 12)  # exit codes of a test that was run
WHOLE_SECONDS = 400  # ten times what it takes
CONFIG = """
components: {auth: {instances: 1}}
"""


class Operator(Suite):
    """A suite at addresses of its own."""

    def __init__(self, addresses: list[str]) -> None:
        listen = [word for address in addresses for word in ("--listen", f"{address}@{PORT}")]
        super().__init__(config=CONFIG, arguments=[*listen, "--rest", "off", "--metrics", "off"], listen=False)
        self.addresses = addresses
        self.port = PORT

    def load(self, zones: Iterable[dns.zone.Zone]) -> None:
        """Load zones: the root by its name, all others as files of one directory."""
        with tempfile.TemporaryDirectory() as folder:
            for zone in zones:
                assert zone.origin is not None
                text = zone.to_text(relativize=False)
                if zone.origin == dns.name.root:
                    self._succeeded(self.loadzone(".", text))
                else:
                    (Path(folder) / f"{zone.origin.to_text(omit_final_dot=True)}.zone").write_text(text)
            if any(Path(folder).iterdir()):
                self._succeeded(self.program("loadzone", "--state-dir", str(self.state), "--all", folder))

    def _succeeded(self, done: subprocess.CompletedProcess[str]) -> None:
        assert done.returncode == 0, done.stderr

    def answers(self, name: str = ".", rdtype: str = "SOA", *, timeout: float = PROBE_TIMEOUT) -> bool:
        """Whether every address answers."""
        for address in self.addresses:
            try:
                self.query(name, rdtype, address=address, timeout=timeout)
            except (dns.exception.Timeout, OSError):
                return False
        return True


def operators(internet: Internet) -> dict[tuple[int, ...], list[str]]:
    """The addresses of the hosts that behave well, by the zones they have."""
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for address, host in sorted(internet.hosts.items()):
        if not host.behaviours and not host.delay:
            groups[tuple(sorted(id(zone) for zone in host.zones.values()))].append(address)
    return groups


@contextlib.contextmanager
def running(internet: Internet) -> Iterator[list[str]]:
    """All operators with their trees running; gives the addresses that are left for scripted servers."""
    groups = operators(internet)
    with contextlib.ExitStack() as stack:
        suites: list[Operator] = []
        for addresses in groups.values():
            suite = stack.enter_context(Operator(addresses))
            suite.load(internet.hosts[addresses[0]].zones.values())
            suite.start(wait=False)
            suites.append(suite)
        for suite in suites:
            wait_until(suite.ready, START_DEADLINE, f"the operator of {suite.addresses} answers")
        ours = {address for addresses in groups.values() for address in addresses}
        yield [address for address in internet.hosts if address not in ours]


async def health_run(domain: str, hints: str) -> dict[str, Any]:
    """What `bobctl --json health run` gives, and its exit status."""
    words = [*PYTHON, "bobctl", "--json", "health", "run", "--hints", hints, "--level", "DEBUG"]
    words += [*OPTIONS.get(domain, ()), domain]
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    # On a busy machine asyncio's debug mode says on stderr what took long: that is no fault.
    assert process.returncode in ENDS, errors.decode()
    return {"exit": process.returncode, "entries": [json.loads(line) for line in output.splitlines()]}


async def tested(internet: Internet, scripted: list[str]) -> dict[str, Any]:
    """What both programs find out about all domains."""
    limit = asyncio.Semaphore(AT_ONCE)
    with tempfile.NamedTemporaryFile("w", suffix=".hints") as hints:
        hints.write(internet_zonemaster.hints(internet))
        hints.flush()

        async def ours(domain: str) -> dict[str, Any]:
            async with limit:
                return await health_run(domain, hints.name)

        async def theirs(domain: str) -> list[tuple[str, str]]:
            async with limit:
                return await internet_zonemaster.said(domain, list(TESTS), hints.name)

        async with served(internet, PORT, scripted):
            found: dict[str, Any] = {"theirs": {}}
            found["ours"] = dict(zip(DOMAINS, await asyncio.gather(*map(ours, DOMAINS)), strict=True))
            if shutil.which("zonemaster-cli"):
                said = await asyncio.gather(*map(theirs, COMPARED))
                found["theirs"] = dict(zip(COMPARED, said, strict=True))
            return found


@functools.cache
def results() -> dict[str, Any]:
    """What it prints; run once, however many tests look at it. Needs what `internet_zonemaster.namespace` says."""
    command = [*internet_zonemaster.namespace(), sys.executable, "-m", "tests.kit.internet_suites"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=2 * WHOLE_SECONDS)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _too_long(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"not done within {WHOLE_SECONDS} s")


def main() -> None:
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(WHOLE_SECONDS)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    internet = build()
    internet_zonemaster.take(internet)
    with running(internet) as scripted:
        json.dump(asyncio.run(tested(internet, scripted)), sys.stdout)


if __name__ == "__main__":
    assert [name for _, name in socket.if_nameindex()] == ["lo"], "run this in a network namespace of its own"
    main()
