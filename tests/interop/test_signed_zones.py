"""Random zones, signed and not, random questions with and without DO: this suite answers as NSD, Knot DNS and BIND do,
section by section, and a validator that knows nothing of how answers are made believes each.

There are two subjects, for there are two ways to an answer: auth alone, which has the plain implementation and nothing
else, and the whole suite, which answers from images.

The zones and questions are other ones in each run. SIGNED_ZONES_SEED=N, which a failure tells, makes those of a run
again, SIGNED_ZONES_QUESTIONS=N asks more of each zone.
Where opt-out leaves out an empty non-terminal beside a wildcard there is no proof (docs/adr/0015), and servers differ:
such names are no questions, and have a test of their own.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.conformance.loading import run_loadzone
from tests.kit import evidence
from tests.kit.launch_auth import AuthProcess
from tests.kit.peers import LOOPBACK, PEERS
from tests.kit.signedzones import CHAINS, MISSING, UNSIGNED, SignedZone, sign_zone
from tests.kit.suite import Suite, wait_until
from tests.kit.validation import Bogus, validate

ABSENT = [*MISSING, *(peer.program for peer in PEERS if not peer.is_installed())]

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}"),
]

SEED = int(os.environ.get("SIGNED_ZONES_SEED") or random.SystemRandom().randrange(1 << 32))
QUESTIONS = int(os.environ.get("SIGNED_ZONES_QUESTIONS", "120"))
TIMEOUT = 10.0  # seconds for one reply

OURS = "bobdns"  # the plain implementation
FROM_IMAGES = "bobdns with images"
SUBJECTS = (OURS, FROM_IMAGES)
DEADLINE = 60.0  # s; ten times what is expected and more
PAYLOAD = 1232  # octets; what resolvers ask for: DNS flag day 2020
ASKED: Counter[int] = Counter()  # questions over TCP so far, by port
DENIAL = ("nsec", "nsec3")

Answer = tuple[str, str, list[str], list[str], list[str]]


class Asking(Protocol):
    """How a question is asked."""

    def __call__(self, port: int, name: str, rdtype: str, *, do: bool) -> dns.message.Message: ...


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    """With each failure comes what makes it again."""
    evidence.remember(ASKED, "zones and questions", lambda: f"SIGNED_ZONES_SEED={SEED}")
    yield
    evidence.forget(ASKED)


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SignedZone]:
    directory = tmp_path_factory.mktemp("signed")
    chains = (UNSIGNED, *CHAINS)
    return {chain: SignedZone.make(directory, chain, SEED + number) for number, chain in enumerate(chains)}


@pytest.fixture(scope="module")
def suite(zones: dict[str, SignedZone]) -> Iterator[Suite]:
    """The whole suite, with an image of every zone."""
    with Suite() as suite:
        for zone in zones.values():
            done = suite.loadzone(zone.origin, zone.file.read_text())
            assert done.returncode == 0, done.stderr
        suite.start()
        apexes = [(zone.origin, "SOA") for zone in zones.values()]
        wait_until(lambda: has_images(suite, zones.values()), DEADLINE, "every zone has an image")
        wait_until(lambda: comes_from_images(suite, apexes), DEADLINE, "images are in use")
        yield suite


@pytest.fixture(scope="module")
def ports(
    zones: dict[str, SignedZone], suite: Suite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """The port of each server."""
    directory = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        files = {zone.origin: zone.file for zone in zones.values()}
        found = {peer.program: stack.enter_context(peer(directory, files)) for peer in PEERS}
        auth = AuthProcess(f"sqlite:///{suite.state / 'zones.sqlite'}", listen=(LOOPBACK,))
        stack.callback(auth.stop)
        yield {OURS: auth.subject.port, FROM_IMAGES: suite.port, **found}


def has_images(suite: Suite, zones: Collection[SignedZone]) -> bool:
    origins = json.dumps([zone.origin for zone in zones])
    found = suite.control("call", "memmgr", "zone_status", f"origins={origins}", check=False)
    return found is not None and [row["state"] for row in found["zones"]] == ["image"] * len(zones)


def counted(suite: Suite, name: str) -> int:
    """A counter of all instances; it is told with each heart-beat."""
    return int(suite.control("call", "stats", "show", "component=auth")["modules"]["auth"]["counters"][name])


def left(suite: Suite) -> int:
    """How many of all questions that were asked the plain implementation answered."""
    wait_until(lambda: counted(suite, "request.tcp") == ASKED[suite.port], DEADLINE, "all questions are counted")
    return counted(suite, "left")


def comes_from_images(suite: Suite, questions: Collection[tuple[str, str]]) -> bool:
    """Ask, and tell whether all of the answers came from images."""
    before = left(suite)
    for name, rdtype in questions:
        ask(suite.port, name, rdtype, do=True)
    return left(suite) == before


def questions_of(zone: SignedZone) -> list[tuple[str, str]]:
    """What every test asks of a zone."""
    return list(dict.fromkeys(zone.questions(random.Random(SEED), QUESTIONS)))


def ask(port: int, name: str, rdtype: str, *, do: bool) -> dns.message.Message:
    ASKED[port] += 1
    return dns.query.tcp(_query(name, rdtype, do=do), LOOPBACK, TIMEOUT, port)


def ask_as_resolvers_do(port: int, name: str, rdtype: str, *, do: bool) -> dns.message.Message:
    """Over UDP; over TCP what was truncated."""
    reply = dns.query.udp(_query(name, rdtype, do=do), LOOPBACK, TIMEOUT, port)
    return ask(port, name, rdtype, do=do) if reply.flags & dns.flags.TC else reply


def _query(name: str, rdtype: str, *, do: bool) -> dns.message.Message:
    return dns.message.make_query(name, rdtype, use_edns=0, want_dnssec=do, payload=PAYLOAD, flags=0)


def sections_of(reply: dns.message.Message) -> Answer:
    """What is compared."""
    sections = [
        sorted(
            f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}".lower()
            for rrset in section
            for rdata in rrset
        )
        for section in (reply.answer, reply.authority, reply.additional)
    ]
    return dns.rcode.to_text(reply.rcode()), dns.flags.to_text(reply.flags), sections[0], sections[1], sections[2]


def without_proofs(answer: Answer, names: Collection[str]) -> Answer:
    """Of the proofs only whether there are any: NSD gives other records where several prove the same. With its NODATA
    for a name that begins with an asterisk comes the closest encloser as well, and there are other spans of names that
    opt-out leaves out.
    """
    rcode, flags, answers, authority, additional = answer
    other = [line for line in authority if not _is_denial(line)]
    proven = ["proven"] if len(other) < len(authority) else []
    return rcode, flags, answers, other + proven, additional


def without_courtesies(answer: Answer, names: Collection[str]) -> Answer:
    """Knot adds the addresses of mail servers to an answer; we and the others do not where responses are minimal.

    It takes a name that begins with an asterisk for the wildcard that stands for it, and does not prove that there is
    no closer one.
    """
    rcode, flags, answers, authority, additional = answer
    if any(name.startswith("*.") for name in names):
        authority = [line for line in authority if not _is_denial(line)]
    return rcode, flags, answers, authority, [] if answers else additional


def targets_of(answer: Answer) -> Iterator[str]:
    """Names that aliases lead to."""
    for line in answer[2]:
        words = line.split()
        if words[2] == "cname":
            yield words[3]


def goes_in_circles(answer: Answer) -> bool:
    """Whether every alias of the answer leads to another one that is in it."""
    aliases = [line.split() for line in answer[2]]
    targets = {words[0]: words[3] for words in aliases if words[2] == "cname"}
    return bool(targets) and all(target in targets for target in targets.values())


def without_circles(answer: Answer, names: Collection[str]) -> Answer:
    """BIND sends the same where aliases go in circles, but calls it SERVFAIL: it has followed as many as it may."""
    return ("circle", *answer[1:]) if goes_in_circles(answer) else answer


# What is compared with whom, of the answer about these names.
SAME = {"nsd": without_proofs, "knotd": without_courtesies, "named": without_circles}


def _is_denial(line: str) -> bool:
    words = line.split()
    return words[2] in DENIAL or (words[2] == "rrsig" and words[3] in DENIAL)


@pytest.mark.parametrize("asking", [ask, ask_as_resolvers_do], ids=["over TCP", "as resolvers do"])
@pytest.mark.parametrize("do", [True, False], ids=["with DO", "without DO"])
@pytest.mark.parametrize("chain", [UNSIGNED, *CHAINS])
def test_every_answer_is_that_of_the_peers(
    chain: str, do: bool, asking: Asking, zones: dict[str, SignedZone], ports: dict[str, int]
):
    kinds = set()
    for name, rdtype in questions_of(zones[chain]):
        answers = {server: sections_of(asking(port, name, rdtype, do=do)) for server, port in ports.items()}
        ours = {subject: answers.pop(subject) for subject in SUBJECTS}
        names = (name, *targets_of(ours[OURS]))
        if not all(zones[chain].is_provable(each) for each in names):
            continue
        kinds.add((ours[OURS][0], bool(ours[OURS][2])))
        for subject, (peer, theirs) in itertools.product(SUBJECTS, answers.items()):
            same = SAME[peer]
            assert same(ours[subject], names) == same(theirs, names), (
                f"{name} {rdtype}: {peer} answers otherwise than {subject}"
            )
    assert {("NXDOMAIN", False), ("NOERROR", True), ("NOERROR", False)} <= kinds  # else little was tried


@pytest.mark.parametrize("chain", [UNSIGNED, *CHAINS])
def test_the_answers_that_are_compared_come_from_images(chain: str, zones: dict[str, SignedZone], suite: Suite):
    """All but denials of names whose encloser opt-out left out of the chain (image/README.md)."""
    before, unproven = left(suite), 0
    for name, rdtype in questions_of(zones[chain]):
        answer = sections_of(ask(suite.port, name, rdtype, do=True))
        last = [name, *targets_of(answer)][-1]
        unproven += zones[chain].lacks_encloser(last) and any(line.split()[2] == "soa" for line in answer[3])
    assert left(suite) - before == unproven


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("chain", CHAINS)
def test_every_answer_is_believed_by_a_validator(
    chain: str, subject: str, zones: dict[str, SignedZone], ports: dict[str, int]
):
    origin = dns.name.from_text(zones[chain].origin)
    keys = ask(ports[subject], zones[chain].origin, "DNSKEY", do=True).answer[0]
    for name, rdtype in questions_of(zones[chain]):
        reply = ask(ports[subject], name, rdtype, do=True)
        if not all(zones[chain].is_provable(each) for each in (name, *targets_of(sections_of(reply)))):
            continue
        try:
            validate(reply, dns.name.from_text(name), int(dns.rdatatype.from_text(rdtype)), origin, keys)
        except Bogus as reason:
            raise AssertionError(f"{name} {rdtype}: {reason}\n{reply}") from reason


@pytest.fixture(scope="module")
def left_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Servers of a zone in which opt-out leaves out u.w, an empty non-terminal, beside *.w."""
    directory = tmp_path_factory.mktemp("left-out")
    origin = "out.example."
    soa = "@ 3600 SOA ns host 1 7200 900 604800 300\n@ 3600 NS ns.other.test.\n"
    text = f"{soa}*.w 3600 A 192.0.2.1\nd.u.w 3600 NS ns.other.test.\n"
    file = sign_zone(directory, origin, "nsec3-opt-out", text)
    database = f"sqlite:///{directory / 'zones.sqlite'}"
    done = run_loadzone(database, origin, str(file))
    assert done.returncode == 0, done.stderr
    with ExitStack() as stack:
        found = {peer.program: stack.enter_context(peer(directory, {origin: file})) for peer in PEERS}
        auth = AuthProcess(database, listen=(LOOPBACK,))
        stack.callback(auth.stop)
        yield {OURS: auth.subject.port, **found}


# Of a name below u.w: how many NSEC3 records each sends, for w and for the span that u.w is in.
PROOFS = {OURS: 2, "named": 2, "nsd": 2, "knotd": 0}


def test_below_what_opt_out_left_out_beside_a_wildcard_all_say_no_and_none_can_prove_it(left_out: dict[str, int]):
    """The wildcard of the encloser that can be proven is there: a validator believes none of them (docs/adr/0015)."""
    zone = SignedZone("out.example.", Path(), ("*.w", "d.u.w"), ("*.w",))
    name = "x.u.w.out.example."
    assert not zone.is_provable(name)
    assert zone.is_provable("x.w.out.example.")
    assert zone.is_provable("u.w.out.example.")
    keys = ask(left_out[OURS], zone.origin, "DNSKEY", do=True).answer[0]
    proofs = {}
    for server, port in left_out.items():
        reply = ask(port, name, "A", do=True)
        assert (reply.rcode(), reply.answer) == (dns.rcode.NXDOMAIN, []), server
        proofs[server] = sum(rrset.rdtype == dns.rdatatype.NSEC3 for rrset in reply.authority)
        with pytest.raises(Bogus):
            validate(reply, dns.name.from_text(name), int(dns.rdatatype.A), dns.name.from_text(zone.origin), keys)
    assert proofs == PROOFS
