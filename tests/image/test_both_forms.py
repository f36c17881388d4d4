"""Compiled and interpreted, images answer the same queries, with the same octets, and leave the same."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dns.name
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from datasrc.records import RRset
from tests.datasrc.zonemaking import SMALL, rrsets
from tests.image.mapping import Both
from tests.image.test_responder import BIG, ORIGIN, RDATA, RRSIG, A
from tests.kit import dnspacket as packet
from tests.memmgr.signing import signed

ROOT = Path(__file__).parents[2]
EXAMPLES = 4  # of seeds, of which the first is always 0: each has another process begin, and asks 720 queries
LABELS = [b"a", b"b", b"*", b"B", b"ns"]
TYPES = [*sorted(RDATA), 6, 47, RRSIG, 255, 65280]
SIGNED = [
    ("@", "SOA", "ns hostmaster 1 3600 900 604800 300"),
    ("@", "NS", "ns"),
    ("ns", "A", "192.0.2.1"),
    ("a", "NS", "ns.a"),
    ("a", "NS", "ns"),
    ("ns.a", "A", "192.0.2.2"),
    ("*.b", "CNAME", "a.a"),
    ("x.y.ns", "TXT", "deep"),
]
LEFT = "left"


def owner(source: random.Random) -> dns.name.Name:
    return dns.name.Name((*(source.choice(LABELS) for _ in range(source.randrange(4))), *ORIGIN.labels))


def sets(source: random.Random) -> Iterator[RRset]:
    for _ in range(12):
        rdtype = source.choice(sorted(RDATA))
        yield RRset(owner(source), rdtype, 60, RDATA[rdtype])
    for count in (30, 200, 300):
        yield RRset(owner(source), A, 60, BIG[:count])


def outcomes(seed: int) -> list[str]:
    """What becomes of queries for random names of random zones: a digest of the reply, or that it is left."""
    found = []
    source = random.Random(seed)
    unsigned = {(one.name, one.rdtype): one for one in sets(source)}
    for zone in ([*rrsets(SMALL), *unsigned.values()], *(signed(SIGNED, chain) for chain in ("nsec", "opt-out"))):
        with tempfile.TemporaryDirectory() as folder:
            both = Both(Path(folder))
            both.put(ORIGIN, zone)
            both.build()
            for number in range(120):
                size = source.choice([None, 512, 1232, 4096])
                flags = source.choice([0, packet.DO])
                additional = [] if size is None else [packet.opt(size=size, flags=flags)]
                message = packet.query(str(owner(source)), source.choice(TYPES), ident=number, additional=additional)
                for stream in (False, True):
                    reply = both.image_reply(message, stream=stream)
                    found.append(LEFT if reply is None else hashlib.sha256(reply).hexdigest())
            both.close()
    return found


# Zones of another seed are no simpler ones: there is nothing to shrink.
@settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_compiled_and_interpreted_answer_and_leave_the_same(seed):
    program = (
        "import sys; from tests.kit.interpreted import interpret\n"
        "interpret()\n"
        "import json, image.answering; from tests.image.test_both_forms import outcomes\n"
        "print(json.dumps([image.answering.__file__.endswith('.py'), outcomes(int(sys.argv[1]))]))\n"
    )
    command = [sys.executable, "-c", program, str(seed)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    mine = outcomes(seed)
    assert json.loads(said) == [True, mine]
    assert LEFT in mine  # signatures are asked for, too
    assert mine.count(LEFT) < len(mine) / 2
