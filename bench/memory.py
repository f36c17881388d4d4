"""Memory of the idle suite with two auth instances, by process: memory [SECONDS [KIND ZONES]].

PSS (proportional set size, proc(5) smaps_rollup): a page that several processes share counts with each for its part, so
that the sum is what the suite takes. Read SECONDS after it is up, with REST and metrics on and one small zone.

KIND is what there is beside it: `files`, so many small zone files; `odd`, the same, one of which has a capital letter
in its name; `listed`, so many zones that the configuration lists and no data source has. Then the list of zones was
asked for once, and a query for a zone that has no image; without it nobody asks for anything.
"""

from __future__ import annotations

import compileall
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it, images_ready
from daemonkit.process import PACKAGES, installation_root
from tests.kit import suite as kit
from tests.kit.zones import small_zone

SECONDS = 5.0
GOAL = 200_000_000 / 1024  # KiB, of 200 MB
PATIENCE = 600.0  # s for all images
FIELDS = ("Pss", "Pss_Anon", "Pss_File", "Rss")


def rollup(pid: int) -> dict[str, int]:
    """KiB by field."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    found = {name.rstrip(":"): int(value) for name, value, *_ in map(str.split, lines)}
    return {field: found[field] for field in FIELDS}


def threads(pid: int) -> int:
    """How many threads it has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def files(directory: Path, count: int, *, odd: bool) -> str:
    """So many zone files, and the configuration that has them served."""
    for number in range(count):
        name = f"z{number:06}.example"
        file = f"{'Z' if odd and number == 0 else 'z'}{name[1:]}.zone"
        (directory / file).write_text(small_zone(name))
    return f"  files: {{type: master-files, directory: {directory}}}\n"


def beside(kind: str, count: int, directory: Path) -> str:
    """What the configuration has beside the usual."""
    main = "data_sources:\n  main: {type: database, url: 'sqlite:///{state_dir}/zones.sqlite'}\n"
    if kind in ("files", "odd"):
        return main + files(directory, count, odd=kind == "odd")
    if kind == "listed":
        return f"zones: {json.dumps({f'z{number:06}.example': {} for number in range(count)})}\n"
    return ""


def use(suite: Suite, count: int) -> None:
    """Wait for images, and ask for what there is."""
    kit.wait_until(lambda: images_ready(suite), PATIENCE, "all zones have images")
    if count:  # without, the suite is idle
        suite.control("zone", "list", "--limit", "100")
        suite.query("www.none.test", "A")


def main() -> None:
    """Print a line a process and the sum."""
    as_people_start_it()
    for package in PACKAGES:  # the very first start of a checkout does that, and takes 1 MiB more in each process
        compileall.compile_dir(installation_root() / package, quiet=1)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    kind, count = (sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else ("", 0)
    with tempfile.TemporaryDirectory(prefix="memory-") as directory:
        measure(seconds, beside(kind, count, Path(directory)), count)


def measure(seconds: float, more: str, count: int) -> None:
    """Run the suite, with so much more in its configuration, and print."""
    config = f"components: {{auth: {{instances: 2}}}}\n{more}"
    with Suite(config=config) as suite:
        done = suite.loadzone("example.org", small_zone())
        if done.returncode:
            raise SystemExit(done.stderr)
        suite.start()
        kit.wait_until(
            lambda: all(one["state"] == "running" for one in suite.components().values()), 60, "all processes run"
        )
        use(suite, count)
        assert suite.process is not None
        time.sleep(seconds)  # what is done once, as building the image, has ended then
        names = dict.fromkeys(suite.descendants(), "zygote") | {suite.process.pid: "bob"}
        names |= {one["pid"]: name for name, one in suite.components().items()}
        measured = {name: (rollup(pid), threads(pid)) for pid, name in names.items()}
    print(f"{'':20} {'PSS':>8} {'private':>8} {'files':>8} {'RSS':>8}  MiB      threads")
    for name, (told, count) in measured.items():
        print(f"{name:20} " + " ".join(f"{told[field] / 1024:8.1f}" for field in FIELDS) + f" {count:8}")
    total = sum(told["Pss"] for told, _ in measured.values())
    verdict = "reached" if total < GOAL else "missed"
    print(f"{'in all':20} {total / 1024:8.1f}  MiB, goal under {GOAL / 1024:.0f} MiB {verdict}")


if __name__ == "__main__":
    main()
