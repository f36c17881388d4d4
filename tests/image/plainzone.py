"""One zone on its way into an image: its nodes, and the chain that denies what is not there."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from dns.name import Name

from datasrc.errors import DataSourceError
from datasrc.nsec3 import MAX_ITERATIONS, SHA1, Parameters, hashed_key, next_key, read_parameters
from datasrc.records import Match, RRset, ZoneState
from datasrc.source import Finder
from image import layout
from tests.image.plainfragments import Fragment, labels

ADDRESS_TYPES = (1, 28)  # A, AAAA
_SOA_MINIMUM = struct.Struct("!I")
# A DS is told with DO whether or not anything is signed.
_SIGNED = frozenset({layout.RRSIG, layout.DNSKEY, layout.DS, layout.NSEC, layout.NSEC3PARAM, layout.SIG})
_HASHED = frozenset({layout.NSEC3, layout.RRSIG})  # of a name that exists for its hash alone


@dataclass(slots=True)
class Node:
    """A name."""

    flags: int = 0
    link: int = 0  # its entry in the chain, from 1
    sets: dict[int, tuple[int, int]] = field(default_factory=dict)  # type: flags, fragment


class Zone:
    """One zone: its nodes by the wire form of their owner, small letters; a parent may come before its children."""

    def __init__(self, finder: Finder, store: Callable[[Fragment], int]) -> None:
        """`store` keeps a fragment and tells where it is; 0 where it is too large."""
        self._finder = finder
        self._store = store
        self.origin = wire(finder.info.origin).lower()
        self._closed: set[bytes] = set()  # cuts and DNAMEs: what is below is not here
        self.nodes: dict[bytes, Node] = {}
        self.flags = 0
        self.negative = 0
        self.hosts: list[tuple[bytes, bytes]] = []  # of the zone, and a cut that names it and is not above it
        self.ends: set[int] = set()  # labels of cuts and DNAMEs
        self.nsec: list[tuple[bytes, int]] = []  # owner, fragment
        self.nsec3: list[tuple[bytes, int]] = []  # hash, fragment
        self.salt = b""
        self.iterations = 0
        self._hashed: dict[bytes, list[RRset]] = {}  # by the first label
        self._parameters: Parameters | None = None

    def read(self) -> None:
        """Read the zone. A zone that cannot be answered from is left to the plain implementation."""
        try:
            if self._finder.info.state is not ZoneState.READY:
                self.flags = layout.ZONE_LEFT
                return
            by_owner: dict[bytes, list[RRset]] = {}
            for rrset in self._finder.rrsets():
                by_owner.setdefault(wire(rrset.name).lower(), []).append(rrset)
            for owner, sets in by_owner.items():  # in canonical order: a cut comes before what is below
                self._take(owner, sets)
            self._close_chain()
        except DataSourceError:
            self.nodes.clear()
            self.flags = layout.ZONE_LEFT
            self.nsec.clear()
            self.nsec3.clear()

    def _take(self, owner: bytes, sets: list[RRset]) -> None:
        """Add a name with its sets."""
        types = {rrset.rdtype for rrset in sets}
        if types & _SIGNED:
            self.flags |= layout.ZONE_SIGNED
        if layout.NSEC3 in types:
            self._hashed[owner[1 : 1 + owner[0]]] = sets
            if types <= _HASHED:
                return
            sets = [rrset for rrset in sets if layout.NSEC3 not in (rrset.rdtype, rrset.covers)]
        if any(ancestor in self._closed for ancestor in self._ancestors(owner)):
            return
        node = self._node(owner)
        signatures = {rrset.covers: rrset for rrset in sets if rrset.rdtype == layout.RRSIG}
        if layout.CNAME in types:
            node.flags |= layout.NODE_CNAME
        visible = types - {layout.RRSIG, layout.SIG}
        if layout.NS in types and owner != self.origin:
            self._end(owner, node, layout.NODE_CUT)
            self._refer(owner, node, next(rrset for rrset in sets if rrset.rdtype == layout.NS))
            visible &= {layout.DS, layout.CNAME, layout.NSEC}
        elif layout.DNAME in types:
            self._end(owner, node, layout.NODE_DNAME)
        for rrset in sets:
            if rrset.rdtype in visible:
                self._add(owner, node, rrset, signatures.get(rrset.rdtype))

    def _add(self, owner: bytes, node: Node, rrset: RRset, signatures: RRset | None) -> None:
        # A wildcard is no end of the names it answers for.
        fragment = Fragment(owner[2:] if owner.startswith(b"\x01*") else owner)
        fragment.add(None, rrset.rdtype, rrset.ttl, rrset.rdatas)
        _sign(fragment, None, rrset.ttl, signatures)
        stored = self._store(fragment)
        node.sets[rrset.rdtype] = 0, stored
        if rrset.rdtype == layout.SOA and owner == self.origin:
            (minimum,) = _SOA_MINIMUM.unpack(rrset.rdatas[0][-_SOA_MINIMUM.size :])
            ttl = min(rrset.ttl, minimum)  # RFC 2308 section 3
            negative = Fragment(owner)
            negative.add(owner, rrset.rdtype, ttl, rrset.rdatas)
            _sign(negative, owner, ttl, signatures)
            self.negative = self._store(negative)
        if rrset.rdtype == layout.NSEC:
            self.nsec.append((owner, stored))
            node.link = len(self.nsec)

    def _end(self, owner: bytes, node: Node, flag: int) -> None:
        node.flags |= flag
        self._closed.add(owner)
        self.ends.add(labels(owner))

    def _refer(self, owner: bytes, node: Node, servers: RRset) -> None:
        """The reply to everything at or below a cut, with the glue that must be there first (RFC 9471)."""
        cut = servers.name
        fragment = Fragment(owner)
        fragment.add(wire(cut), servers.rdtype, servers.ttl, servers.rdatas)
        targets = [target_of(rdata) for rdata in servers.rdatas]
        self.hosts += [
            (wire(target).lower(), owner)
            for target in targets
            if target.is_subdomain(self._finder.info.origin) and not target.is_subdomain(cut)
        ]
        in_domain = [target for target in targets if target.is_subdomain(cut)]
        others = [target for target in targets if target not in in_domain]
        required = [(target, rrset) for target in in_domain for rrset in self._glue(target)]
        found = required + [(target, rrset) for target in others for rrset in self._glue(target)]
        glue = [(target, rrset) for target, rrset in found if not rrset.covers]
        signatures = [(target, rrset) for target, rrset in found if rrset.covers]
        if glue:
            fragment.begin_second(layout.WITH_GLUE)
        for target, rrset in glue + signatures:
            fragment.add(wire(target), rrset.rdtype, rrset.ttl, rrset.rdatas)
        flags = sum(len(rrset.rdatas) for _, rrset in required if not rrset.covers) << layout.IN_DOMAIN_SHIFT
        stored = self._store(fragment)
        if stored == 0:
            flags = 0
        elif signatures:
            flags |= layout.SET_SIGNED_GLUE
        node.sets[layout.REFERRAL] = flags, stored

    def _glue(self, target: Name) -> list[RRset]:
        if not target.is_subdomain(self._finder.info.origin):
            return []
        found = self._finder.find(target, layout.ANY, below_cuts=True)
        if found.match is not Match.SUCCESS or found.wildcard:
            return []
        addresses = {rrset.rdtype: rrset for rrset in found.rrsets if rrset.rdtype in ADDRESS_TYPES}
        signatures = [
            replace(rrset, ttl=min(rrset.ttl, addresses[rrset.covers].ttl))
            for rrset in found.rrsets
            if rrset.rdtype == layout.RRSIG and rrset.covers in addresses
        ]
        return [*addresses.values(), *signatures]

    def _close_chain(self) -> None:
        """Choose what denies, as the plain implementation does (auth/denial.py), and only if it is whole."""
        announced = self._finder.rrset(self._finder.info.origin, layout.NSEC3PARAM)
        self._parameters = next(filter(None, map(_usable, announced.rdatas if announced else ())), None)
        if self._parameters is not None:
            self._close_nsec3(self._parameters)
        elif announced is None and self._is_ring():
            self.flags |= layout.ZONE_NSEC
        if not self.flags & layout.ZONE_NSEC:
            self.nsec.clear()
        if not self.flags & (layout.ZONE_NSEC | layout.ZONE_NSEC3):
            for node in self.nodes.values():
                node.link = 0

    def _is_ring(self) -> bool:
        """Whether each NSEC record names the next one, and the last the origin."""
        owners = [owner for owner, _ in self.nsec]
        nexts = []
        for owner in owners:
            rrset = self._finder.rrset(name_of(owner), layout.NSEC)
            if rrset is None or len(rrset.rdatas) != 1:
                return False
            nexts.append(wire(target_of(rrset.rdatas[0])).lower())
        return bool(owners) and owners[0] == self.origin and nexts == [*owners[1:], self.origin]

    def _close_nsec3(self, parameters: Parameters) -> None:
        chain = []
        for label, sets in self._hashed.items():
            rrset = next(rrset for rrset in sets if rrset.rdtype == layout.NSEC3)
            try:
                if read_parameters(rrset.rdatas[0])[0] != parameters:
                    continue
                digest = base64.b32hexdecode(label.upper())
                following = next_key(rrset.rdatas[0])
            except ValueError:
                return
            if len(rrset.rdatas) != 1 or len(digest) != layout.HASH_OCTETS:
                return
            chain.append((digest, following, rrset, next((one for one in sets if one.covers == layout.NSEC3), None)))
        chain.sort(key=lambda entry: entry[0])
        keys = [base64.b32hexencode(digest).lower() + b"\0" for digest, *_ in chain]
        if not chain or [following for _, following, *_ in chain] != [*keys[1:], keys[0]]:
            return
        self.flags |= layout.ZONE_NSEC3
        self.salt, self.iterations = parameters.salt, parameters.iterations
        for digest, _, rrset, signatures in chain:
            fragment = Fragment(self.origin)
            owner = wire(rrset.name)
            fragment.add(owner, layout.NSEC3, rrset.ttl, rrset.rdatas)
            _sign(fragment, owner, rrset.ttl, signatures)
            self.nsec3.append((digest, self._store(fragment)))
        places = {key: number for number, key in enumerate(keys, 1)}
        for owner, node in self.nodes.items():
            node.link = places.get(hashed_key(name_of(owner), parameters), 0)

    def _ancestors(self, owner: bytes) -> Iterable[bytes]:
        """The names between this one and the origin, the origin included."""
        while owner != self.origin:
            owner = owner[1 + owner[0] :]
            yield owner

    def _node(self, owner: bytes) -> Node:
        """The node of a name, with those of the empty non-terminals above it (RFC 4592 section 2.2.2)."""
        node = self.nodes.get(owner)
        if node is None:
            node = self.nodes[owner] = Node()
            if owner != self.origin:
                parent = self._node(owner[1 + owner[0] :])
                if owner.startswith(b"\x01*"):
                    parent.flags |= layout.NODE_WILDCARD
        return node


def _sign(fragment: Fragment, owner: bytes | None, ttl: int, signatures: RRset | None) -> None:
    if signatures is not None:
        signed = replace(signatures, ttl=min(signatures.ttl, ttl))  # RFC 4034 section 3
        fragment.begin_second(layout.WITH_SIGNATURES)
        fragment.add(owner, signed.rdtype, signed.ttl, signed.rdatas)


def _usable(rdata: bytes) -> Parameters | None:
    """The parameters of a chain that may be used (RFC 5155 sections 4.1.2 and 7.4)."""
    try:
        parameters, flags = read_parameters(rdata)
    except ValueError:
        return None
    usable = parameters.algorithm == SHA1 and flags == 0 and parameters.iterations <= MAX_ITERATIONS
    return parameters if usable else None


def wire(name: Name) -> bytes:
    """An absolute name in wire form."""
    return b"".join(len(label).to_bytes(1) + label for label in name.labels)


def name_of(octets: bytes) -> Name:
    """The Name of a wire form."""
    return target_of(octets)


def target_of(rdata: bytes) -> Name:
    """The name at the beginning of RDATA."""
    parts, offset = [], 0
    while length := rdata[offset]:
        parts.append(rdata[offset + 1 : offset + 1 + length])
        offset += 1 + length
    return Name([*parts, b""])
