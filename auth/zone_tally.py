"""Counting in zones, as far as they are to be counted: by the hash of the origin, in a mapped file (zone_page.py).

Plain Python; zone_tally.pxd adds the types.
"""

from __future__ import annotations

from auth.counted import FIRST_PART, PART_WORDS, ROW_WORDS
from auth.reply_tally import ReplyTally
from image.layout import HALF


class ZoneTally(ReplyTally):
    """Counts of one thread, in the zone that was chosen last."""

    def __init__(self, part: int) -> None:
        """`part` is that of the thread."""
        super().__init__()
        self.part = part
        self.keys = memoryview(bytearray(8)).cast("Q")
        self.rows = memoryview(bytearray(8)).cast("Q")
        self.zones = 0  # that are counted

    def heed(self, keys: memoryview, rows: memoryview, zones: int, slots: memoryview) -> None:
        """Count in the zones of this table (image.listing.numbering) from now on, in these slots."""
        self.zones = 0
        self.keys = keys
        self.rows = rows
        self.counts = slots
        self.zones = zones

    def rest(self) -> None:
        """Count in no zone."""
        self.zones = 0

    def choose(self, value: int) -> int:
        """Count in the zone whose origin has this hash; 0 where it is not counted."""
        size = len(self.keys)
        place = ((value >> HALF) * size) >> HALF
        for _ in range(size):
            if self.keys[place] == 0:
                return 0
            if self.keys[place] == value:
                self.choose_row(self.rows[place])
                return 1
            place += 1
            if place == size:
                place = 0
        return 0

    def choose_row(self, row: int) -> int:
        """Count in the zone of this row."""
        self.at = row * ROW_WORDS + FIRST_PART + self.part * PART_WORDS
        return 0
