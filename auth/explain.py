"""Why a query is answered as it is: the command `explain`. Nothing is decided here; `observing` watches who does."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import dns.exception
import dns.name
import dns.rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from auth import api
from auth.client import Client, Transport
from auth.engine import Serving
from auth.observing import Decision, Step, observe
from auth.options import DEFAULT_TEMPLATE
from auth.signature import sign_request
from daemonkit.option_addresses import parse_endpoint
from daemonkit.spec import Spec
from datasrc.errors import DataSourceError
from datasrc.records import Match
from datasrc.source import DataSource
from msgq.errors import Refused

if TYPE_CHECKING:
    from dns.message import Message

CLIENT_PORT = 53000  # of the client that is pretended; nothing depends on it but that it is not 0
_RULES = {
    Match.CNAME: "cname",
    Match.DNAME: "dname",
    Match.DELEGATION: "delegation",
    Match.NXDOMAIN: "nxdomain",
}


class Holders(Protocol):
    """Where zones come from."""

    def holder_of(self, origin: Name) -> tuple[str, DataSource] | None:
        """The name of the data source a zone is answered from, and that source."""


def explain(
    request: api.Explain, serving: Serving, sources: Holders, listening: Sequence[str], spec: Spec
) -> api.Explained:
    """Answer the query of a client that is only pretended, and tell how that came about. Blocks."""
    import dns.flags
    import dns.message  # what answers does without it

    name, rdtype = _question(request)
    _check_addresses(request)
    query = dns.message.make_query(name, rdtype, use_edns=0, want_dnssec=request.dnssec, payload=request.udp_size)
    query.flags &= ~dns.flags.RD
    client = Client(request.client, CLIENT_PORT, Transport.TCP if request.tcp else Transport.UDP)
    wire = _signed(query.to_wire(), request, serving)
    reply, seen = observe(serving, spec, rdtype, lambda engine: engine.respond(wire, client))
    return api.Explained(
        name=name.to_text(),
        rdtype=dns.rdatatype.to_text(rdtype),
        listening=tuple(listening),
        taken_by=tuple(one for one in listening if _takes(one, request)),
        steps=tuple(_step(step, serving, sources) for step in seen.steps),
        notes=tuple(seen.notes),
        reply=None if reply is None else _reply(dns.message.from_wire(reply, keyring=False), len(reply)),
        hook=any(_has_hook(step, serving) for step in seen.steps[:1]),
    )


def _has_hook(step: Step, serving: Serving) -> bool:
    return step.zone is not None and serving.zones.policy(step.zone.origin).hook


def _question(request: api.Explain) -> tuple[Name, RdataType]:
    try:
        name = dns.name.from_text(request.name)
    except (dns.exception.DNSException, ValueError) as error:
        raise Refused("usage", f"{request.name!r} is no domain name: {error}") from error
    try:
        return name, dns.rdatatype.from_text(request.rdtype)
    except (dns.exception.DNSException, ValueError) as error:
        raise Refused("usage", f"{request.rdtype!r} is no record type") from error


def _signed(wire: bytes, request: api.Explain, serving: Serving) -> bytes:
    """The query as who has the key would send it."""
    if request.key is None:
        return wire
    try:
        key = serving.keys.named(request.key)
    except dns.exception.DNSException as error:
        raise Refused("usage", f"{request.key!r} is no name of a key: {error}") from error
    if key is None:
        raise Refused("not-found", f"there is no key {request.key}, or its secret cannot be read")
    return sign_request(wire, key, int(time.time()))


def _check_addresses(request: api.Explain) -> None:
    try:
        ipaddress.ip_address(request.client)
        if request.to is not None:
            parse_endpoint(request.to)
    except ValueError as error:
        raise Refused("usage", str(error)) from error


def _takes(place: str, request: api.Explain) -> bool:
    """Whether the socket at a place (`udp ADDRESS@PORT`) would get the query."""
    protocol, _, where = place.partition(" ")
    if protocol != ("tcp" if request.tcp else "udp"):
        return False
    here = parse_endpoint(where)
    if ipaddress.ip_address(here.address).version != ipaddress.ip_address(request.client).version:
        return False
    if request.to is None:
        return True
    there = parse_endpoint(request.to)
    same_address = ipaddress.ip_address(here.address).is_unspecified or here.address == there.address
    return same_address and here.port == there.port


def _step(step: Step, serving: Serving, sources: Holders) -> api.ExplainedStep:
    found, zone = step.found, step.zone
    node = None if found is None or found.rrset is None else found.rrset.name
    return api.ExplainedStep(
        name=step.name.to_text(),
        zone=None if zone is None else _zone(zone, sources),
        acl=None if step.decision is None else _acl(step.decision, serving),
        rule="" if found is None else _rule(step),
        wildcard=found is not None and found.wildcard,
        closest_encloser="" if found is None else found.closest_encloser.to_text(),
        node="" if node is None else node.to_text(),
        types=tuple(dns.rdatatype.to_text(RdataType.make(rdtype)) for rdtype in step.types),
        rrset=None if found is None or found.rrset is None else _rrset(found.rrset),
    )


def _rule(step: Step) -> str:
    """In one word which rule of RFC 1034 section 4.3.2 and RFC 4592 gave the outcome."""
    found = step.found
    assert found is not None
    if found.match is Match.SUCCESS:
        return "wildcard" if found.wildcard else "exact"
    if found.match is Match.NODATA:
        return "nodata" if step.types else "empty-non-terminal"
    return _RULES[found.match]


def _rrset(rrset: Any) -> str:
    return f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)}, {len(rrset.rdatas)} records"


def _zone(info: Any, sources: Holders) -> api.ExplainedZone:
    source, written, file = "", None, None
    try:
        holder = sources.holder_of(info.origin)
        if holder is not None:
            source = holder[0]
            file = _file(holder[1], info.origin)
            written = None if file is not None else _written(holder[1], info)
    except DataSourceError:  # it answered a moment ago; the rest is known
        written = None
    return api.ExplainedZone(
        info.origin.to_text(),
        source,
        info.version,
        info.serial,
        info.records,
        info.state.value,
        info.reason,
        written,
        file,
    )


def _file(source: DataSource, origin: Name) -> api.ReadFrom | None:
    file = source.file_of(origin)
    return None if file is None else api.ReadFrom(*file)


def _written(source: DataSource, info: Any) -> api.Written | None:
    change = source.change_of(info.origin, info.version)
    if change is None:
        return None
    who = change.provenance
    return api.Written(who.author, who.source, who.reason, change.time)


def _acl(decision: Decision, serving: Serving) -> api.ExplainedAcl:
    listed = decision.origin in serving.zones.listed
    name = decision.origin.to_text(omit_final_dot=decision.origin != dns.name.root)
    place = f"zones.{name}.query_acl" if listed else f"templates.{DEFAULT_TEMPLATE}.query_acl"
    return api.ExplainedAcl(place, decision.action.value, decision.rule, decision.source)


def _reply(message: Message, size: int) -> api.ExplainedReply:
    import dns.edns
    import dns.flags
    import dns.rcode

    errors = [option for option in message.options if isinstance(option, dns.edns.EDEOption)]
    return api.ExplainedReply(
        rcode=dns.rcode.to_text(message.rcode()),
        flags=dns.flags.to_text(message.flags),
        octets=size,
        errors=tuple(f"{error.code.name} {error.text or ''}".strip() for error in errors),
        answer=_lines(message.answer),
        authority=_lines(message.authority),
        additional=_lines(message.additional),
    )


def _lines(section: Iterable[Any]) -> tuple[str, ...]:
    return tuple(line for rrset in section for line in rrset.to_text().splitlines())
