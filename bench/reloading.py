"""A large zone file that changed, through the suite as it runs: from the reload command until all instances answer it.

python bench/reloading.py [RECORDS] [TIMES] [addresses|mixed]    # a million records; one RRset and the serial change

The goal is for a zone of addresses; a mixed one is what those have who host for others (bench/texts.py).
The new file is there when the clock starts. The command is what `bobctl zone reload` sends, over the control socket;
how long bobctl itself takes is what bench/client.py tells.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Instances, Suite, as_people_start_it, images_ready
from bench.texts import mixed_text, zone_text
from bench.updates import INSTANCES, ORIGIN, READY
from cmdctl.api import Client
from tests.kit import suite as kit

RECORDS = 1_000_000
TIMES = 10
GOAL = 0.44  # s, median: NSD 4.15
GIVE_UP = 60.0  # s for one reload
SETTLED = 1.5  # s, after which nothing of the last round is being done


def reload(client: Client, instances: Instances, file: Path, text: str, number: int) -> tuple[float, float]:
    """Seconds until all instances answered what is new, and until the command had its answer."""
    owner, address = f"h{number}", f"192.0.2.{number + 1}"
    before = f"\n{owner} A 10.0.0.{number}\n"
    assert before in text
    beside = file.with_name(".new")
    beside.write_text(text.replace(before, f"\n{owner} A {address}\n").replace(" 1 3600", f" {number + 2} 3600", 1))
    beside.replace(file)
    start = time.perf_counter()
    client.post("zones", ORIGIN, "reload")
    told = time.perf_counter() - start
    packed = socket.inet_aton(address)
    return instances.wait(f"{owner}.{ORIGIN}", lambda reply: packed in reply) - start, told


def main(records: int = RECORDS, times: int = TIMES, kind: str = "addresses") -> None:
    """Print what was measured beside its goal."""
    as_people_start_it()
    with Suite() as suite:
        directory = suite.directory / "files"
        directory.mkdir()
        suite.config.write_text(
            f"components: {{auth: {{instances: {INSTANCES}}}}}\n"
            f"data_sources: {{files: {{type: master-files, directory: {directory}}}}}\n"
        )
        text = {"addresses": zone_text, "mixed": mixed_text}[kind](records)
        file = directory / f"{ORIGIN}zone"
        file.write_text(text)
        suite.start()
        kit.wait_until(lambda: images_ready(suite), READY, "the images are ready")
        client, instances = Client(suite.run / "control.sock", timeout=GIVE_UP), Instances(suite.port)
        found = []
        for number in range(times):
            time.sleep(SETTLED)
            found.append(reload(client, instances, file, text, number))
        suite.stop()
    served, told = sorted(one for one, _ in found), sorted(one for _, one in found)
    middle = served[len(served) // 2]
    what = f"a file of {records} records ({kind}) reloaded"
    print(f"{what}, command to served by {INSTANCES} instances, {len(served)} times:")
    print(
        f"    median {middle:.2f} s (least {served[0]:.2f}, most {served[-1]:.2f}); "
        f"the command returned after {told[len(told) // 2]:.2f} s; "
        f"goal {GOAL:g} s: {'reached' if middle <= GOAL else 'MISSED'}"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
