"""The zones that are served and what is asked of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from bench.sidebyside.datasets import DataSet
from bench.sidebyside.questions import NXDOMAIN, Question
from bench.sidebyside.signing import Chain, SignedZone
from bench.texts import address

ORIGIN = "bench.example"
TTL = 3600
HEAD = f"$TTL {TTL}\n@ SOA ns1 hostmaster 1 7200 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"
HEAD_RECORDS = 3
SEED = 53
MISSING_LABEL = "x" * 16  # as long as a flood's labels; the load makes it anew for each query
MISSING_EVERY = 10  # one question in so many is for a name that is not there, where zones are signed


class Hosts(DataSet):
    """One zone of names with an address each."""

    floods = True

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.title = f"{spaced(count)} names in one zone"

    @property
    def records(self) -> int:
        return self.count + HEAD_RECORDS

    def texts(self) -> Iterator[tuple[str, Iterator[str]]]:
        yield ORIGIN, self.lines()

    def lines(self) -> Iterator[str]:
        """The zone file."""
        yield HEAD
        for number in range(self.count):
            yield f"{host(number)} A {address(number)}\n"

    def questions(self) -> Iterator[Question]:
        for number in shuffled(self.count):
            yield Question(f"{host(number)}.{ORIGIN}")

    def flood(self) -> Iterator[Question]:
        yield Question(f"{MISSING_LABEL}.{ORIGIN}", rcode=NXDOMAIN, answers=0, authority=1, random_label=True)

    def fault(self, reply: dns.message.Message) -> str | None:
        asked = reply.question[0].name
        label = asked.labels[0].decode()
        if not label[1:].isdigit():  # random labels are letters
            return fault_of_denial(reply)
        return difference(reply.answer, [addresses(asked, address(int(label[1:])))])


class Delegations(DataSet):
    """One zone of delegations as a registry has them, each with two name servers in it and their addresses."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.title = f"{spaced(count)} delegations in one zone"

    @property
    def records(self) -> int:
        return 4 * self.count + HEAD_RECORDS

    def texts(self) -> Iterator[tuple[str, Iterator[str]]]:
        yield ORIGIN, self._lines()

    def _lines(self) -> Iterator[str]:
        yield HEAD
        for number in range(self.count):
            child = f"d{number:06d}"
            yield f"{child} NS ns1.{child}\n{child} NS ns2.{child}\n"
            yield f"ns1.{child} A {address(number)}\nns2.{child} A {address(number + self.count)}\n"

    def questions(self) -> Iterator[Question]:
        for number in shuffled(self.count):
            name = f"www.d{number:06d}.{ORIGIN}"
            yield Question(name, authoritative=False, answers=0, authority=2, additional=3)

    def fault(self, reply: dns.message.Message) -> str | None:
        child = reply.question[0].name.parent()
        number = int(child.labels[0][1:])
        servers = [dns.name.Name((label, *child.labels)) for label in (b"ns1", b"ns2")]
        names = dns.rrset.from_text(child, TTL, "IN", "NS", *(name.to_text() for name in servers))
        glue = [
            addresses(servers[0], address(number)),
            addresses(servers[1], address(number + self.count)),
        ]
        return difference(reply.authority, [names]) or difference(reply.additional, glue)


class Signed(DataSet):
    """Names with an address each in a signed zone; one question in ten is for a name that is not there."""

    def __init__(self, name: str, count: int, chain: Chain) -> None:
        self.name = name
        self.count = count
        self.chain = chain
        self.title = f"{spaced(count)} names in one zone signed with {chain.upper()}"
        self._plain = Hosts(name, count)
        self._zone = SignedZone(ORIGIN, chain)

    @property
    def records(self) -> int:
        """As many as before signing, and a signature and a proof with its signature for each name."""
        names = self.count + 2  # the apex and ns1
        return self._plain.records + len(self._zone.keys) + 2 * names + self._plain.records

    def texts(self) -> Iterator[tuple[str, Iterator[str]]]:
        yield ORIGIN, self._plain.lines()

    def write_zones(self, directory: Path) -> None:
        self._zone.sign("".join(self._plain.lines()), directory / f"{ORIGIN}.zone")

    def questions(self) -> Iterator[Question]:
        for place, number in enumerate(shuffled(self.count)):
            if place % MISSING_EVERY:
                yield Question(f"{host(number)}.{ORIGIN}", dnssec=True, answers=2)
            else:
                # SOA and what proves that there is neither the name nor a wildcard, each with a signature
                name = f"{host(number)}x.{ORIGIN}"
                yield Question(name, dnssec=True, rcode=NXDOMAIN, answers=0, authority=6)

    def fault(self, reply: dns.message.Message) -> str | None:
        asked = reply.question[0].name
        label = asked.labels[0].decode()
        if label.endswith("x"):
            return fault_of_denial(reply) or self._zone.fault_of_proof(asked, reply)
        found = [rrset for rrset in reply.answer if rrset.rdtype != dns.rdatatype.RRSIG]
        expected = [addresses(asked, address(int(label[1:])))]
        return difference(found, expected) or self._zone.fault_of_signatures(reply.answer)


class ManyZones(DataSet):
    """Small zones as a hoster has them."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.zones = count
        self.title = f"{spaced(count)} zones"

    @property
    def records(self) -> int:
        return self.zones * (HEAD_RECORDS + 1)

    def texts(self) -> Iterator[tuple[str, Iterator[str]]]:
        for number in range(self.zones):
            yield f"z{number:06d}.example", iter((HEAD, f"www A {address(number)}\n"))

    def questions(self) -> Iterator[Question]:
        for number in shuffled(self.zones):
            yield Question(f"www.z{number:06d}.example")

    def fault(self, reply: dns.message.Message) -> str | None:
        asked = reply.question[0].name
        return difference(reply.answer, [addresses(asked, address(int(asked.labels[1][1:])))])


def host(number: int) -> str:
    """The label of a name."""
    return f"h{number:07d}"


def addresses(owner: dns.name.Name, *texts: str) -> dns.rrset.RRset:
    """A set of addresses as it is expected."""
    return dns.rrset.from_text(owner, TTL, "IN", "A", *texts)


def shuffled(count: int) -> list[int]:
    """The numbers below `count` in an order that is random and always the same."""
    numbers = list(range(count))
    random.Random(SEED).shuffle(numbers)
    return numbers


def spaced(count: int) -> str:
    """A number as people write it."""
    return f"{count:,}".replace(",", " ")


def difference(found: list[dns.rrset.RRset], expected: list[dns.rrset.RRset]) -> str | None:
    """How a section differs from what was expected, order and case apart."""
    if len(found) == len(expected) and all(rrset in found for rrset in expected):
        return None
    return f"expected {expected}, got {found}"


def fault_of_denial(reply: dns.message.Message) -> str | None:
    """A name that is not there is denied with the SOA (RFC 2308 section 3)."""
    if reply.answer or not any(rrset.rdtype == dns.rdatatype.SOA for rrset in reply.authority):
        return "no SOA in the authority section of a denial"
    return None


DATA_SETS: dict[str, DataSet] = {
    data.name: data
    for data in (
        Hosts("names-1k", 1_000),
        Hosts("records-1m", 1_000_000 - HEAD_RECORDS),
        Delegations("delegations-250k", 250_000),
        Signed("nsec-100k", 100_000, "nsec"),
        Signed("nsec3-100k", 100_000, "nsec3"),
        ManyZones("zones-100k", 100_000),
    )
}
