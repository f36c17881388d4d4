"""Which queries images may leave to the plain implementation: all others they must answer (image/README.md)."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rcode
from dns.name import Name
from dns.rdatatype import RdataType

from auth.denial import prover_of
from auth.errors import Unprovable
from datasrc.nsec3 import hashed_key, read_parameters
from datasrc.records import Match, ZoneState
from datasrc.source import Finder, Snapshot
from image import layout

NEVER = {0, layout.OPT, layout.SIG, layout.RRSIG, *range(layout.FIRST_META, layout.LAST_META)}
HOSTS = {layout.NS: 0, layout.MX: 2, layout.SRV: 6, layout.SVCB: 2, layout.HTTPS: 2}  # octets before the name
SLACK = 100  # octets by which the two implementations may differ: they compress in other ways
MAX_COUNT = 255  # records of a set in an image
MAX_OCTETS = 0x3FFF


def reason_to_leave(
    snapshot: Snapshot, message: bytes, plain: bytes | None, *, stream: bool, courteous: bool
) -> str | None:
    """Why a query whose answer is that may be left; None: it must be answered."""
    query = dns.message.from_wire(message)
    (question,) = query.question
    if question.rdtype in NEVER:
        return "a type that images never answer"
    if plain is None:
        return "it gets no reply"
    reply = dns.message.from_wire(plain)
    if reply.rcode() in (dns.rcode.REFUSED, dns.rcode.SERVFAIL):
        return "a name in no zone that can be answered from"
    if stream and len(plain) > layout.POINTER_REACH - SLACK:
        return "pointers do not reach that far"
    if stream and any(len(rrset) > MAX_COUNT for section in reply.sections for rrset in section):
        return "a set of very many records"
    glue = [len(rrset) for rrset in reply.additional]
    if stream and (sum(glue) > MAX_COUNT or max(glue, default=0) >= MAX_COUNT):
        return "glue of very many records"
    names = [question.name]
    names += [rrset[0].target for rrset in reply.answer if rrset.rdtype == layout.CNAME]
    dnssec = bool(query.ednsflags & dns.flags.DO)
    for name in names:
        reason = _at(snapshot, name, question.rdtype, dnssec=dnssec)
        if reason is not None:
            return reason
    if courteous and _names_hidden_hosts(snapshot, reply):
        return "a host below a cut"
    return None


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
                return "a chain that proves nothing"
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
