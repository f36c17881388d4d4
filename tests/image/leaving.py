"""Which queries images may leave to the plain implementation: all others they must answer (image/README.md)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace

import dns.message
import dns.name
import dns.rrset
from dns.name import Name
from dns.rdatatype import RdataType

from auth.acl import Requester
from auth.additional import _targets, glue_sets
from auth.answer import _Walk
from auth.client import Client, Transport
from auth.edns import MIN_UDP_SIZE
from auth.errors import Dropped, NotServed, Refusal, Unprovable, Unusable
from auth.settings import Settings
from auth.wire import Question
from auth.zones import View, ZoneTable
from datasrc.errors import DataSourceError
from datasrc.records import Lookup, Match, ZoneState
from datasrc.source import Finder, Snapshot
from image import layout
from tests.image.plainzone import Zone, wire

NEVER = {0, layout.OPT, layout.SIG, layout.RRSIG, *range(layout.FIRST_META, layout.LAST_META)}
SLACK = 100  # octets by which the two implementations may differ: they compress in other ways
MAX_COUNT = 255  # records of a set in an image
MAX_OCTETS = 0x3FFF
OPTION_HEAD = 4  # octets of an EDNS option before its content
# Why a refusal may be left.
NOBODY_VOUCHES = "a name of no zone, and nobody vouches for that just now"
NO_ROOM = "an extended error that does not fit"
UNUSABLE = "a zone that cannot be answered from"
NO_PROOF = "a chain that proves nothing"
# Why an answer may be left.
NO_CHAIN = "a zone with signatures and without a chain that is whole"
LEFT_OUT = "a name below an encloser that opt-out left out"
CUT_WITHOUT_NSEC = "a delegation that the chain does not have"
WILDCARD_END = "a wildcard that is a cut or has a DNAME"


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


class Walk(_Walk):
    """The way of the plain implementation, remembered."""

    def __init__(self, question: Question, view: View, settings: Settings, room: int, *, dnssec_ok: bool) -> None:
        super().__init__(question, view, settings, room, dnssec_ok=dnssec_ok)
        self.steps: list[tuple[Finder, Name, Lookup]] = []
        self.refusal: Exception | None = None  # of the last step
        self.is_refused = False  # that was the first one

    def _step(self) -> Name | None:
        try:
            return super()._step()
        except (Refusal, Dropped, DataSourceError) as refusal:
            self.refusal = refusal
            raise

    def _take(self, finder: Finder, found: Lookup) -> Name | None:
        self.steps.append((finder, self._name, found))
        return super()._take(finder, found)


def reason_to_leave(snapshot: Snapshot, asked: Asked) -> str | None:
    """Why a query may be left; None: it must be answered."""
    query = dns.message.from_wire(asked.message)
    (question,) = query.question
    if question.rdtype in NEVER:
        return "a type that images never answer"
    dnssec = bool(query.ednsflags & dns.flags.DO)
    walk = walked(snapshot, question, asked, dnssec=dnssec)
    if walk.refusal is not None and walk.is_refused:
        return reason_to_leave_refusal(walk.refusal, asked)
    if asked.plain is None:
        return None
    reply = dns.message.from_wire(asked.plain)
    if asked.stream and len(asked.plain) > layout.POINTER_REACH - SLACK:
        return "pointers do not reach that far"
    if asked.stream and any(len(rrset) > MAX_COUNT for section in reply.sections for rrset in section):
        return "a set of very many records"
    if asked.stream and walk.steps and _has_much_glue(walk.steps[-1]):
        return "glue of very many records"
    for finder, _, found in walk.steps:
        reason = _of_step(finder, found, dnssec=dnssec)
        if reason is not None:
            return reason
    if isinstance(walk.refusal, Unusable | Unprovable | DataSourceError):
        return "an alias that leads to what cannot be answered from, or not be proven"
    if not asked.settings.minimal_responses and _names_hidden_hosts(snapshot, walk):
        return "a host below a cut"
    return None


def walked(snapshot: Snapshot, question: dns.rrset.RRset, asked: Asked, *, dnssec: bool) -> Walk:
    """What the plain implementation looks at, and where it ends."""
    view = View(snapshot, asked.zones, Requester(ipaddress.ip_address(asked.client.address)))
    asks = Question(question.name, question.rdtype, question.rdclass)
    walk = Walk(asks, view, asked.settings, layout.MAX_MESSAGE, dnssec_ok=dnssec)
    try:
        walk.run()
    except (Refusal, Dropped, DataSourceError):
        walk.is_refused = True
    return walk


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


def _has_much_glue(step: tuple[Finder, Name, Lookup]) -> bool:
    """Whether a referral has more glue than is in an image, which has the signatures behind the addresses."""
    finder, _, found = step
    if found.match is not Match.DELEGATION:
        return False
    assert found.rrset is not None
    required, others = glue_sets(finder, found.rrset, layout.MAX_MESSAGE, dnssec_ok=True)
    return sum(len(rrset.rdatas) for rrset in [*required, *others]) > MAX_COUNT


def _of_step(finder: Finder, found: Lookup, *, dnssec: bool) -> str | None:
    """Why a step of the answer may be left."""
    encloser = found.closest_encloser
    if found.wildcard:
        star = Name((b"*", *encloser.labels))
        if finder.rrset(star, RdataType.NS) or finder.rrset(star, RdataType.DNAME):
            return WILDCARD_END
    if not dnssec or not _has_signs(finder) or not _is_to_be_proven(finder, found):
        return None
    zone = Zone(finder, lambda _fragment: 1)
    zone.read()
    if not zone.flags & (layout.ZONE_NSEC | layout.ZONE_NSEC3):
        return NO_CHAIN
    if found.match is Match.DELEGATION:
        assert found.rrset is not None
        node = zone.nodes[wire(found.rrset.name).lower()]
        return CUT_WITHOUT_NSEC if zone.flags & layout.ZONE_NSEC and node.link == 0 else None
    denies_closer = found.match is Match.NXDOMAIN or (found.match is Match.NODATA and found.wildcard)
    if denies_closer and zone.flags & layout.ZONE_NSEC3 and zone.nodes[wire(encloser).lower()].link == 0:
        return LEFT_OUT
    return None


def _is_to_be_proven(finder: Finder, found: Lookup) -> bool:
    """Whether something is said not to be there: a name, a type, a closer name than a wildcard, or keys of a cut."""
    if found.match is Match.DELEGATION:
        assert found.rrset is not None
        return finder.rrset(found.rrset.name, RdataType.DS) is None
    return found.wildcard or found.match in (Match.NODATA, Match.NXDOMAIN)


def _has_signs(finder: Finder) -> bool:
    """Whether the image takes the zone for signed."""
    signs = {RdataType.DS, RdataType.RRSIG, RdataType.NSEC3PARAM, RdataType.NSEC, RdataType.NSEC3}
    return any(rrset.rdtype in signs for rrset in finder.rrsets())


def _names_hidden_hosts(snapshot: Snapshot, walk: Walk) -> bool:
    """Whether a host that the answer names, or a server of its zone, is where images have nothing."""
    finder, name, found = walk.steps[-1]
    if found.match is not Match.SUCCESS:
        return False
    answer = walk._choose_for_any(found.rrsets) if walk._rdtype == RdataType.ANY else found.rrset
    assert answer is not None
    origin = finder.info.origin
    sets = [replace(answer, name=name)]
    servers = finder.rrset(origin, RdataType.NS)
    if servers is not None and (answer.rdtype, name) != (RdataType.NS, origin):
        sets.append(servers)
    hosts = [set(_targets(one)) for one in sets]
    if len(hosts[0]) > layout.MAX_ADDITIONAL_NAMES:  # then none gets addresses
        return False
    return any(
        _is_hidden(snapshot, host) for each in hosts if len(each) <= layout.MAX_ADDITIONAL_NAMES for host in each
    )


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
