"""Whatever the zones and the question: the image answers as the plain implementation, or leaves the answer to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasrc.records import RRset
from image.layout import FRAGMENTS, MAX_CHAIN, REFUSED
from tests.datasrc.zonemaking import SMALL, rrsets, wire
from tests.image.mapping import OPEN, Both
from tests.kit import dnspacket as packet
from tests.kit.interpreted import examples

ORIGIN = dns.name.from_text("example.")
SUBZONE = dns.name.from_text("b.example.")
A, NS, CNAME, MX, TXT, AAAA, SRV, DNAME, DS, RRSIG, NSEC, ANY = 1, 2, 5, 15, 16, 28, 33, 39, 43, 46, 47, 255
BIG = tuple(wire("A", f"198.51.{number >> 8}.{number & 255}") for number in range(300))
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
# Signatures beside addresses, for glue that has some; and more addresses than there is room for.
signed_addresses = st.builds(
    lambda owner, covers: [
        RRset(owner, covers, 60, RDATA[covers]),
        RRset(owner, RRSIG, 120, (covers.to_bytes(2) + bytes(16) + ORIGIN.to_wire() + bytes(64),), covers),
    ],
    owners,
    st.sampled_from([A, AAAA]),
)
big = st.builds(
    lambda owner, count: [RRset(owner, A, 60, BIG[:count])], owners, st.sampled_from([20, 60, 255, 256, 300])
)
zones = st.lists(
    st.one_of(sets.map(lambda one: [one]), sets.map(lambda one: [one]), signed_addresses, big), max_size=14
).map(lambda parts: list({(one.name, one.rdtype, one.covers): one for part in parts for one in part}.values()))
types = st.sampled_from([*sorted(RDATA), 6, NSEC, RRSIG, ANY, 0, 65280])
questions = st.lists(st.tuples(owners, types, st.sampled_from([None, 512, 1232, 4096])), min_size=1, max_size=12)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    both = Both(tmp_path)
    yield both
    both.close()


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
        both.compare(packet.query(name.to_wire(), rdtype, additional=additional), stream=True)
    both.close()


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
alias2 CNAME Alias
alias3 CNAME alias2
to-nowhere CNAME nowhere.x.ent
away CNAME www.elsewhere.test.
to-signed CNAME a.signed
*.any-alias CNAME alias3
bag DNAME www
to-bag CNAME x.Y.bag
to-root DNAME .
far DNAME yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy.example.
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
        ("alias.example.", A),
        ("alias.example.", TXT),
        ("Alias3.example.", A),
        ("to-nowhere.example.", A),
        ("away.example.", A),
        ("to-signed.example.", A),
        ("x.any-alias.example.", A),
        ("example.", 6),
        ("bag.example.", DNAME),
        ("a.bag.example.", A),
        ("A.b.Bag.example.", MX),
        ("a.bag.example.", CNAME),
        ("a.bag.example.", ANY),
        ("to-bag.example.", A),
        ("a.to-root.example.", A),
        (f"{'x' * 63}.{'x' * 63}.{'x' * 63}.far.example.", A),
        ("www.example.", ANY),
        ("example.", ANY),
        ("ent.example.", ANY),
        ("nowhere.example.", ANY),
        ("a.wild.example.", ANY),
        ("alias.example.", ANY),
        ("signed.example.", ANY),
        ("example.", DS),
    ],
)
def test_the_common_answers_come_from_the_image(served, name, rdtype):
    assert served.compare(packet.query(name, rdtype))
    assert served.compare(packet.query(name, rdtype, additional=[packet.opt(size=4096)]))


@pytest.mark.parametrize(
    ("name", "rdtype"),
    [("www.example.", RRSIG), ("other.", A)],
)
def test_the_rest_is_left_to_the_plain_implementation(served, name, rdtype):
    assert served.image_reply(packet.query(name, rdtype)) is None


def test_a_message_cut_short_anywhere_is_left(served):
    message = packet.query("www.example.", A, additional=[packet.opt(size=4096)])
    assert served.image_reply(message) is not None
    assert [end for end in range(len(message)) if served.image_reply(message[:end])] == []


def test_a_reply_that_does_not_fit_is_truncated_and_comes_whole_over_tcp(both):
    addresses = " | ".join(f"192.0.2.{number}" for number in range(60))
    both.put(ORIGIN, rrsets(f"{SMALL}\nbig A {addresses}"))
    both.build()
    query = packet.query("big.example.", A)
    assert dns.message.from_wire(both.image_reply(query)).flags & dns.flags.TC
    assert both.compare(query)
    assert both.compare(query, stream=True)
    assert both.compare(packet.query("big.example.", A, additional=[packet.opt(size=1232)]))


def test_a_chain_that_comes_round_ends_there(both):
    both.put(
        ORIGIN, rrsets(f"{SMALL}\na CNAME b\nb CNAME a\nself CNAME self\nx.bag TXT x\nbag DNAME a\na.a CNAME a.bag")
    )
    both.build()
    for name, links in (("a.example.", 2), ("self.example.", 1), ("a.a.example.", 2)):
        assert both.compare(packet.query(name, A))
        reply = dns.message.from_wire(both.image_reply(packet.query(name, A)))
        assert sum(rrset.rdtype == CNAME for rrset in reply.answer) == links


@pytest.mark.parametrize("length", [8, 15, 16, 17, 18, 40])
def test_a_long_chain_is_followed_as_far_as_the_plain_implementation_goes(both, length):
    links = "\n".join(f"l{number} CNAME l{number + 1}" for number in range(length))
    both.put(ORIGIN, rrsets(f"{SMALL}\n{links}\nl{length} A 192.0.2.1"))
    both.build()
    query = packet.query("l0.example.", A)
    assert both.compare(query)
    answer = dns.message.from_wire(both.image_reply(query)).answer
    assert len(answer) == min(length, MAX_CHAIN) + 1


def test_a_dname_that_a_chain_passes_twice_is_sent_once(both):
    both.put(ORIGIN, rrsets(f"{SMALL}\nbag DNAME www\na.www CNAME b.bag\nb.www CNAME c.bag\nc.www A 192.0.2.1"))
    both.build()
    query = packet.query("a.bag.example.", A)
    assert both.compare(query)
    answer = dns.message.from_wire(both.image_reply(query)).answer
    assert sum(rrset.rdtype == DNAME for rrset in answer) == 1


def test_a_chain_goes_on_in_other_zones(both):
    both.put(ORIGIN, rrsets(f"{SMALL}\na CNAME www.b"))
    both.put(SUBZONE, rrsets(f"{SMALL}\nwww CNAME a.example.org.\n", "b.example."))
    both.put(dns.name.from_text("example.org."), rrsets(f"{SMALL}\na A 192.0.2.77", "example.org."))
    both.build()
    assert both.compare(packet.query("a.example.", A))
    assert both.compare(packet.query("a.example.", MX))


def test_ds_at_an_apex_is_asked_of_the_zone_above_if_it_has_the_cut(both):
    secured = "DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000"
    both.put(ORIGIN, rrsets(f"{SMALL}\nb NS ns\nb {secured}\nbag DNAME ns"))
    both.put(SUBZONE, rrsets(SMALL, "b.example."))
    for name in ("c.example.", "d.c.example.", "e.bag.example.", "alone.test."):
        both.put(dns.name.from_text(name), rrsets(SMALL, name))
    both.build()
    for name in ("b.example.", "alone.test.", "example."):
        assert both.compare(packet.query(name, DS))
        both.compare(packet.query(name, DS, additional=[packet.opt(flags=packet.DO)]))
    for name in ("c.example.", "d.c.example.", "e.bag.example."):
        assert both.compare(packet.query(name, DS))  # no cut above: the zone itself answers


def test_restricted_zones_are_left(both):
    both.put(ORIGIN, rrsets(f"{SMALL}\na CNAME www.b"))
    both.put(SUBZONE, rrsets(f"{SMALL}\nwww A 192.0.2.1\n", "b.example."))
    both.build()
    both.restrict([SUBZONE])
    assert both.image_reply(packet.query("www.b.example.", A)) is None
    assert both.image_reply(packet.query("a.example.", A)) is None
    assert both.compare(packet.query("ns.example.", A))


def test_what_a_hook_is_to_see_is_left(both):
    both.put(ORIGIN, rrsets(f"{SMALL}\na CNAME www.b"))
    both.put(SUBZONE, rrsets(f"{SMALL}\nwww A 192.0.2.1\n", "b.example."))
    both.build()
    questions = [packet.query(name, A) for name in ("ns.example.", "www.b.example.", "a.example.")]
    for own, usual, expected in ((None, OPEN, [True, False, False]), (OPEN, None, [False, True, False])):
        both.list({SUBZONE: own}, usual) if usual else both.list({SUBZONE: own, ORIGIN: None})
        assert [both.image_reply(question) is not None for question in questions] == expected
        assert all(both.compare(question) for question, seen in zip(questions, expected, strict=True) if seen)


def test_names_of_a_listed_zone_that_is_missing_are_not_answered_from_the_zone_above(both):
    both.put(ORIGIN, rrsets(f"{SMALL}\na CNAME www.b"))
    both.build()
    both.list({SUBZONE: OPEN, ORIGIN: OPEN})
    assert both.image_reply(packet.query("www.b.example.", A)) is None
    assert both.image_reply(packet.query("a.example.", A)) is None
    assert both.compare(packet.query("ns.example.", A))


def test_a_zone_that_cannot_be_answered_from_is_left(both):
    both.put(ORIGIN, rrsets(SMALL))
    both.put(SUBZONE, rrsets("www A 192.0.2.1", "b.example."))
    both.build()
    assert both.image_reply(packet.query("www.b.example.", A)) is None
    assert both.compare(packet.query("ns.example.", A))


def test_equal_sets_are_stored_once(both):
    both.put(ORIGIN, rrsets(SMALL))
    both.build()
    before = both.image.sections[FRAGMENTS][1]
    both.put(ORIGIN, [*rrsets(SMALL), *rrsets("\n".join(f"h{number} A 192.0.2.9" for number in range(100)))])
    both.build()
    assert both.image.sections[FRAGMENTS][1] - before < 64


def test_what_is_left_is_not_refused_by_the_policy_of_all_zones(both):
    """It may be no zone any more: then its names are those of the zone above."""
    both.put(ORIGIN, rrsets(SMALL))
    both.put(SUBZONE, [])  # without data: left
    both.build()
    question = packet.query("www.b.example.", A)
    both.list({ORIGIN: OPEN}, usual=[{"action": "REJECT"}])
    assert both.image_reply(question) is None
    both.list({ORIGIN: OPEN, SUBZONE: [{"action": "REJECT"}]})
    reply = both.image_reply(question)
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == REFUSED
