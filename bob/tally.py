"""What bob counts. It does so from the first process on, before it has read its spec and has a page for its counts."""

from __future__ import annotations

COUNTED = (  # names of specs/bob.yaml
    "starts",
    "starts.failed",
    "deaths",
    "kills",
    "restarts",
    "given_up",
    "promotions",
    "covers",
    "late",
    "sockets",
    "reloads",
    "reloads.failed",
)


class Tally:
    """Counts by name; KeyError for a name that is not in COUNTED."""

    def __init__(self) -> None:
        self.slots = memoryview(bytearray(8 * len(COUNTED))).cast("Q")
        self._index = {name: index for index, name in enumerate(COUNTED)}

    def add(self, name: str, amount: int = 1) -> None:
        """Count."""
        self.slots[self._index[name]] += amount

    def count_in(self, slots: memoryview) -> None:
        """Count in these slots from now on, which say already what was counted (daemonkit.counters.Share)."""
        self.slots = slots
