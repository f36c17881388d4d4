"""Very many small zones in an SQLite database, or in a directory of zone files: from the start to answers and images,
memory, the same once more with images in place, and one zone changed among them: many_zones [ZONES] [--files] (100 000;
a million takes six minutes and 1 GB of memory).

In a database one zone is loaded as people load it, the others are copies of its rows under other names.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.memory import rollup
from bench.served import Suite, as_people_start_it, images_ready
from tests.kit.suite import wait_until
from tests.kit.zones import copy_zone, small_zone

ZONES = 100_000
DEADLINE = 1800.0  # s until all zones have images
OLD = 1_000_000_000  # POSIX seconds: files that nobody is writing to
PROBES = 300
ADDRESS = "192.0.2.80"


def origin(number: int) -> str:
    """The name of a zone."""
    return f"z{number:07}.test"


def write_files(directory: Path, zones: int) -> None:
    """Put so many zones into a directory."""
    directory.mkdir(parents=True)
    for number in range(zones):
        file = directory / f"{origin(number)}.zone"
        file.write_text(small_zone(origin(number)))
        os.utime(file, (OLD, OLD))


def change(suite: Suite, number: int, files: Path | None) -> None:
    """Change a zone as people do it."""
    text = small_zone(origin(number), 2, "new A 192.0.2.9")
    if files is None:
        suite.loadzone(origin(number), text)
    else:
        (files / f"{origin(number)}.zone").write_text(text)
        suite.bobctl("zone", "reload")


def fill(suite: Suite, zones: int) -> None:
    """Put so many zones into the database of the suite."""
    done = suite.loadzone(origin(0), small_zone(origin(0)))
    if done.returncode:
        raise SystemExit(done.stderr)
    copy_zone(suite.state / "zones.sqlite", map(origin, range(1, zones)))


def answered(suite: Suite, number: int) -> bool:
    """Whether a zone is answered right."""
    found = suite.answers(f"www.{origin(number)}.", "A") and suite.query(f"www.{origin(number)}.", "A").answer
    return bool(found) and found[0].to_text().endswith(ADDRESS)


def start(suite: Suite, zones: int, what: str) -> None:
    """Start the suite; print how long it takes until zones are answered, and until all have images."""
    began = time.perf_counter()
    suite.start(wait=False)
    wait_until(lambda: answered(suite, random.randrange(zones)), DEADLINE, "a zone is answered")
    first = time.perf_counter() - began
    wait_until(lambda: images_ready(suite, zones=zones), DEADLINE, "all zones have images")
    print(f"{what}: first answer after {first:.1f} s, images of all zones after {time.perf_counter() - began:.1f} s")
    tell_memory(suite)


def tell_memory(suite: Suite) -> None:
    """Print what each process takes."""
    assert suite.process is not None
    pids = dict.fromkeys(suite.descendants(), "zygote") | {suite.process.pid: "bob"}
    pids |= {one["pid"]: name for name, one in suite.components().items()}
    memory = {name: rollup(pid)["Pss"] / 1024 for pid, name in pids.items()}
    print(f"memory (PSS) {sum(memory.values()):.0f} MiB: " + ", ".join(f"{n} {m:.0f}" for n, m in memory.items()))


def main() -> None:
    """Print the figures."""
    as_people_start_it()
    arguments = [argument for argument in sys.argv[1:] if argument != "--files"]
    zones = int(arguments[0]) if arguments else ZONES
    with TemporaryDirectory() as directory:
        files = Path(directory) / "zones" if "--files" in sys.argv else None
        if files is not None:
            write_files(files, zones)
        measure(zones, files)


def measure(zones: int, files: Path | None) -> None:
    """Start twice, and look."""
    config = None if files is None else f"data_sources: {{files: {{type: master-files, directory: {files}}}}}\n"
    with Suite(config=config) as suite:
        if files is None:
            fill(suite, zones)
        start(suite, zones, f"{zones} zones")
        suite.stop()
        start(suite, zones, "again, with images in place")
        wrong = sum(not answered(suite, random.randrange(zones)) for _ in range(PROBES))
        images = list((suite.state / "images").iterdir())
        octets = sum(image.stat().st_size for image in images)
        print(f"{PROBES} zones asked, {wrong} wrong; {len(images)} files of {octets / 1024 / 1024:.0f} MiB")
        changed = origin(zones // 2)
        change(suite, zones // 2, files)
        began = time.perf_counter()
        wait_until(lambda: suite.query(f"new.{changed}.", "A").answer, DEADLINE, "the change is served")
        print(f"one zone changed: served {(time.perf_counter() - began) * 1000:.0f} ms after the command ended")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
