"""How long a change takes into the images: one RRset of a big zone, one more small zone, a restart of memmgr.

python bench/images.py [RECORDS]     # in one process, without the suite around it; a million by default
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.texts import zone_text
from bench.timing import timed
from tests.datasrc.zonemaking import TESTER, name, rrset
from tests.memmgr.house import House, soa

RECORDS = 1_000_000
CHANGES = 200
ZONES = 50
ORIGIN = "example."


def change(house: House, number: int) -> float:
    """Seconds from the commit to the answer."""
    owner = f"h{number}"
    with house.source.updater(name(ORIGIN, "."), create=False) as updater:
        updater.add(rrset(f"@ SOA ns hostmaster {number + 2} 3600 900 604800 300", ORIGIN))
        updater.delete(name(owner, ORIGIN), 1)
        updater.add(rrset(f"{owner} A 192.0.2.{number % 256}", ORIGIN))
        updater.commit(TESTER)
    assert house.keeper is not None
    taken = timed(house.keeper.follow)
    reply = house.ask(f"{owner}.{ORIGIN}")
    assert reply is not None
    assert reply.answer[0][0].address == f"192.0.2.{number % 256}"
    return taken


def add(house: House, number: int) -> float:
    house.load(soa(1, "www A 192.0.2.7"), f"new{number}.")
    assert house.keeper is not None
    return timed(house.keeper.follow)


def told(what: str, times: list[float]) -> None:
    milliseconds = sorted(1000 * one for one in times)
    worst = milliseconds[int(0.99 * len(milliseconds))]
    print(f"{what}: median {statistics.median(milliseconds):.2f} ms, p99 {worst:.2f} ms")


def main(records: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bob-images-") as place:
        directory = Path(place)
        (directory / "zone").write_text(zone_text(records))
        url = f"sqlite:///{directory}/zones.sqlite"
        command = [sys.executable, "-m", "loadzone", "--database", url, ORIGIN, str(directory / "zone")]
        print(f"loadzone: {timed(lambda: subprocess.run(command, check=True, capture_output=True)):.2f} s")
        house = House(directory)
        print(f"first image: {timed(house.start):.2f} s")
        house.look()
        assert house.keeper is not None
        slot = next(slot for slot in house.keeper.store.manifest.slots if slot.records)
        print(f"octets a record: {slot.octets / slot.records:.1f}")
        told("one RRset changed, commit to answered", [change(house, number) for number in range(CHANGES)])
        told("one zone more, commit to answered", [add(house, number) for number in range(ZONES)])
        house.stop()
        print(f"memmgr started again: {timed(house.start):.2f} s, {len(house.built)} images built")
        house.stop()
        house.source.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS)
