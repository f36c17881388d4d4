"""Why a query is answered as it is: the command `explain`. Nothing is decided here; `observing` watches who does."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import dns.exception
import dns.name
import dns.rdatatype
import msgspec
from dns.name import Name
from dns.rdatatype import RdataType

from auth import api
from auth.client import Client, Transport
from auth.engine import Serving
from auth.observing import Decision, Step, observe
from auth.options import DEFAULT_TEMPLATE
from auth.signature import sign_request
from auth.status import IMAGE
from daemonkit.option_addresses import parse_endpoint
from daemonkit.spec import Spec
from datasrc.errors import DataSourceError
from datasrc.records import Match, ZoneState
from datasrc.source import DataSource
from image.zonerecord import ZoneRecord
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


class Imaged(Protocol):
    """What images answer (auth.images.Images)."""

    async def answer(self, message: bytes, client: Client) -> bytes | None:
        """The reply, empty where none is sent; None where they leave the message."""

    async def records(self, origins: Sequence[Name]) -> list[ZoneRecord | None]:
        """The record of each zone that is answered from an image."""


class Holders(Protocol):
    """Where zones come from."""

    def holder_of(self, origin: Name) -> tuple[str, DataSource] | None:
        """The name of the data source a zone is answered from, and that source."""


def explain(
    request: api.Explain, serving: Serving, sources: Holders, listening: Sequence[str], spec: Spec
) -> api.Explained:
    """Answer the query of a client that is only pretended, and tell how that came about. Blocks."""
    name, rdtype = _question(request)
    wire, client = query_of(request, serving)
    reply, seen = observe(serving, spec, rdtype, lambda engine: engine.respond(wire, client))
    return api.Explained(
        name=name.to_text(),
        rdtype=dns.rdatatype.to_text(rdtype),
        listening=tuple(listening),
        taken_by=tuple(one for one in listening if _takes(one, request)),
        steps=tuple(_step(step, serving, sources) for step in seen.steps),
        notes=tuple(seen.notes),
        reply=_reply_of(reply),
        hook=any(_has_hook(step, serving) for step in seen.steps[:1]),
    )


def query_of(request: api.Explain, serving: Serving) -> tuple[bytes, Client]:
    """The message that is asked about, and the client that is pretended. Raises Refused."""
    import dns.flags
    import dns.message

    name, rdtype = _question(request)
    _check_addresses(request)
    query = dns.message.make_query(name, rdtype, use_edns=0, want_dnssec=request.dnssec, payload=request.udp_size)
    query.flags &= ~dns.flags.RD
    client = Client(request.client, CLIENT_PORT, Transport.TCP if request.tcp else Transport.UDP)
    return _signed(query.to_wire(), request, serving), client


async def with_images(found: api.Explained, images: Imaged, message: bytes, client: Client, by: str) -> api.Explained:
    """An explanation with who answers; where images do, with what they answer. `by` is who does where they do not."""
    reply = await images.answer(message, client)
    origins = list({step.zone.origin for step in found.steps if step.zone is not None})
    records = await images.records([dns.name.from_text(origin) for origin in origins])
    there = {origin: record for origin, record in zip(origins, records, strict=True) if record is not None}
    steps = tuple(_as_image(step, there, answers=reply is not None) for step in found.steps)
    if reply is None:
        return msgspec.structs.replace(found, by=by, steps=steps)
    return msgspec.structs.replace(found, by=IMAGE, steps=steps, reply=_reply_of(reply), notes=())


def _as_image(step: api.ExplainedStep, there: Mapping[str, ZoneRecord], *, answers: bool) -> api.ExplainedStep:
    """A step with the zone as its image has it, if that `answers` or the data source cannot."""
    record = None if step.zone is None else there.get(step.zone.origin)
    if step.zone is None or record is None or (not answers and step.zone.state == ZoneState.READY.value):
        return step
    return msgspec.structs.replace(step, zone=_image_of(step.zone, record))


def _image_of(zone: api.ExplainedZone, record: ZoneRecord) -> api.ExplainedZone:
    """A zone as its image has it; where the data source cannot be used, or is ahead, with that beside it."""
    reason = f"{zone.reason}; serial {record.serial} goes on being served" if zone.reason else ""
    written = zone.written if zone.version == record.version else None
    if not reason and zone.serial != record.serial:
        reason = f"the data source has serial {zone.serial}, of which there is no image yet"
    return msgspec.structs.replace(
        zone,
        version=record.version,
        serial=record.serial,
        records=record.records,
        state=ZoneState.READY.value,
        reason=reason,
        written=written,
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
    listed = serving.zones.is_listed(decision.origin)
    name = decision.origin.to_text(omit_final_dot=decision.origin != dns.name.root)
    place = f"zones.{name}.query_acl" if listed else f"templates.{DEFAULT_TEMPLATE}.query_acl"
    return api.ExplainedAcl(place, decision.action.value, decision.rule, decision.source)


def _reply_of(wire: bytes | None) -> api.ExplainedReply | None:
    import dns.message  # what answers does without it

    return _reply(dns.message.from_wire(wire, keyring=False), len(wire)) if wire else None


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
