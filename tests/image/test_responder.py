"""Whatever the zones and the question: the image answers as the plain implementation, or leaves the answer to it."""

from __future__ import annotations

from pathlib import Path

import dns.message
import dns.name
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasrc.records import RRset
from datasrc.source import DataSource
from image.builder import build
from image.file import ImageFile
from image.responder import Responder
from tests.auth.world import UDP, World
from tests.datasrc.zonemaking import SMALL, TESTER, rrsets, wire
from tests.kit import dnspacket as packet

UDP_SIZE = 1232
ORIGIN = dns.name.from_text("example.")
SUBZONE = dns.name.from_text("b.example.")
A, NS, CNAME, MX, TXT, AAAA, SRV, DNAME, DS, RRSIG, NSEC, ANY = 1, 2, 5, 15, 16, 28, 33, 39, 43, 46, 47, 255
RDATA = {
    A: (wire("A", "192.0.2.1"), wire("A", "192.0.2.2")),
    NS: (wire("NS", "a"), wire("NS", "a.B"), wire("NS", "a.a"), wire("NS", "ns.elsewhere.")),
    CNAME: (wire("CNAME", "ns"),),
    MX: (wire("MX", "10 a.b"), wire("MX", "20 mail.a.b")),
    TXT: (wire("TXT", "x"),),
    AAAA: (wire("AAAA", "2001:db8::1"),),
    SRV: (wire("SRV", "1 2 3 a.b"),),
    DNAME: (wire("DNAME", "ns"),),
    DS: (wire("DS", "1 13 2 0000000000000000000000000000000000000000000000000000000000000000"),),
}
labels = st.sampled_from([b"a", b"b", b"*", b"B", b"\x00", b"A"])
owners = st.lists(labels, max_size=4).map(lambda parts: dns.name.Name((*parts, *ORIGIN.labels)))
sets = st.builds(
    lambda owner, rdtype, ttl: RRset(owner, rdtype, ttl, RDATA[rdtype]),
    owners,
    st.sampled_from(sorted(RDATA)),
    st.sampled_from([60, 2**31]),
)
zones = st.lists(sets, max_size=14)
types = st.sampled_from([*sorted(RDATA), 6, NSEC, RRSIG, ANY, 0, 65280])
questions = st.lists(st.tuples(owners, types, st.sampled_from([None, 512, 1232, 4096])), min_size=1, max_size=12)


class Both:
    """The same zones, plain and as an image."""

    def __init__(self, folder: Path) -> None:
        self.world = World({})
        self.path = folder / "zones.img"

    @property
    def source(self) -> DataSource:
        return self.world.source

    def put(self, origin: dns.name.Name, sets: list[RRset]) -> None:
        with self.source.updater(origin, create=True, replace=True) as updater:
            for each in sets:
                updater.add(each)
            updater.commit(TESTER)

    def build(self) -> None:
        with self.source.snapshot() as snapshot:
            finders = [snapshot.zone(info.origin) for info in self.source.zones()]
            build([finder for finder in finders if finder is not None], self.path)
        self.responder = Responder(ImageFile(self.path), UDP_SIZE)
        self.replies = memoryview(bytearray(4096))

    def image_reply(self, message: bytes) -> bytes | None:
        """None: left to the plain implementation."""
        self.responder.serve(memoryview(b"xx" + message + b"y"), self.replies)
        size = self.responder.answer(2, len(message), 3)
        return bytes(self.replies[3 : 3 + size]) if size else None

    def compare(self, message: bytes) -> bool:
        """Whether the image answered; if so it was what the plain implementation answers."""
        octets = self.image_reply(message)
        if octets is None:
            return False
        plain = self.world.engine.respond(message, UDP)
        assert plain is not None
        assert octets[:12] == plain[:12]
        assert meaning(octets) == meaning(plain)
        return True


def meaning(octets: bytes) -> object:
    """What a reply says, without regard to compression, the case of names and the order of sets."""
    message = dns.message.from_wire(octets, one_rr_per_rrset=True)
    sections = [sorted(rrset.to_text().lower() for rrset in section) for section in message.sections]
    return message.id, message.flags, message.rcode(), message.edns, message.ednsflags, message.payload, sections


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(tmp_path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=zones, subzone=st.one_of(st.none(), zones), questions=questions)
def test_the_image_answers_as_the_plain_implementation(tmp_path, zone, subzone, questions):
    both = Both(tmp_path)
    both.put(ORIGIN, [*rrsets(SMALL), *zone])
    if subzone is not None:
        inside = [each for each in subzone if each.name.is_subdomain(SUBZONE)]
        both.put(SUBZONE, [*rrsets(SMALL, "b.example."), *inside])
    both.build()
    for name, rdtype, size in questions:
        additional = [] if size is None else [packet.opt(size=size)]
        both.compare(packet.query(name.to_wire(), rdtype, additional=additional))


ZONE = """
@ SOA ns hostmaster 1 3600 900 604800 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2 | 192.0.2.3
www MX 10 ns
x.ent TXT hello
*.wild TXT any
signed NS ns.signed
ns.signed A 192.0.2.4
signed DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
alias CNAME www
bag DNAME www
"""


@pytest.fixture
def served(both: Both) -> Both:
    both.put(ORIGIN, rrsets(ZONE))
    both.build()
    return both


@pytest.mark.parametrize(
    ("name", "rdtype"),
    [
        ("www.example.", A),
        ("wWw.eXample.", MX),
        ("www.example.", TXT),
        ("nowhere.example.", A),
        ("far.from.here.nowhere.example.", A),
        ("ent.example.", A),
        ("a.b.wild.example.", TXT),
        ("a.wild.example.", A),
        ("signed.example.", A),
        ("below.signed.example.", DS),
        ("signed.example.", DS),
        ("www.example.", DS),
        ("alias.example.", CNAME),
        ("example.", 6),
        ("bag.example.", DNAME),
    ],
)
def test_the_common_answers_come_from_the_image(served, name, rdtype):
    assert served.compare(packet.query(name, rdtype))
    assert served.compare(packet.query(name, rdtype, additional=[packet.opt(size=4096)]))


@pytest.mark.parametrize(
    ("name", "rdtype"),
    [("alias.example.", A), ("a.bag.example.", A), ("www.example.", ANY), ("www.example.", RRSIG), ("other.", A)],
)
def test_the_rest_is_left_to_the_plain_implementation(served, name, rdtype):
    assert served.image_reply(packet.query(name, rdtype)) is None


def test_a_message_cut_short_anywhere_is_left(served):
    message = packet.query("www.example.", A, additional=[packet.opt(size=4096)])
    assert served.image_reply(message) is not None
    assert [end for end in range(len(message)) if served.image_reply(message[:end])] == []


def test_a_reply_that_does_not_fit_is_left(both):
    addresses = " | ".join(f"192.0.2.{number}" for number in range(60))
    both.put(ORIGIN, rrsets(f"{SMALL}\nbig A {addresses}"))
    both.build()
    query = packet.query("big.example.", A)
    assert both.image_reply(query) is None
    assert both.compare(packet.query("big.example.", A, additional=[packet.opt(size=1232)]))


def test_a_zone_that_cannot_be_answered_from_is_left(both):
    both.put(ORIGIN, rrsets(SMALL))
    both.put(SUBZONE, rrsets("www A 192.0.2.1", "b.example."))
    both.build()
    assert both.image_reply(packet.query("www.b.example.", A)) is None
    assert both.compare(packet.query("ns.example.", A))


def test_equal_sets_are_stored_once(both):
    both.put(ORIGIN, rrsets(SMALL))
    both.build()
    before = len(both.responder.image.sections[4])
    both.put(ORIGIN, [*rrsets(SMALL), *rrsets("\n".join(f"h{number} A 192.0.2.9" for number in range(100)))])
    both.build()
    assert len(both.responder.image.sections[4]) - before < 64
