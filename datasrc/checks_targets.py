"""What depends on several names of a zone: targets of NS, MX, SRV and CNAME records, and glue.

Names and targets are gathered as the zone goes by, then looked up as RFC 1034 section 4.3.2 and RFC 4592 would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.findings import Code
from datasrc.keys import APEX, WILDCARD, depth, name_key, parent, path
from datasrc.records import RRset
from datasrc.rows import name_from_wire

Note = Callable[[Code, str, RRset], None]

# What a name has, as far as targets care.
ADDRESS = 1  # A or AAAA
CNAME = 2
CUT = 4  # the NS of a delegation
DNAME = 8

# Octets before the target's name.
_TARGET_AT: dict[int, int] = {RdataType.NS: 0, RdataType.MX: 2, RdataType.SRV: 6, RdataType.CNAME: 0}
_IPV4_LABELS = re.compile(rb"(?:\x01[0-9]|\x02[0-9]{2}|\x03[0-9]{3}){4}")
_ROOT = (b"",)
_MAX_CACHED = 10_000


class NamesOfZone(Protocol):
    """What the names of a zone have; a name that only others lie below has nothing, but is there."""

    def add(self, key: bytes, has: int) -> None:
        """A name of the zone and what it has."""

    def get(self, key: bytes) -> int | None:
        """What a name has; None where it is not there."""

    def add_server(self, key: bytes) -> None:
        """A name, perhaps not there, that an NS record leads to."""

    def is_server(self, key: bytes) -> bool:
        """Whether an NS record leads to a name that is there."""


class Names:
    """The names of a zone as they are added."""

    def __init__(self) -> None:
        self._nodes: dict[bytes, int] = {APEX: 0}
        self._servers: set[bytes] = set()

    def add(self, key: bytes, has: int) -> None:
        """A name of the zone and what it has."""
        self._nodes[key] = self._nodes.get(key, 0) | has
        above = parent(key)
        while above not in self._nodes:
            self._nodes[above] = 0
            above = parent(above)

    def get(self, key: bytes) -> int | None:
        """What a name has; None where it is not there."""
        return self._nodes.get(key)

    def add_server(self, key: bytes) -> None:
        """A name, perhaps not there, that an NS record leads to."""
        self._servers.add(key)

    def is_server(self, key: bytes) -> bool:
        """Whether an NS record leads to a name that is there."""
        return key in self._servers


class Targets:
    """Names and targets of one zone; resolve() reports what does not fit together."""

    def __init__(self, origin: Name, note: Note, names: NamesOfZone) -> None:
        self._origin = origin.labels
        self._origin_key = name_key(origin)
        self._note = note
        self._names = names
        self._wanted: list[tuple[bytes, bytes, bytes, RRset]] = []  # owner and target key, target, the set
        self._aliases: dict[bytes, tuple[bytes, RRset]] = {}
        self._glue: dict[bytes, RRset] = {}
        self._keys: dict[bytes, bytes] = {}

    def add_node(self, key: bytes, has: int) -> None:
        """A name of the zone and what it has."""
        self._names.add(key, has)

    def add_glue(self, key: bytes, addresses: RRset) -> None:
        """Addresses at or below a delegation."""
        self._glue[key] = addresses

    def add_set(self, key: bytes, rrset: RRset) -> None:
        """A set the zone answers or refers with."""
        start = _TARGET_AT.get(rrset.rdtype)
        if start is None:
            return
        for rdata in rrset.rdatas:
            wire = rdata[start:]
            try:
                target = self._key(wire)
            except ValueError as error:
                self._note(Code.BAD_RDATA, f"the target is no name: {error}", rrset)
                continue
            if rrset.rdtype != RdataType.CNAME and self._is_address(wire):
                self._note(Code.TARGET_IS_ADDRESS, f"{name_from_wire(wire)} is a name, not an address", rrset)
                continue
            # Not what lies elsewhere, and not "no service" (RFC 7505 section 3, RFC 2782).
            if target.startswith(self._origin_key) and wire != b"\x00":
                self._add_target(key, target[len(self._origin_key) :], wire, rrset)

    def resolve(self) -> None:
        """Look every target up."""
        for owner, target, wire, rrset in self._wanted:
            self._check_target(owner, target, wire, rrset)
        for key, addresses in self._glue.items():
            if not self._names.is_server(key):
                self._note(Code.OCCLUDED, "addresses below a delegation that no NS record needs as glue", addresses)
        self._check_loops()

    def _add_target(self, key: bytes, target: bytes, wire: bytes, rrset: RRset) -> None:
        if rrset.rdtype == RdataType.CNAME:
            self._aliases[key] = (target, rrset)
            return
        self._wanted.append((key, target, wire, rrset))
        if rrset.rdtype == RdataType.NS:
            self._names.add_server(target)

    def _check_target(self, owner: bytes, target: bytes, wire: bytes, rrset: RRset) -> None:
        closest = APEX
        for key in path(target):
            has = self._names.get(key)
            if has is None:
                break
            if has & CUT:
                self._check_glue(owner, key, target, wire, rrset)
                return
            if has & DNAME and key != target:
                self._note(Code.TARGET_BELOW_DNAME, f"the target {name_from_wire(wire)} lies below a DNAME", rrset)
                return
            closest = key
        has = self._names.get(target if closest == target else closest + WILDCARD) or 0
        if has & CNAME:
            text = f"the target {name_from_wire(wire)} is an alias, which it must not be (RFC 2181 section 10.3)"
            self._note(Code.TARGET_IS_CNAME, text, rrset)
        elif not has & ADDRESS:
            twice = depth(self._origin_key) > 1 and target.startswith(self._origin_key)
            hint = " (is a final dot missing?)" if twice else ""
            self._note(Code.TARGET_WITHOUT_ADDRESS, f"the target {name_from_wire(wire)} has no address{hint}", rrset)

    def _check_glue(self, owner: bytes, cut: bytes, target: bytes, wire: bytes, rrset: RRset) -> None:
        """A target in a delegated part: only the delegation itself cannot do without its address (RFC 9471)."""
        if rrset.rdtype == RdataType.NS and owner == cut and not (self._names.get(target) or 0) & ADDRESS:
            text = f"no address of {name_from_wire(wire)}, without which the delegation cannot be followed"
            self._note(Code.MISSING_GLUE, text, rrset)

    def _check_loops(self) -> None:
        done: set[bytes] = set()
        for start in self._aliases:
            chain: dict[bytes, None] = {}
            key = start
            while key in self._aliases and key not in done:
                if key in chain:
                    self._note(Code.CNAME_LOOP, "this CNAME leads back to itself", self._aliases[key][1])
                    break
                chain[key] = None
                key = self._aliases[key][0]
            done.update(chain)

    def _is_address(self, wire: bytes) -> bool:
        """Whether it is four numbers, by themselves or completed with the origin."""
        return bool(_IPV4_LABELS.match(wire)) and name_from_wire(wire).labels[4:] in (_ROOT, self._origin)

    def _key(self, wire: bytes) -> bytes:
        key = self._keys.get(wire)
        if key is None:
            if len(self._keys) >= _MAX_CACHED:
                self._keys.clear()
            key = self._keys[wire] = name_key(name_from_wire(wire))
        return key
