"""Whatever servers say, no case fails: replies are broken, mixed up and made up, and all cases run on them."""

from __future__ import annotations

import random

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health.engine import wire
from health.engine.context import DelegationSigner, Undelegated
from health.engine.errors import MalformedMessage
from health.engine.network import NoResponse, Silence
from health.engine.plan import all_cases
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_signing import secure

NAMES = [
    "child.example.",
    ".",
    "example.",
    "ns1.child.example.",
    "a.b.c.child.example.",
    "x.test.",
    "\\000.child.example.",
]
TYPES = ["A", "AAAA", "NS", "SOA", "CNAME", "DNAME", "MX", "TXT", "PTR", "DS", "DNSKEY", "RRSIG", "NSEC", "NSEC3",
         "NSEC3PARAM", "CDS", "CDNSKEY", "OPT", "TYPE65280", "ANY", "AXFR"]  # fmt: skip

CHAOS_A = b"\x01a\x00\x01\x02"  # an A record of class CH: a name and an address of 16 bits (RFC 1035 section 3.4)


def build():
    internet = Internet()
    internet.zone("example", {"ns1.nic.example": ["192.0.2.1"]})
    internet.zone(
        "child.example",
        {"ns1.child.example": ["192.0.2.11", "2001:db8::11"], "ns2.child.example": ["192.0.2.12"]},
        records="""
            @ 60 IN MX 10 mail
            mail 60 IN A 192.0.2.99
            @ 60 IN TXT "v=spf1 mx -all"
            @ 60 IN CDS 0 0 0 00
        """,
    )
    secure(internet, ".", "example", "child.example")
    return internet


class Fuzzed:
    """A door that changes what comes through it; the same seed changes in the same way."""

    def __init__(self, internet, seed, share, changes):
        self.internet = internet
        self.random = random.Random(seed)
        self.share = share
        self.changes = changes
        self.whois = internet.whois

    async def query(self, query):
        reply = await self.internet.query(query)
        if isinstance(reply, NoResponse) or self.random.random() > self.share:
            return reply
        octets = self.random.choice(self.changes)(self.random, reply)
        try:
            return wire.parse(octets, self.random.choice([query.address, "192.0.2.200", "not an address"]))
        except MalformedMessage as error:
            return NoResponse(self.random.choice(list(Silence)), str(error))


def flipped(rng, reply):
    octets = bytearray(reply.wire)
    for _ in range(rng.randint(1, 6)):
        octets[rng.randrange(2, len(octets))] = rng.randrange(256)
    return bytes(octets)


def cut(rng, reply):
    return reply.wire[: rng.randint(0, len(reply.wire))]


def other_header(rng, reply):
    octets = bytearray(reply.wire)
    octets[2], octets[3] = 0x80 | rng.randrange(128) & 0x07, rng.randrange(256)
    return bytes(octets)


def shuffled(rng, reply):
    records = [rrset for section in (reply.answer, reply.authority, reply.additional) for rrset in section]
    message = copied(reply)
    for rrset in records:
        message.sections[rng.randint(1, 3)].append(rrset)
    return message.to_wire(max_size=65535)


def renamed(rng, reply):
    message = copied(reply)
    for number, section in enumerate((reply.answer, reply.authority, reply.additional), 1):
        for rrset in section:
            other = dns.rrset.RRset(dns.name.from_text(rng.choice(NAMES)), rrset.rdclass, rrset.rdtype)
            other.update(rrset)
            message.sections[number].append(other)
    return message.to_wire(max_size=65535)


def made_up(rng, reply):
    """Records of any type with any octets, some well-formed for their type."""
    message = copied(reply)
    for _ in range(rng.randint(1, 6)):
        rdtype = dns.rdatatype.from_text(rng.choice(TYPES))
        octets = rng.choice(
            [b"", rng.randbytes(rng.randint(1, 60)), b"\x00" * 20, b"\x01a\x00", b"\x00\x00", b"\xc0\x0c", CHAOS_A]
        )
        rdata = dns.rdata.GenericRdata(rng.choice([dns.rdataclass.IN, dns.rdataclass.CH]), rdtype, octets)
        name = dns.name.from_text(rng.choice(NAMES))
        rrset = dns.rrset.RRset(name, rdata.rdclass, rdtype)
        rrset.add(rdata, rng.choice([0, 60, 2**31 - 1]))
        message.sections[rng.randint(1, 3)].append(rrset)
    return message.to_wire(max_size=65535)


def emptied(rng, reply):
    message = copied(reply)
    message.flags = (message.flags & ~0xF) | rng.choice([0, 1, 2, 3, 5, 9, 11])
    if rng.random() < 0.5:
        message.question.clear()
    return message.to_wire()


def unsigned_or_altered(rng, reply):
    """The octets of one record altered, the rest as it is: wrong signatures, keys and hashes."""
    message = copied(reply)
    for number, section in enumerate((reply.answer, reply.authority, reply.additional), 1):
        for rrset in section:
            octets = bytearray(rrset[0].to_digestable() if rng.random() < 0.9 else b"")
            if octets and rng.random() < 0.5:
                octets[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)
            altered = dns.rrset.RRset(rrset.name, rrset.rdclass, rrset.rdtype)
            altered.add(dns.rdata.GenericRdata(rrset.rdclass, rrset.rdtype, bytes(octets)), rrset.ttl)
            message.sections[number].append(altered)
    return message.to_wire(max_size=65535)


def copied(reply):
    message = wire.Response(reply.id)
    message.flags = reply.flags
    message.question = list(reply.question)
    message.opt = reply.opt
    return message


CHANGES = [flipped, cut, other_header, shuffled, renamed, made_up, emptied, unsigned_or_altered]
UNDELEGATED = Undelegated(
    ((dns.name.from_text("ns1.child.example"), ("192.0.2.11",)), (dns.name.from_text("x.test"), ())),
    (DelegationSigner(65535, 255, 255, "00"), DelegationSigner(1, 13, 2, "ab" * 32)),
)


def fuzz(seed, share, changes, undelegated=None):
    internet = build()
    door = Fuzzed(internet, seed, share, changes)
    entries = internet.check("child.example", *all_cases(), network=door, undelegated=undelegated)
    assert "MODULE_ERROR" not in tags(entries), arguments(entries, "MODULE_ERROR")


@pytest.mark.parametrize("change", CHANGES)
def test_no_case_fails_where_every_reply_is_changed_in_one_way(change):
    for seed in range(3):
        fuzz(seed, 1.0, [change])
        fuzz(seed, 0.3, [change])


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.05, 0.2, 0.5, 1.0]), given_servers=st.booleans())
def test_no_case_fails_whatever_servers_say(seed, share, given_servers):
    fuzz(seed, share, CHANGES, UNDELEGATED if given_servers else None)


def test_an_address_of_another_class_is_none():
    """The A record of class CH has a number for an address, which is no address of ours."""

    def with_chaos(_query, reply):
        if reply.authority:
            address = dns.rdata.from_wire(dns.rdataclass.CH, dns.rdatatype.A, CHAOS_A, 0, len(CHAOS_A))
            reply.additional.append(dns.rrset.from_rdata("ns1.child.example.", 60, address))
        return reply

    internet = build()
    for address in list(internet.hosts):
        internet.behave(address, with_chaos)
    entries = internet.check("child.example", *all_cases())
    assert "MODULE_ERROR" not in tags(entries), arguments(entries, "MODULE_ERROR")
