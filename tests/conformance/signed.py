"""Signed zones that a server under test must serve: one text, signed by BIND's tools with NSEC, NSEC3 and opt-out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rrset
import pytest

from tests.kit.dnsclient import Subject
from tests.kit.dnspacket import DO
from tests.kit.dnsreply import Reply
from tests.kit.signedzones import MISSING, sign_zone
from tests.kit.validation import validate

CHAINS = {"nsec.test": "nsec", "nsec3.test": "nsec3-salt", "optout.test": "nsec3-opt-out"}
NSEC3_ZONES = ("nsec3.test", "optout.test")

TEXT = """
$TTL 3600
@ SOA ns host 1 7200 900 604800 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
www A 192.0.2.3
www TXT "text"
a.b.c TXT "deep"
*.wild MX 10 ns
*.alias CNAME www
link CNAME www
gone CNAME nowhere
into CNAME x.sub
tree DNAME c
sub NS ns.sub
ns.sub A 192.0.2.4
secure NS ns.secure
secure DS 12345 13 2 abababababababababababababababababababababababababababababababab
ns.secure A 192.0.2.5
left.out NS ns.elsewhere.test.
""" + "".join(f'big TXT "{number:03}{"x" * 90}"\n' for number in range(8))

needs_signer = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def write(directory: Path) -> None:
    """Write the signed zones as ORIGIN.zone, where they can be signed."""
    if MISSING:
        return
    for origin, chain in CHAINS.items():
        work = directory.parent / f"keys-{origin}"
        work.mkdir()
        (directory / f"{origin}.zone").write_bytes(sign_zone(work, f"{origin}.", chain, TEXT).read_bytes())


def ask(subject: Subject, name: str, rdtype: str = "A", *, size: int = 4096, tcp: bool = True) -> Reply:
    """Ask with DO."""
    return subject.ask(name, rdtype, edns=True, edns_flags=DO, size=size, tcp=tcp)


def assert_valid(subject: Subject, name: str, rdtype: str, zone: str) -> Reply:
    """Ask with DO; a validating resolver must believe the reply."""
    reply = ask(subject, name, rdtype)
    origin = dns.name.from_text(zone)
    keys = dns.message.from_wire(ask(subject, zone, "DNSKEY").wire).answer[0]
    message = dns.message.from_wire(reply.wire)
    validate(message, dns.name.from_text(name), int(dns.rdatatype.from_text(rdtype)), origin, keys)
    return reply


def types(records: Iterable[tuple[str, str]]) -> list[str]:
    """The types of the sets of a section, in order, each once."""
    return list(dict.fromkeys(kind for _, kind in records))
