"""Counting in zones, as far as they are to be counted: in rows of a mapped file (zone_page.py).

Plain Python; zone_tally.pxd adds the types.
"""

from __future__ import annotations

from auth.counted import FIRST_PART, PART_WORDS, ROW_WORDS
from auth.reply_tally import ReplyTally


class ZoneTally(ReplyTally):
    """Counts of one thread, in the zone that was chosen last."""

    def __init__(self, part: int) -> None:
        """`part` is that of the thread."""
        super().__init__()
        self.part = part
        self.counting = 0  # set while any zone is counted

    def heed(self, slots: memoryview) -> None:
        """Count in the rows of these slots from now on."""
        self.counts = slots
        self.counting = 1

    def rest(self) -> None:
        """Count in no zone."""
        self.counting = 0

    def choose_row(self, row: int) -> int:
        """Count in the zone of this row."""
        self.at = row * ROW_WORDS + FIRST_PART + self.part * PART_WORDS
        return 0
