"""Named counters of one process; names come from the statistics of its spec.

They are counted in the page of the instance (daemonkit/counter_page.py), once the process has one, and go on where the
process before it in this place stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from daemonkit.counter_page import CounterPage, filled, summed

HISTOGRAM = "duration:"  # how the slots of histograms begin (daemonkit/durations.py); they are no counters to show


class Share:
    """Slots that somebody alone writes, in the order it wants: a thread without the interpreter's lock, or what knows
    nothing of counters.
    """

    __slots__ = ("_moved", "names", "slots")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = filled(names)
        self.slots = memoryview(bytearray(8 * len(self.names))).cast("Q")
        self._moved: Callable[[memoryview], None] = _nobody_counts

    def count_by(self, moved: Callable[[memoryview], None]) -> None:
        """Whoever counts takes `slots`. `moved` is called with others, and returns when the old ones are left."""
        self._moved = moved

    def move(self, slots: memoryview) -> None:
        """Have the thread count in these slots from now on."""
        self._moved(slots)
        self.slots = slots


def _nobody_counts(_slots: memoryview) -> None:
    """There is no thread yet."""


class Counters:
    """A fixed set of counters, so that a misspelt name is an error and a count of zero is shown."""

    __slots__ = ("_index", "_shares", "gauges", "page", "slots")

    def __init__(self, names: Iterable[str], gauges: Collection[str] = ()) -> None:
        self._index = {name: index for index, name in enumerate(dict.fromkeys(names))}
        self.gauges = frozenset(gauges)
        self.slots = memoryview(bytearray(8 * len(self._index))).cast("Q")
        self.page: CounterPage | None = None
        self._shares: list[Share] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in the order of the slots."""
        return tuple(self._index)

    @property
    def page_names(self) -> tuple[str, ...]:
        """The names of all slots of a page of these counters: those of each share come behind the others."""
        return tuple(name for part in (self.names, *(share.names for share in self._shares)) for name in filled(part))

    def declare(self, names: Sequence[str]) -> int:
        """Add slots that no spec names, before there is a page; the index of the first. Their names must be new."""
        assert self.page is None, "the process counts in its page already"
        first = len(self._index)
        self._index |= {name: first + index for index, name in enumerate(names)}
        slots = memoryview(bytearray(8 * len(self._index))).cast("Q")
        slots[:first] = self.slots
        self.slots = slots
        return first

    def share(self, names: Sequence[str]) -> Share:
        """Have slots for somebody, before there is a page; what is counted there is added to what others count.

        Raises KeyError for a name that is not in the spec.
        """
        assert self.page is None, "the process counts in its page already"
        assert not self.gauges.intersection(names), "a gauge is one number"
        for name in names:
            self._index[name]
        share = Share(names)
        self._shares.append(share)
        return share

    def add(self, name: str, amount: int = 1) -> None:
        """Count, from whatever thread: the interpreter changes threads at calls and jumps back, and here is neither.

        Raises KeyError for a name that is not in the spec.
        """
        slots = self.slots
        index = self._index[name]
        slots[index] += amount

    def set(self, name: str, value: int) -> None:
        """Set a gauge, or what somebody else counts; raises KeyError for a name that is not in the spec."""
        self.slots[self._index[name]] = value

    def statistics(self) -> dict[str, int]:
        """A copy of all values."""
        pairs = zip(self._index, self.slots, strict=False)  # in a page there are more slots
        values = {name: value for name, value in pairs if not name.startswith(HISTOGRAM)}
        for share in self._shares:
            for name, value in summed(share.names, share.slots).items():
                values[name] += value
        return values

    def count_in(self, page: CounterPage) -> None:
        """Go on in this page, made for `page_names`.

        What was counted in the page before stays there; what was in none comes along.
        """
        self._move_shares(page)
        if self.page is None:
            for index in range(len(self._index)):
                page.slots[index] += self.slots[index]
        self.page, self.slots = page, page.slots

    def _move_shares(self, page: CounterPage) -> None:
        """To where they are in the page. What they have counted in none is added by us, not to a slot of another."""
        first = len(filled(self.names))
        for share in self._shares:
            old, end = share.slots, first + len(share.names)
            share.move(page.slots[first:end])
            first = end
            if self.page is None:
                for name, value in summed(share.names, old).items():
                    page.slots[self._index[name]] += value
