"""What a change of a zone does to its chain of NSEC or NSEC3 records, and which entry of it each node is linked to."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

import dns.exception
import dns.name

from datasrc.errors import NotInZone
from datasrc.nsec3 import SHA1, Parameters, hashed_key, may_be_hashed, next_key, read_parameters
from datasrc.rows import Row, name_from_wire
from datasrc.source import Finder
from image import layout
from image.chainpatch import ChainPatch
from image.errors import NotExpressible
from image.overlay import Node, Old, Overlay, Place
from image.patchnames import PatchNames
from image.patchrendering import Rendering, rdatas_of


class ChainChanges:
    """Of one change: judge() comes first, then take(), then link() and follow() of each node, then write()."""

    def __init__(self, place: Place, finder: Finder, rendering: Rendering, names: PatchNames, overlay: Overlay) -> None:
        """`finder` has the zone as it is to be."""
        self.unmatched: set[bytes] = set()  # hashes that came, whose names were not found yet
        self._place = place
        self._record = place.record
        self._finder = finder
        self._rendering = rendering
        self._names = names
        self._overlay = overlay
        self._chain: ChainPatch | None = None  # where it is concerned
        self._linked: set[bytes] = set()  # owners whose NSEC records changed
        self._following: dict[bytes, bytes] = {}  # what those name, by its key

    def judge(self, types: frozenset[int]) -> None:
        """Have the chain at hand where a change of these types concerns it.

        Raises NotExpressible where the image does not have that chain.
        """
        flags = self._record.flags
        if layout.NSEC3PARAM in types:
            raise NotExpressible("its NSEC3 parameters changed")
        for rdtype, flag in ((layout.NSEC, layout.ZONE_NSEC), (layout.NSEC3, layout.ZONE_NSEC3)):
            if rdtype in types and not flags & flag:
                raise NotExpressible("a chain changed that the image does not have")
        if flags & layout.ZONE_NSEC3 or layout.NSEC in types:
            self._chain = ChainPatch(self._place)

    def take(self, touched: Mapping[bytes, frozenset[int]]) -> None:
        """Take what changed of the chain, of all owners that changed and their types."""
        self._linked = {owner for owner, types in touched.items() if layout.NSEC in types}
        if self._chain is None or not self._chain.hashed:
            return
        for owner, types in touched.items():
            if layout.NSEC3 in types:
                self._take_hashed(owner, types, self._chain)
        self.unmatched = self._chain.came()

    def _take_hashed(self, owner: bytes, types: frozenset[int], chain: ChainPatch) -> None:
        """Take the NSEC3 record of an owner, as it is to be."""
        key = self._names.key_of(owner)
        rows = self._finder.rows_at([key])
        strange = any(layout.NSEC3 not in (row.rdtype, row.covers) for row in rows)
        if strange or types - {layout.NSEC3, layout.RRSIG} or not may_be_hashed(key) or self._has(owner):
            raise NotExpressible("a hash is the name of other records too")
        digest = base64.b32hexdecode(key[:-1].upper())
        records = [rdata for row in rows if row.rdtype == layout.NSEC3 for rdata in rdatas_of(row)]
        if not rows:
            chain.put(digest, 0, None)
            return
        try:
            (rdata,) = records
            parameters, _ = read_parameters(rdata)
            following = base64.b32hexdecode(next_key(rdata)[:-1].upper())
        except ValueError as error:
            raise NotExpressible("an NSEC3 record cannot be read, or is one of several") from error
        if parameters != self._parameters():
            raise NotExpressible("an NSEC3 record of another chain changed")
        fragment = self._rendering.render_hashed(key, rows)
        if not fragment:
            raise NotExpressible("an NSEC3 record is too large")
        chain.put(digest, self._overlay.keep(fragment), following)

    def _has(self, owner: bytes) -> bool:
        """Whether there is a node of this name."""
        old = self._overlay.find(owner)
        return old is not None and old.there

    def _parameters(self) -> Parameters:
        return Parameters(SHA1, self._record.iterations, self._record.salt)

    def link(self, owner: bytes, old: Old | None) -> int:
        """The entry of a name in the chain of NSEC3."""
        if self._chain is None or not self._chain.hashed:
            return 0
        if old is not None and old.there and (old.link or not self.unmatched):
            return old.link
        digest = base64.b32hexdecode(hashed_key(name_from_wire(owner), self._parameters())[:-1].upper())
        self.unmatched.discard(digest)
        entry = self._chain.in_image(digest)
        if entry or not self._chain.is_there(digest):
            return entry
        return self._overlay.keep(digest)

    def follow(self, owner: bytes, rows: Iterable[Row], node: Node) -> None:
        """Note what the NSEC record of a name says, if it changed; `node` is made of these rows."""
        records = [rdata for row in rows if row.rdtype == layout.NSEC for rdata in rdatas_of(row)]
        if owner not in self._linked or not records:
            return
        try:
            (rdata,) = records
            following, _ = dns.name.from_wire(rdata, 0)
            self._following[owner] = self._finder.key_of(following)
        except (ValueError, dns.exception.DNSException, NotInZone) as error:
            raise NotExpressible("an NSEC record cannot be read, or is one of several") from error
        _, fragment = node.sets.get(layout.NSEC, (0, 0))
        if not fragment:
            raise NotExpressible("an NSEC record is too large, or at a name that is not there")

    def write(self, written: Mapping[bytes, int]) -> tuple[int, int]:
        """Write what becomes of the chain; `written` are the places of nodes. Where the patch is, and its entries.

        Raises NotExpressible, DeltaFull.
        """
        chain = self._chain
        if chain is not None:
            for owner in self._linked:
                following = self._following.get(owner)
                if owner in written:
                    chain.put(self._names.key_of(owner), written[owner], following)
                elif following is not None or self._finder.row(self._names.key_of(owner), layout.NSEC) is not None:
                    raise NotExpressible("there is an NSEC record at a name that is not there")
        if chain is None or not chain.changed:
            return self._record.patch, self._record.patch_entries
        if not chain.is_whole():
            raise NotExpressible("its chain of NSEC or NSEC3 records has a gap")
        patch, entries = chain.write()
        if entries > layout.MAX_PATCH:
            raise NotExpressible(f"its chain changed at more than {layout.MAX_PATCH} places")
        return patch, entries
