"""Which zones are served to whom: the configuration of zones beside the data of the data sources.

Every zone of a data source is served without being listed; a zone that is listed and has no data is ours all the same,
so that its names get SERVFAIL and not an answer from a zone above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import dns.name
from dns.edns import EDECode
from dns.name import Name
from dns.rdatatype import RdataType

from auth.acl import ACCEPT_ALL, Acl, Action, Requester
from auth.errors import Broken, Dropped, NotServed, Prohibited, Unusable
from datasrc.keys import depth, name_key, path
from datasrc.records import Match, ZoneState
from datasrc.source import Finder, Snapshot

NO_DATA = "no zone data loaded"  # told to clients
LISTED_ONLY = "it is configured, but no data source has it"  # told to operators


@dataclass(frozen=True, slots=True)
class ZonePolicy:
    """What the configuration says about one zone."""

    query_acl: Acl = ACCEPT_ALL
    statistics: bool = False
    hook: bool = False  # each answer is shown to the answer hook


@dataclass(frozen=True, slots=True)
class ZoneRows:
    """Where zones are counted: their rows in a mapped file (daemonkit/zone_page.py), of words of 64 bits."""

    of: Mapping[bytes, int]  # by their keys
    slots: memoryview


@dataclass(frozen=True, slots=True)
class ZoneTable:
    """The policies of the zones that are listed, and of all others; zones are told by their keys (datasrc.keys)."""

    listed: Mapping[bytes, ZonePolicy] = field(default_factory=dict)
    default: ZonePolicy = field(default_factory=ZonePolicy)
    counted: frozenset[bytes] = frozenset()  # listed zones that are to be counted
    rows: ZoneRows | None = None  # where; None: none is counted

    def policy(self, origin: Name) -> ZonePolicy:
        """The policy of a zone."""
        return self.listed.get(name_key(origin), self.default)

    def is_listed(self, origin: Name) -> bool:
        """Whether a zone of exactly this origin is."""
        return name_key(origin) in self.listed

    def closest_listed(self, name: Name) -> Name | None:
        """The listed origin that is the longest match of `name`."""
        if not self.listed:
            return None
        closest = next((key for key in reversed(path(name_key(name))) if key in self.listed), None)
        return None if closest is None else Name(name.labels[len(name.labels) - 1 - depth(closest) :])


class View:
    """What one client may see of the zones, at one moment."""

    def __init__(self, snapshot: Snapshot, table: ZoneTable, requester: Requester) -> None:
        self._snapshot = snapshot
        self._table = table
        self._requester = requester
        self.asked: Name | None = None  # origin of the zone the question is about

    def zone_for(self, name: Name) -> Finder:
        """The zone to answer `name` from (RFC 1034 section 4.3.2 step 2).

        Raises a Refusal or Dropped; DataSourceError where the data source fails.
        """
        finder = self._snapshot.find_zone(name)
        listed = self._table.closest_listed(name)
        if listed is not None and (finder is None or len(listed) > len(finder.info.origin)):
            self._permit(listed)
            raise Unusable(EDECode.NOT_READY, NO_DATA, listed, LISTED_ONLY)
        if finder is None:
            raise NotServed
        info = finder.info
        self._permit(info.origin)
        if info.state is ZoneState.EMPTY:
            raise Unusable(EDECode.NOT_READY, NO_DATA, info.origin, info.reason)
        if info.state is ZoneState.BROKEN:
            raise Broken(EDECode.INVALID_DATA, "zone data unusable", info.origin, info.reason)
        return finder

    def zone_for_ds(self, name: Name) -> Finder:
        """The zone to answer a DS query from: at the apex of a zone the one above, if it has the cut; else the zone
        itself, which has none (RFC 4035 section 3.1.4.1).
        """
        if name == dns.name.root or not self.is_ours(name):
            return self.zone_for(name)
        try:
            parent = self.zone_for(name.parent())
        except NotServed:
            return self.zone_for(name)
        found = parent.find(name, RdataType.DS)
        has_cut = found.match in (Match.SUCCESS, Match.NODATA) and not found.wildcard
        if has_cut:
            return parent
        if self.asked == parent.info.origin:
            self.asked = None  # it is not the zone above that answers
        return self.zone_for(name)

    def note_asked(self, origin: Name) -> None:
        """The question is about this zone."""
        if self.asked is None:
            self.asked = origin

    def is_ours(self, origin: Name) -> bool:
        """Whether a zone of exactly this origin is served or meant to be."""
        return self._table.is_listed(origin) or self._snapshot.zone(origin) is not None

    def _permit(self, origin: Name) -> None:
        self.note_asked(origin)
        action = self._table.policy(origin).query_acl.decide(self._requester)
        if action is Action.DROP:
            raise Dropped
        if action is Action.REJECT:
            raise Prohibited
