"""Counting in zones, as far as they are to be counted: by the hash of the origin, in a mapped file (zone_page.py).

Plain Python; zone_tally.pxd adds the types.
"""

from __future__ import annotations

from auth.counted import FIRST_PART, PART_WORDS, ROW_WORDS
from auth.reply_tally import ReplyTally
from image.layout import HALF, NOT_LISTED
from image.listing import NO_TABLE, Listing


class ZoneTally(ReplyTally):
    """Counts of one thread, in the zone that was chosen last."""

    def __init__(self, part: int) -> None:
        """`part` is that of the thread."""
        super().__init__()
        self.part = part
        self.listing = Listing(NO_TABLE)
        self.counting = 0  # set while any zone is counted

    def heed(self, listing: Listing, slots: memoryview) -> None:
        """Count in the zones that have a row in this listing from now on, in these slots."""
        self.listing = listing
        self.counts = slots
        self.counting = 1

    def rest(self) -> None:
        """Count in no zone."""
        self.counting = 0

    def choose(self, value: int) -> int:
        """Count in the zone whose origin has this hash; 0 where it is not counted."""
        number = self.listing.find(value)
        if number == NOT_LISTED or number >> HALF == 0:
            return 0
        self.choose_row((number >> HALF) - 1)
        return 1

    def choose_row(self, row: int) -> int:
        """Count in the zone of this row."""
        self.at = row * ROW_WORDS + FIRST_PART + self.part * PART_WORDS
        return 0
