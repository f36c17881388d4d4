"""What ACLs and counters of zones cost a zone that has none: instructions an answer of the compiled loop over UDP.

unused [ANSWERS]: of each kind, 4 000 by default. Instructions are counted by valgrind (callgrind), in the turns of the
loop and whatever they call: the same on each run, whatever else the machine does. System calls count as one.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dns.name

from auth.acl import compile_acl
from auth.counted import COUNTED, OF_ZONES, PARTS
from auth.listed import list_zones
from auth.loop import Loop
from auth.raw import Hatch
from auth.settings import Settings
from auth.zones import ZonePolicy, ZoneRows, ZoneTable
from daemonkit.zone_page import ZonePage
from datasrc.keys import name_key, wire_of
from tests.auth.sockets import bound
from tests.auth.world import load
from tests.image.mapping import SEED, Both
from tests.kit import dnspacket as packet

ANSWERS = 4000
BURST = 32  # queries before replies are read
PATIENCE = 10.0  # seconds for a reply that was sent
ASKED, OTHER = "example.", "other.test."
ZONE = "@ NS ns\nns A 192.0.2.1\n" + "".join(f"h{number} A 192.0.2.{number}\n" for number in range(200))
ACL = [{"action": "REJECT", "from": ["192.0.2.0/24"]}, {"action": "ACCEPT", "from": ["127.0.0.0/8"]}]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is configured."""

    text: str
    zone: str = OTHER  # that has it
    acl: bool = False
    counted: bool = False


KINDS = {
    "plain": Kind("no zone has an ACL or counters"),
    "acl": Kind("another zone has an ACL", acl=True),
    "counters": Kind("another zone has counters", counted=True),
    "both": Kind("another zone has both", acl=True, counted=True),
    "own": Kind("the zone that is asked has both", ASKED, acl=True, counted=True),
}
QUERIES = [packet.query(f"h{number}.{ASKED}", additional=[packet.opt()]) for number in range(200)]
LOOP = "__pyx_f_4auth_4loop_4Loop_turn"  # the function whose instructions are counted


def main() -> int:
    """Print a line for each kind."""
    if shutil.which("valgrind") is None:
        print("valgrind is not installed")
        return 1
    answers = int(sys.argv[1]) if len(sys.argv) > 1 else ANSWERS
    base = 0.0
    for name, kind in KINDS.items():
        each = instructions(name, answers) / answers
        base = base or each
        print(
            f"{kind.text}: {each:.1f} instructions an answer, {each - base:+.1f} ({each / base - 1:+.2%})", flush=True
        )
    return 0


def instructions(kind: str, answers: int) -> int:
    """In the loop, of a process that answers so often."""
    with tempfile.TemporaryDirectory() as directory:
        tool = ["valgrind", "--tool=callgrind", f"--toggle-collect={LOOP}", f"--callgrind-out-file={directory}/out"]
        asking = [sys.executable, __file__, "--answer", kind, str(answers), directory]
        done = subprocess.run([*tool, *asking], capture_output=True, text=True, check=True)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if found is None:
            raise RuntimeError(done.stderr)
        return int(found[1])


def answer(kind: str, answers: int, directory: Path) -> None:
    """Answer for names of one of both zones, a batch at a time, in this thread: the batches are the same each time."""
    both = Both(directory)
    load(both.source, {ASKED: ZONE, OTHER: ZONE})
    both.build()
    hatch = Hatch(BURST)
    loop = Loop(hatch, BURST)
    hatch.open()
    loop.open()
    list_zones(table(KINDS[kind], directory), SEED).tell(both.responder, loop.engine)
    loop.engage(both.responder, Settings(), None, None)
    with bound(socket.SOCK_DGRAM) as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        sock.setblocking(False)
        loop.open_place(1, sock.fileno(), 0)
        asker.settimeout(PATIENCE)
        asker.connect(sock.getsockname())
        for first in range(0, answers, BURST):
            burst(loop, asker, range(first, min(answers, first + BURST)))
    counted = dict(zip(COUNTED, loop.tally.counts, strict=True))
    if (counted["responses"], counted["left"], counted["rcode.noerror"]) != (answers, 0, answers):
        raise RuntimeError(f"it was to answer by itself: {counted}")
    loop.engage(None, Settings(), None, None)
    loop.close()
    hatch.close()
    both.close()


def burst(loop: Loop, asker: socket.socket, numbers: range) -> None:
    """Queries, which are there at once, and their replies."""
    for number in numbers:
        asker.send(QUERIES[number % len(QUERIES)])
    loop.wake()
    loop.run()
    for _ in numbers:
        asker.recv(512)


def table(kind: Kind, directory: Path) -> ZoneTable:
    """The zones of the configuration."""
    if not (kind.acl or kind.counted):
        return ZoneTable()
    key, rows = name_key(dns.name.from_text(kind.zone)), None
    if kind.counted:
        page, _ = ZonePage.take(directory, OF_ZONES, PARTS)
        found = page.rows_of([wire_of(key)])
        page.mark(found)
        rows = ZoneRows({key: found[wire_of(key)]}, page.slots)
    return ZoneTable({key: ZonePolicy(compile_acl(ACL)) if kind.acl else ZonePolicy()}, rows=rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--answer"]:
        answer(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        sys.exit(main())
