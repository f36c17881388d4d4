"""Random signed zones, random questions with DO: this suite answers as NSD, Knot DNS and BIND do, section by section.

A failure tells the seed; SIGNED_ZONES_SEED=N repeats a run, SIGNED_ZONES_QUESTIONS=N asks more of each zone.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.conformance.loading import run_loadzone
from tests.kit.launch_auth import AuthProcess
from tests.kit.peers import LOOPBACK, PEERS
from tests.kit.signedzones import CHAINS, MISSING, SignedZone

ABSENT = [*MISSING, *(peer.program for peer in PEERS if not peer.is_installed())]

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}"),
]

SEED = int(os.environ.get("SIGNED_ZONES_SEED") or random.SystemRandom().randrange(10**6))
QUESTIONS = int(os.environ.get("SIGNED_ZONES_QUESTIONS", "120"))
TIMEOUT = 10.0  # seconds for one reply

OURS = "bobdns"
# NSD gives other records as proof where several prove the same: with its NODATA for a name that begins with an asterisk
# the closest encloser as well, and other spans of names that opt-out leaves out. What it answers and that it proves
# something is compared, not with which records.
OTHER_PROOFS = {"nsd"}
DENIAL = ("nsec", "nsec3")

Answer = tuple[str, str, list[str], list[str], list[str]]


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SignedZone]:
    directory = tmp_path_factory.mktemp("signed")
    return {chain: SignedZone.make(directory, chain, SEED) for chain in CHAINS}


@pytest.fixture(scope="module")
def ports(zones: dict[str, SignedZone], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The port of each server."""
    directory = tmp_path_factory.mktemp("servers")
    database = f"sqlite:///{directory / 'zones.sqlite'}"
    for zone in zones.values():
        done = run_loadzone(database, zone.origin, str(zone.file))
        assert done.returncode == 0, done.stderr
    with ExitStack() as stack:
        files = {zone.origin: zone.file for zone in zones.values()}
        found = {peer.program: stack.enter_context(peer(directory, files)) for peer in PEERS}
        auth = AuthProcess(database, listen=(LOOPBACK,))
        stack.callback(auth.stop)
        yield {OURS: auth.subject.port, **found}


def ask(port: int, name: str, rdtype: str, *, do: bool) -> Answer:
    query = dns.message.make_query(name, rdtype, use_edns=0, want_dnssec=do, flags=0)
    reply = dns.query.tcp(query, LOOPBACK, TIMEOUT, port)
    sections = [
        sorted(
            f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}".lower()
            for rrset in section
            for rdata in rrset
        )
        for section in (reply.answer, reply.authority, reply.additional)
    ]
    return dns.rcode.to_text(reply.rcode()), dns.flags.to_text(reply.flags), sections[0], sections[1], sections[2]


def without_proofs(answer: Answer) -> Answer:
    """Of the proofs only whether there are any."""
    rcode, flags, answers, authority, additional = answer
    other = [line for line in authority if not _is_denial(line)]
    proven = ["proven"] if len(other) < len(authority) else []
    return rcode, flags, answers, other + proven, additional


def goes_in_circles(answer: Answer) -> bool:
    """Whether every alias of the answer leads to another one that is in it. BIND makes that SERVFAIL."""
    aliases = [line.split() for line in answer[2]]
    targets = {words[0]: words[3] for words in aliases if words[2] == "cname"}
    return bool(targets) and all(target in targets for target in targets.values())


def _is_denial(line: str) -> bool:
    words = line.split()
    return words[2] in DENIAL or (words[2] == "rrsig" and words[3] in DENIAL)


@pytest.mark.parametrize("do", [True, False], ids=["with DO", "without DO"])
@pytest.mark.parametrize("chain", CHAINS)
def test_every_answer_is_that_of_the_peers(chain: str, do: bool, zones: dict[str, SignedZone], ports: dict[str, int]):
    kinds = set()
    for name, rdtype in dict.fromkeys(zones[chain].questions(random.Random(SEED), QUESTIONS)):
        answers = {server: ask(port, name, rdtype, do=do) for server, port in ports.items()}
        ours = answers.pop(OURS)
        kinds.add((ours[0], bool(ours[2])))
        for peer, theirs in answers.items():
            same = without_proofs if peer in OTHER_PROOFS else tuple
            assert same(ours) == same(theirs), f"{name} {rdtype}: {peer} answers otherwise (SIGNED_ZONES_SEED={SEED})"
    assert {("NXDOMAIN", False), ("NOERROR", True), ("NOERROR", False)} <= kinds  # else little was tried
