"""The zones of the configuration as compiled code knows them: those it must leave, and those it counts in.

What the loops go by is never changed. Where a revision changes a few zones of 100 000, what is made for it has nearly
all in common with what was there before, in the time that the few take.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from auth.access_lists import AccessLists
from auth.image_engine import ImageEngine
from auth.zones import ZoneTable
from datasrc.keys import wire_of
from image.layout import HALF
from image.listing import Listing, OriginReader
from image.responder import Responder


@dataclass(frozen=True, slots=True)
class Listed:
    """What there is for the zones of one revision, and for hashes of one seed."""

    zones: ZoneTable
    seed: int
    listing: Listing
    lists: AccessLists
    usual: int  # who may ask for zones that are not listed

    def is_of(self, zones: ZoneTable, seed: int) -> bool:
        """Whether it is right for these."""
        return self.zones is zones and self.seed == seed

    def tell(self, responder: Responder, engine: ImageEngine) -> None:
        """Have a responder leave what it must, and what it answers be counted. From the thread of both."""
        responder.heed(self.listing, self.usual, self.lists.words, int(self.lists.are_there))
        rows = self.zones.rows
        if rows is None:
            engine.zone_tally.rest()
        else:
            engine.zone_tally.heed(rows.slots)

    def changed(self, zones: ZoneTable, touched: Collection[bytes]) -> Listed:
        """The same for another revision, which differs in what it says of the zones of these keys, and of those not
        listed.
        """
        had_no_rows = bool(self.zones.counted) and self.zones.rows is None and zones.rows is not None
        if had_no_rows or self.lists.are_many:
            return list_zones(zones, self.seed)
        reader = OriginReader(self.seed)
        numbers = {
            reader.hash_of(wire_of(key)): _number(zones, key, self.lists) if key in zones.listed else None
            for key in touched
        }
        listing = self.listing.changed(numbers) if numbers else self.listing
        return Listed(zones, self.seed, listing, self.lists, self.lists.place(zones.default))


def list_zones(zones: ZoneTable, seed: int) -> Listed:
    """Make it for all zones. Blocks: 0.3 s for 100 000."""
    lists = AccessLists()
    reader = OriginReader(seed)
    places = {number: lists.place(policy) for number, policy in {id(one): one for one in zones.listed.values()}.items()}
    rows = {} if zones.rows is None else zones.rows.of
    numbers = (
        (reader.hash_of(wire_of(key)), places[id(policy)] | _row(rows.get(key)) << HALF)
        for key, policy in zones.listed.items()
    )
    listing = Listing.of(numbers, len(zones.listed))
    usual = lists.place(zones.default)
    lists.settle()
    return Listed(zones, seed, listing, lists, usual)


def _number(zones: ZoneTable, key: bytes, lists: AccessLists) -> int:
    """What the listing says of a listed zone."""
    row = None if zones.rows is None else zones.rows.of.get(key)
    return lists.place(zones.listed[key]) | _row(row) << HALF


def _row(row: int | None) -> int:
    return 0 if row is None else row + 1
