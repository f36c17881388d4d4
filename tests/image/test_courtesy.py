"""Name servers and addresses beside an answer: from images those of the plain implementation, or the query is left."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.name
import dns.rdatatype
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.client import Client, Transport
from auth.settings import Settings
from datasrc.records import RRset
from datasrc.zonetext_zone import read_zone
from tests.auth.world import UDP
from tests.datasrc.zonemaking import SMALL, rrsets, wire
from tests.image.leaving import SLACK, reason_to_leave
from tests.image.mapping import Both, meaning, size_of
from tests.kit import dnspacket as packet
from tests.kit.interpreted import examples
from tests.kit.signedzones import CHAINS, MISSING, SignedZone

FULL = Settings(minimal_responses=False)
TCP = Client("192.0.2.200", 5353, Transport.TCP, idle_timeout=10.0)
ORIGIN = dns.name.from_text("example.")
SUBZONE = dns.name.from_text("b.example.")
TC = 0x02
QUESTIONS = 150
SEED = 16  # of the signed zones
ROOM = 2 * SLACK  # octets: below the limit all must fit, whoever compresses better
A, NS, CNAME, MX, AAAA, SRV, DNAME, SVCB, HTTPS, ANY = 1, 2, 5, 15, 28, 33, 39, 64, 65, 255
RDATA = {
    A: (wire("A", "192.0.2.1"), wire("A", "192.0.2.2")),
    NS: (wire("NS", "a"), wire("NS", "a.B"), wire("NS", "ns.elsewhere.")),
    CNAME: (wire("CNAME", "a"),),
    MX: (wire("MX", "10 a.b"), wire("MX", "20 a"), wire("MX", "30 A.B"), wire("MX", "0 .")),
    AAAA: (wire("AAAA", "2001:db8::1"),),
    SRV: (wire("SRV", "1 2 3 a.b"), wire("SRV", "1 2 3 b.a.b"), wire("SRV", "0 0 0 .")),
    DNAME: (wire("DNAME", "a.a"),),
    SVCB: (wire("SVCB", "1 ."), wire("SVCB", "2 a.b"), wire("SVCB", "256 ns.elsewhere.")),
    HTTPS: (wire("HTTPS", "0 a.b"),),
}
labels = st.sampled_from([b"a", b"b", b"*", b"B", b"A"])
owners = st.lists(labels, max_size=3).map(lambda parts: dns.name.Name((*parts, *ORIGIN.labels)))
kinds = st.sampled_from([A, A, AAAA, AAAA, MX, MX, SRV, SVCB, HTTPS, NS, CNAME, DNAME])
sets = st.builds(
    lambda owner, rdtype, count: RRset(owner, rdtype, 60, RDATA[rdtype][:count]), owners, kinds, st.integers(1, 4)
)
zones = st.lists(sets, max_size=14)
questions = st.lists(
    st.tuples(owners, st.one_of(kinds, st.just(ANY)), st.sampled_from([None, 512, 1232])), min_size=1, max_size=12
)


def same_but_for_room(both: Both, message: bytes, *, stream: bool = False) -> bool:
    """Whether the image answered: the same, or, where not all fits, no more than all and at least what was asked."""
    octets = both.image_reply(message, stream=stream)
    client = TCP if stream else UDP
    plain = both.world.engine.respond(message, client)
    if octets is None:
        with both.source.snapshot() as snapshot:
            assert reason_to_leave(snapshot, both.asked(message, plain, client)) is not None
        return False
    assert plain is not None
    if meaning(octets) == meaning(plain) and octets[:12] == plain[:12]:
        return True
    assert max(len(octets), len(plain)) > (0x4000 if stream else size_of(message)) - ROOM
    if (octets[2] | plain[2]) & TC:  # it is what must be there that just fits, or does not
        return True
    everything = both.world.engine.respond(message, TCP)
    assert everything is not None
    found, expected, most = map(dns.message.from_wire, (octets, plain, everything))
    assert (found.answer, found.rcode(), found.flags) == (expected.answer, expected.rcode(), expected.flags)
    for section, complete in ((found.authority, most.authority), (found.additional, most.additional)):
        assert all(rrset in complete for rrset in section)
    return True


def test_random_zones(tmp_path_factory):
    answered = []

    @settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(zone=zones, subzone=st.one_of(st.none(), zones), questions=questions)
    def run(zone, subzone, questions):
        both = Both(tmp_path_factory.mktemp("courtesy"), FULL)
        both.put(ORIGIN, [*rrsets(SMALL), *zone])
        if subzone is not None:
            inside = [each for each in subzone if each.name.is_subdomain(SUBZONE)]
            both.put(SUBZONE, [*rrsets(SMALL, "b.example."), *inside])
        both.build()
        for name, rdtype, size in questions:
            additional = [] if size is None else [packet.opt(size=size)]
            answered.append(same_but_for_room(both, packet.query(name.to_wire(), rdtype, additional=additional)))
            message = packet.query(name.to_wire(), rdtype, additional=additional)
            answered.append(same_but_for_room(both, message, stream=True))
        both.close()

    run()
    assert sum(answered) > len(answered) / 2  # most come from the image


HOSTS = "\n".join(f"h{number} A 192.0.2.{number}" for number in range(20))
ZONE = f"""
@ SOA ns hostmaster 1 3600 900 604800 300
@ NS ns | ns.elsewhere.test.
ns A 192.0.2.1
ns AAAA 2001:db8::1
www A 192.0.2.2
mail MX 10 ns | 20 www | 30 nowhere | 40 x.wild | 50 host.second.
_s._tcp SRV 0 0 53 ns | 0 0 54 WWW
service SVCB 1 . | 2 www
service AAAA 2001:db8::2
web HTTPS 0 www
null MX 0 .
nothing SVCB 0 .
nothing A 192.0.2.9
alias CNAME mail
*.wild A 192.0.2.3
*.wild MX 5 www
cut NS ns.cut
ns.cut A 192.0.2.4
below MX 10 ns.cut
at MX 10 cut
many MX {" | ".join(f"{number} h{number}" for number in range(14))}
all MX {" | ".join(f"{number} h{number}" for number in range(13))}
bag DNAME mail
{HOSTS}
"""
SECOND = """
@ SOA ns hostmaster 1 3600 900 604800 300
@ NS ns.example.
host A 192.0.2.77
"""


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    both = Both(tmp_path, FULL)
    both.put(ORIGIN, rrsets(ZONE))
    both.put(dns.name.from_text("second."), rrsets(SECOND, "second."))
    both.build()
    yield both
    both.close()


@pytest.mark.parametrize(
    ("name", "rdtype", "hosts"),
    [
        ("mail.example.", "MX", {"ns.example.", "www.example.", "x.wild.example.", "host.second."}),
        ("alias.example.", "MX", {"ns.example.", "www.example.", "x.wild.example.", "host.second."}),
        ("_s._tcp.example.", "SRV", {"ns.example.", "www.example."}),
        ("service.example.", "SVCB", {"service.example.", "www.example.", "ns.example."}),
        ("web.example.", "HTTPS", {"www.example.", "ns.example."}),
        ("null.example.", "MX", {"ns.example."}),
        ("nothing.example.", "SVCB", {"ns.example."}),
        ("a.wild.example.", "MX", {"www.example.", "ns.example."}),
        ("www.example.", "A", {"ns.example."}),
        ("ns.example.", "A", {"ns.example."}),
        ("example.", "NS", {"ns.example."}),
        ("example.", "ANY", {"ns.example."}),
        ("host.second.", "A", {"ns.example."}),
        ("many.example.", "MX", set()),
        ("all.example.", "MX", {"ns.example.", *(f"h{number}.example." for number in range(13))}),
        ("nowhere.example.", "MX", set()),
        ("www.example.", "MX", set()),
        ("a.cut.example.", "A", {"ns.cut.example."}),
    ],
)
def test_the_hosts_that_are_named_have_their_addresses_beside_them(both, name, rdtype, hosts):
    message = packet.query(name, rdtype, additional=[packet.opt(size=1232)])
    assert both.compare(message)
    octets = both.image_reply(message)
    assert octets is not None
    assert {rrset.name.to_text().lower() for rrset in dns.message.from_wire(octets).additional} == hosts


@pytest.mark.parametrize("name", ["below.example.", "at.example."])
def test_addresses_from_below_a_cut_are_not_in_images(both, name):
    assert both.image_reply(packet.query(name, "MX")) is None


def test_what_does_not_fit_is_left_out_without_tc(both):
    message = packet.query("all.example.", "MX")
    octets = both.image_reply(message)
    assert octets is not None
    reply = dns.message.from_wire(octets)
    assert not reply.flags & dns.flags.TC
    assert len(reply.answer[0]) == 13
    assert 0 < len(reply.additional) < 13
    assert same_but_for_room(both, message)


def test_a_host_in_a_zone_that_is_left_has_the_query_left(both):
    both.restrict([dns.name.from_text("second.")])
    assert both.image_reply(packet.query("mail.example.", "MX")) is None


def test_nothing_is_added_where_it_is_not_asked_for(both):
    both.responder.courteous = 0
    octets = both.image_reply(packet.query("mail.example.", "MX"))
    assert octets is not None
    reply = dns.message.from_wire(octets)
    assert (reply.authority, reply.additional) == ([], [])


@pytest.fixture(scope="module", params=[(chain, SEED) for chain in CHAINS], ids=str)  # one costs 3 s
def signed(request, tmp_path_factory) -> Iterator[tuple[Both, SignedZone, int]]:
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    chain, seed = request.param
    folder = tmp_path_factory.mktemp("signed")
    zone = SignedZone.make(folder, chain, seed)
    both = Both(folder, FULL)
    with zone.file.open("rb") as file:
        text, findings = read_zone(file, zone.file.name, dns.name.from_text(zone.origin))
    assert not findings.errors
    both.put(dns.name.from_text(zone.origin), list(text.rrsets()))
    both.build()
    yield both, zone, seed
    both.close()


@pytest.mark.parametrize("size", [512, 1232])
def test_signed_zones(signed, size):
    both, zone, seed = signed
    answered = 0
    for name, rdtype in zone.questions(random.Random(seed + size), QUESTIONS):
        kind = dns.rdatatype.from_text(rdtype)
        signed_too = packet.query(name, kind, additional=[packet.opt(size=size, flags=packet.DO)])
        answered += same_but_for_room(both, signed_too)
        same_but_for_room(both, signed_too, stream=True)
        same_but_for_room(both, packet.query(name, kind))
    assert answered > QUESTIONS / 3, answered
