"""What a broker has seen since it started: in slots, which may be those of a page (daemonkit/counter_page.py)."""

from __future__ import annotations


class _Slot:
    """A counter that is kept in `slots` of its owner."""

    def __set_name__(self, owner: type[Counts], name: str) -> None:
        self._index = len(owner.names)
        owner.names = (*owner.names, name)

    def __get__(self, counts: Counts, _owner: type[Counts]) -> int:
        return counts.slots[self._index]

    def __set__(self, counts: Counts, value: int) -> None:
        counts.slots[self._index] = value


class Counts:
    """Counters; the names are those of the statistics in specs/msgq.yaml."""

    names: tuple[str, ...] = ()

    calls = _Slot()
    answers = _Slot()
    refusals = _Slot()
    no_recipient = _Slot()
    recipient_died = _Slot()
    deadlines = _Slot()
    unavailable = _Slot()
    outcomes_dropped = _Slot()
    late_answers = _Slot()
    events = _Slot()
    deliveries = _Slot()
    events_dropped = _Slot()
    notices_dropped = _Slot()
    registrations = _Slot()
    rejections = _Slot()
    junk = _Slot()
    unsent = _Slot()

    def __init__(self) -> None:
        self.slots = memoryview(bytearray(8 * len(self.names))).cast("Q")

    def count_in(self, slots: memoryview) -> None:
        """Count in these slots from now on."""
        self.slots = slots
