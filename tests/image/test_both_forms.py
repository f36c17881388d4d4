"""Compiled and interpreted, images answer the same queries, with the same octets, and leave the same: of random zones,
signed and not, as they were built and behind changes in place.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import dns.name

from datasrc.records import RRset
from tests.datasrc.zonemaking import TESTER, rrsets
from tests.image.test_responder import BIG, ORIGIN, RDATA, RRSIG, A
from tests.kit import dnspacket as packet
from tests.memmgr.signing import Entry, signed
from tests.memmgr.test_patch import Asker, Rig

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("BOTH_FORMS_SEED")  # which a failure tells
SEEDS = 8
CHAINS = (None, "nsec", "nsec3", "opt-out")
CHANGES = 2  # of each zone
QUESTIONS = 30  # of each version of a zone, over UDP and over TCP
LABELS = ["a", "b", "*", "B", "ns"]
TYPES = [*sorted(RDATA), 6, 47, RRSIG, 255, 65280]
APEX: list[Entry] = [("@", "NS", "ns"), ("ns", "A", "192.0.2.1")]
TEXTS = {
    "A": ("192.0.2.1", "192.0.2.2"),
    "AAAA": ("2001:db8::1",),
    "NS": ("a", "a.B", "ns.elsewhere."),
    "DS": ("1 13 2 " + "00" * 32,),
    "CNAME": ("ns", "a.b"),
    "DNAME": ("ns",),
    "MX": ("10 a.b", "20 mail.a.b"),
    "TXT": ("x",),
}
LEFT, IN_PLACE, ANEW = "left", "changed in place", "built anew"


def owner(source: random.Random) -> str:
    return ".".join(source.choice(LABELS) for _ in range(source.randrange(4))) or "@"


def entries(source: random.Random, count: int) -> list[Entry]:
    """Of a zone that is signed, or what such a zone gets and loses."""
    chosen = [(owner(source), kind) for kind in source.choices(sorted(TEXTS), k=count)]
    return [(name, kind, text) for name, kind in chosen for text in TEXTS[kind][: source.randint(1, 2)]]


def unsigned(source: random.Random, there: Iterable[Entry]) -> Iterator[RRset]:
    """A zone of what is there; sets that are large, and one that no image has, come with each version anew."""
    sets: dict[tuple[str, str], list[str]] = {}
    for name, kind, text in there:
        sets.setdefault((name.lower(), kind), []).append(text)
    yield from rrsets("\n".join(f"{name} {kind} {' | '.join(texts)}" for (name, kind), texts in sets.items()))
    for name, count in (("big", 30), ("big.b", 200), ("big.a", source.choice((255, 300)))):
        yield RRset(dns.name.from_text(name, ORIGIN), A, 60, BIG[:count])


class RandomRig(Rig):
    """A random zone, of entries that come and go."""

    def __init__(self, directory: Path, chain: str | None, source: random.Random) -> None:
        super().__init__(directory)
        self.chain = chain
        self.draw = source
        self.there: set[Entry] = set()

    def toggle(self, changed: Iterable[Entry]) -> None:
        """Take entries in, or out where they are there."""
        self.there ^= set(changed)
        self.serial += 1
        zone = [("@", "SOA", f"ns hostmaster {self.serial} 3600 900 604800 300"), *APEX, *sorted(self.there - {*APEX})]
        with self.source.updater(self.origin, create=True, replace=True) as updater:
            for each in signed(zone, self.chain) if self.chain else unsigned(self.draw, zone):
                updater.add(each)
            updater.commit(TESTER)


def outcomes(seed: int) -> list[str]:
    """What becomes of random zones and of queries for names of them: a digest of the reply, or that it is left."""
    found = []
    source = random.Random(seed)
    for chain in CHAINS:
        with tempfile.TemporaryDirectory() as folder:
            rig = RandomRig(Path(folder), chain, source)
            rig.toggle(entries(source, 14))
            store = rig.store("zone")
            rig.build(store)
            for number in range(1 + CHANGES):
                if number:
                    before = rig.rebuilt
                    rig.toggle([*entries(source, 2), *source.sample(sorted(rig.there), min(2, len(rig.there)))])
                    rig.change(store)
                    found.append(IN_PLACE if rig.rebuilt == before else ANEW)
                found += answers(Asker(store), source)
            store.close()
    return found


def answers(asker: Asker, source: random.Random) -> Iterator[str]:
    for number in range(QUESTIONS):
        size = source.choice([None, 512, 1232, 4096])
        flags = source.choice([0, packet.DO])
        additional = [] if size is None else [packet.opt(size=size, flags=flags)]
        name = str(dns.name.from_text(owner(source), ORIGIN))
        message = packet.query(name, source.choice(TYPES), ident=number, additional=additional)
        asker.responder.courteous = source.randrange(2)
        for asker.responder.stream in (0, 1):
            reply = asker.ask(message)
            yield hashlib.sha256(reply).hexdigest() if reply else LEFT


PROGRAM = """
import sys
from tests.kit.interpreted import interpret
interpret()
import json
import image.answering
from tests.image.test_both_forms import outcomes
print(json.dumps([image.answering.__file__.endswith(".py"), [outcomes(int(seed)) for seed in sys.argv[1:]]]))
"""


def test_compiled_and_interpreted_answer_and_leave_the_same():
    seeds = [int(SEED)] if SEED else [random.SystemRandom().randrange(1 << 32) for _ in range(SEEDS)]
    command = [sys.executable, "-c", PROGRAM, *map(str, seeds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"seeds {seeds}\n{done.stderr}"
    interpreted, found = json.loads(done.stdout)
    assert interpreted
    for seed, theirs in zip(seeds, found, strict=True):
        mine = outcomes(seed)
        assert theirs == mine, f"BOTH_FORMS_SEED={seed}"
        assert {LEFT, IN_PLACE} <= {*mine}, f"BOTH_FORMS_SEED={seed}"  # signatures are asked for, too
        assert mine.count(LEFT) < len(mine) / 2, f"BOTH_FORMS_SEED={seed}"
