"""What Debian's zonemaster-cli says of a simulated Internet.

`python -m tests.kit.internet_zonemaster DOMAIN TEST,TEST SCENE...`, in a network namespace of its own (unshare -n):
every host gets its address there and answers on port 53. Prints a JSON object: scene -> [[module, tag], ...].
"""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
import subprocess
import sys
import tempfile

from tests.health.scenes import SCENES
from tests.health.signed_scenes import SIGNED_SCENES
from tests.kit.internet import Internet
from tests.kit.internet_sockets import served

PORT = 53
SECONDS = 120
SHOWN = {"INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"}


@functools.cache
def namespace() -> tuple[str, ...]:
    """The command that runs another one in a network namespace of its own; empty where that cannot be done here."""
    if not all(shutil.which(program) for program in ("unshare", "ip")):
        return ()
    command = ("unshare", "-n")
    done = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if done.returncode == 0 else ()


async def said_of(internet: Internet, domain: str, tests: list[str]) -> list[tuple[str, str]]:
    """What zonemaster-cli says of a domain of an Internet that is served by scripted servers."""
    with tempfile.NamedTemporaryFile("w", suffix=".hints") as file:
        file.write(hints(internet))
        file.flush()
        take(internet)
        async with served(internet, PORT):
            return await said(domain, tests, file.name)


async def said(domain: str, tests: list[str], hints_file: str) -> list[tuple[str, str]]:
    """The tags of level INFO and above, each with its module."""
    chosen = [argument for test in tests for argument in ("--test", test)]
    command = ["zonemaster-cli", "--hints", hints_file, "--level", "INFO", "--json", "--raw", *chosen, domain]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    document = json.loads(output)
    entries = document["results"] if isinstance(document, dict) else document
    return sorted({(entry["module"].upper(), entry["tag"]) for entry in entries if entry["level"] in SHOWN})


def hints(internet: Internet) -> str:
    """The root servers, as in named.root."""
    lines = []
    for name, addresses in internet.root_servers.items():
        lines.append(f". 3600000 NS {name}")
        lines += [f"{name} 3600000 {'AAAA' if ':' in address else 'A'} {address}" for address in addresses]
    return "\n".join(lines) + "\n"


def take(internet: Internet) -> None:
    """Give this machine the addresses of all hosts."""
    for address in internet.hosts:
        six = ":" in address
        command = ["ip", "addr", "replace", f"{address}/{128 if six else 32}", "dev", "lo", *(["nodad"] if six else [])]
        subprocess.run(command, check=True)


def _main(domain: str, tests: str, *scenes: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # A loop for each: when it ends, its sockets are closed and the next may have their addresses.
    known = {**SCENES, **SIGNED_SCENES}
    found = {scene: asyncio.run(said_of(known[scene](), domain, tests.split(","))) for scene in scenes}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])
