"""Which queries images may leave to the plain implementation: all others they must answer (image/README.md)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import dns.message
import dns.name
import dns.rcode
from dns.name import Name
from dns.rdatatype import RdataType

from auth.acl import Requester
from auth.answer import answer_question
from auth.client import Client, Transport
from auth.denial import prover_of
from auth.edns import MIN_UDP_SIZE
from auth.errors import Dropped, NotServed, Refusal, Unprovable, Unusable
from auth.settings import Settings
from auth.wire import Question
from auth.zones import View, ZoneTable
from datasrc.errors import DataSourceError
from datasrc.nsec3 import hashed_key, read_parameters
from datasrc.records import Match, ZoneState
from datasrc.source import Finder, Snapshot
from image import layout

NEVER = {0, layout.OPT, layout.SIG, layout.RRSIG, *range(layout.FIRST_META, layout.LAST_META)}
HOSTS = {layout.NS: 0, layout.MX: 2, layout.SRV: 6, layout.SVCB: 2, layout.HTTPS: 2}  # octets before the name
SLACK = 100  # octets by which the two implementations may differ: they compress in other ways
MAX_COUNT = 255  # records of a set in an image
MAX_OCTETS = 0x3FFF
OPTION_HEAD = 4  # octets of an EDNS option before its content
# Why a refusal may be left.
NOBODY_VOUCHES = "a name of no zone, and nobody vouches for that just now"
NO_ROOM = "an extended error that does not fit"
UNUSABLE = "a zone that cannot be answered from"
NO_PROOF = "a chain that proves nothing"


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, the reply of the plain implementation, and what both go by."""

    message: bytes
    plain: bytes | None
    client: Client
    settings: Settings = field(default_factory=Settings)
    zones: ZoneTable = field(default_factory=ZoneTable)
    vouched: bool = False  # the directory vouches that names it has no zone for are in none

    @property
    def stream(self) -> bool:
        """Whether it comes over TCP."""
        return self.client.transport is Transport.TCP


def reason_to_leave(snapshot: Snapshot, asked: Asked) -> str | None:
    """Why a query may be left; None: it must be answered."""
    query = dns.message.from_wire(asked.message)
    (question,) = query.question
    if question.rdtype in NEVER:
        return "a type that images never answer"
    refusal = refusal_of(snapshot, query, asked)
    if refusal is not None:
        return reason_to_leave_refusal(refusal, asked)
    if asked.plain is None:
        return None
    reply = dns.message.from_wire(asked.plain)
    if asked.stream and len(asked.plain) > layout.POINTER_REACH - SLACK:
        return "pointers do not reach that far"
    if asked.stream and any(len(rrset) > MAX_COUNT for section in reply.sections for rrset in section):
        return "a set of very many records"
    glue = [len(rrset) for rrset in reply.additional]
    if asked.stream and (sum(glue) > MAX_COUNT or max(glue, default=0) >= MAX_COUNT):
        return "glue of very many records"
    names = [question.name]
    names += [rrset[0].target for rrset in reply.answer if rrset.rdtype == layout.CNAME]
    dnssec = bool(query.ednsflags & dns.flags.DO)
    for name in names:
        reason = _at(snapshot, name, question.rdtype, dnssec=dnssec)
        if reason is not None:
            return reason
    if not asked.settings.minimal_responses and _names_hidden_hosts(snapshot, reply):
        return "a host below a cut"
    return None


def refusal_of(snapshot: Snapshot, query: dns.message.Message, asked: Asked) -> Exception | None:
    """What the plain implementation raises instead of an answer from data; None: it has one."""
    (question,) = query.question
    view = View(snapshot, asked.zones, Requester(ipaddress.ip_address(asked.client.address)))
    asks = Question(question.name, question.rdtype, question.rdclass)
    try:
        dnssec = bool(query.ednsflags & dns.flags.DO)
        answer_question(asks, view, asked.settings, layout.MAX_MESSAGE, dnssec_ok=dnssec)
    except (Refusal, Dropped, DataSourceError) as refusal:
        return refusal
    return None


def reason_to_leave_refusal(refusal: Exception, asked: Asked) -> str | None:
    """Why a query that is refused so may be left. Images know who may ask, and names of no zone, if one vouches."""
    if isinstance(refusal, NotServed) and not asked.vouched:
        return NOBODY_VOUCHES
    if isinstance(refusal, Unprovable):
        return NO_PROOF
    if isinstance(refusal, Unusable | DataSourceError):
        return UNUSABLE
    return NO_ROOM if _has_no_room_for_error(asked.plain) else None


def _has_no_room_for_error(plain: bytes | None) -> bool:
    """Whether a refusal tells by TC that it had no room to say why (RFC 8914 section 3)."""
    if plain is None or not plain[2] & layout.TC:
        return False
    return len(plain) + OPTION_HEAD + layout.EDE_OCTETS > MIN_UDP_SIZE


def _at(snapshot: Snapshot, name: Name, rdtype: int, *, dnssec: bool) -> str | None:
    """Why a step of the answer, for this name, may be left."""
    finders = [snapshot.find_zone(name)]
    if rdtype == RdataType.DS and name != dns.name.root:
        finders.append(snapshot.find_zone(name.parent()))
    for finder in finders:
        if finder is None:
            continue
        found = finder.find(name, rdtype)
        encloser = found.closest_encloser
        if found.wildcard:
            star = Name((b"*", *encloser.labels))
            if finder.rrset(star, RdataType.NS) or finder.rrset(star, RdataType.DNAME):
                return "a wildcard that is a cut or has a DNAME"
        if dnssec and (found.match is not Match.SUCCESS or found.wildcard):
            try:
                prover = prover_of(finder)
            except Unprovable:
                return NO_PROOF
            if prover is None:
                return "a zone without a chain, though there may be signatures" if _has_signs(finder) else None
            if not _is_in_chain(finder, encloser if found.match is Match.NXDOMAIN or found.wildcard else name):
                return "an encloser that opt-out left out"
    return None


def _has_signs(finder: Finder) -> bool:
    """Whether the image takes it for signed, though it has no chain."""
    signs = {RdataType.DS, RdataType.RRSIG, RdataType.NSEC3PARAM, RdataType.NSEC, RdataType.NSEC3}
    return any(rrset.rdtype in signs for rrset in finder.rrsets())


def _is_in_chain(finder: Finder, name: Name) -> bool:
    """Whether a name has a record in the chain of NSEC3, if there is one."""
    announced = finder.rrset(finder.info.origin, RdataType.NSEC3PARAM)
    if announced is None:
        return True
    parameters, _ = read_parameters(announced.rdatas[0])
    label = hashed_key(name, parameters)[:-1]
    return finder.rrset(Name((label, *finder.info.origin.labels)), RdataType.NSEC3) is not None


def _names_hidden_hosts(snapshot: Snapshot, reply: dns.message.Message) -> bool:
    """Whether a host that the answer names, or a server of its zone, is where images have nothing."""
    for rrset in reply.answer:
        named = [(rrset.name, int(rrset.rdtype), [record.to_wire() for record in rrset])]
        finder = snapshot.find_zone(rrset.name)
        servers = None if finder is None else finder.rrset(finder.info.origin, RdataType.NS)
        if servers is not None:
            named.append((servers.name, servers.rdtype, list(servers.rdatas)))
        for owner, rdtype, rdatas in named:
            if rdtype in HOSTS:
                targets = [dns.name.from_wire(rdata, HOSTS[rdtype])[0] for rdata in rdatas]
                if any(_is_hidden(snapshot, owner if one == dns.name.root else one) for one in targets):
                    return True
    return False


def _is_hidden(snapshot: Snapshot, host: Name) -> bool:
    """Whether images do not have what there is of a host."""
    finder = snapshot.find_zone(host)
    if finder is None:
        return False
    if finder.info.state is not ZoneState.READY:
        return True
    found = finder.find(host, RdataType.A)
    star = Name((b"*", *found.closest_encloser.labels))
    is_end = finder.rrset(star, RdataType.NS) is not None or finder.rrset(star, RdataType.DNAME) is not None
    return found.match in (Match.DELEGATION, Match.DNAME) or (found.wildcard and is_end)
