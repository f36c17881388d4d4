"""Who announces an address: AS numbers and prefix, from a Cymru-style DNS service or from RIPE's RIS whois.

The sources a profile lists are tried in order; the first that does not fail decides. Whether they are quick, and how
often they are asked, is the matter of the door and the cache behind the context.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
from dns.rdtypes.txtbase import TXTBase

from health.engine.addresses import Network
from health.engine.context import Context
from health.engine.network import NoResponse

_AS_SEPARATORS = re.compile(r"[\s,/{}]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a source says of an address; `raw` is the line it said it with. No AS numbers: it knows nothing."""

    asns: tuple[int, ...] = ()
    prefix: Network | None = None
    raw: str = ""


class SourceFailed(Exception):
    """A source gave no answer, or one that cannot be read."""


async def origin(context: Context, address: str) -> Origin:
    """Who announces an address; raises SourceFailed where no source could tell."""
    style = str(context.profile.get("asn_db.style")).lower()
    failure = SourceFailed(f"the profile lists no source of style {style}")
    for source in _sources(context, style):
        try:
            return await (_whois(context, source, address) if style == "ripe" else _cymru(context, source, address))
        except SourceFailed as error:
            failure = error
    raise failure


def _sources(context: Context, style: str) -> list[str]:
    listed = context.profile.get("asn_db.sources")
    if not isinstance(listed, Mapping):
        return []
    return [str(source) for key, sources in listed.items() if str(key).lower() == style for source in sources]


async def _cymru(context: Context, source: str, address: str) -> Origin:
    """Ask for TXT at the reversed address below "origin" or "origin6" of the source (Team Cymru, IP to ASN mapping)."""
    label = b"origin6" if ":" in address else b"origin"
    digits = dns.reversename.from_address(address).labels[:-3]  # without in-addr.arpa or ip6.arpa
    name = dns.name.Name((*digits, label, *dns.name.from_text(source).labels))
    found = await context.resolve(name, dns.rdatatype.TXT)
    if found.reply is None:
        raise SourceFailed(f"{source} did not answer")
    if found.reply.rcode == dns.rcode.NXDOMAIN:
        return Origin()
    if not found.reply.noerror:
        raise SourceFailed(f"{source} answered {dns.rcode.to_text(found.reply.rcode)}")
    texts = [record.rdata for record in found.records if isinstance(record.rdata, TXTBase)]
    if not texts:
        return Origin()
    lines = [b"".join(rdata.strings).decode("ascii", "replace") for rdata in texts]
    return most_specific([cymru_line(line) for line in lines])


async def _whois(context: Context, source: str, address: str) -> Origin:
    """Ask RIPE's route information service (RISwhois): one line, " -F -M" and the address."""
    text = await context.whois(source, f" -F -M {address}")
    if isinstance(text, NoResponse):
        raise SourceFailed(f"{source} did not answer")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("%")]
    return most_specific([whois_line(line) for line in lines]) if lines else Origin()


MIN_FIELDS = 2  # the origin and the prefix


def cymru_line(line: str) -> Origin:
    """Read "asn asn | prefix | country | registry | date"; raises SourceFailed where it is not that."""
    fields = [field.strip() for field in line.split("|")]
    if len(fields) < MIN_FIELDS:
        raise SourceFailed(f"{line!r} does not have the form of an origin")
    return _origin(fields[0], fields[1], line)


def whois_line(line: str) -> Origin:
    """Read "asn <tab> prefix <tab> count"; raises SourceFailed where it is not that."""
    fields = line.split()
    if len(fields) < MIN_FIELDS:
        raise SourceFailed(f"{line!r} does not have the form of an origin")
    return _origin(fields[0], fields[1], line)


def _origin(numbers: str, prefix: str, line: str) -> Origin:
    try:
        asns = sorted({int(number) for number in _AS_SEPARATORS.split(numbers) if number})
        network = ipaddress.ip_network(prefix, strict=False)
    except ValueError as error:
        raise SourceFailed(f"{line!r} does not have the form of an origin: {error}") from error
    if not asns:
        raise SourceFailed(f"{line!r} names no AS")
    return Origin(tuple(asns), network, line)


def most_specific(found: list[Origin]) -> Origin:
    """The origin with the longest prefix."""
    return max(found, key=lambda origin: -1 if origin.prefix is None else origin.prefix.prefixlen)
