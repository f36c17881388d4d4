"""Named counters of one process; names come from the statistics of its spec.

They are counted in the page of the instance (daemonkit/counter_page.py), once the process has one, and go on where the
process before it in this place stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from daemonkit.counter_page import CounterPage

HISTOGRAM = "duration:"  # how the slots of histograms begin (daemonkit/durations.py); they are no counters to show


class Counters:
    """A fixed set of counters, so that a misspelt name is an error and a count of zero is shown.

    A thread that runs without the interpreter's lock counts in an array of its own: `gather()` brings what is added
    there into the slots, with every heart-beat and whenever they are asked for.
    """

    __slots__ = ("_elsewhere", "_gathered", "_index", "_since", "gauges", "page", "slots")

    def __init__(self, names: Iterable[str], gauges: Collection[str] = ()) -> None:
        self._index = {name: index for index, name in enumerate(dict.fromkeys(names))}
        self.gauges = frozenset(gauges)
        self.slots = memoryview(bytearray(8 * len(self._index))).cast("Q")
        self.page: CounterPage | None = None
        self._elsewhere: list[Callable[[], Mapping[str, int]]] = []
        self._gathered: list[tuple[list[int], memoryview, list[int]]] = []  # slots, array, what of it was brought
        self._since: dict[str, int] = {}  # what those elsewhere begin from

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in the order of the slots."""
        return tuple(self._index)

    def declare(self, names: Sequence[str]) -> int:
        """Add slots that no spec names, before there is a page; the index of the first. Their names must be new."""
        assert self.page is None, "the process counts in its page already"
        first = len(self._index)
        self._index |= {name: first + index for index, name in enumerate(names)}
        slots = memoryview(bytearray(8 * len(self._index))).cast("Q")
        slots[:first] = self.slots
        self.slots = slots
        return first

    def add(self, name: str, amount: int = 1) -> None:
        """Count, from whatever thread: the interpreter changes threads at calls and jumps back, and here is neither.

        Raises KeyError for a name that is not in the spec.
        """
        slots = self.slots
        index = self._index[name]
        slots[index] += amount

    def set(self, name: str, value: int) -> None:
        """Set a gauge; raises KeyError for a name that is not in the spec."""
        self.slots[self._index[name]] = value

    def statistics(self) -> dict[str, int]:
        """A copy of all values."""
        self.publish()
        pairs = zip(self._index, self.slots, strict=True)
        values = {name: value for name, value in pairs if not name.startswith(HISTOGRAM)}
        for counted in self._elsewhere:
            values |= {name: value for name, value in counted().items() if name not in self._index}
        return values

    def include(self, counted: Callable[[], Mapping[str, int]]) -> None:
        """Show what is counted elsewhere, in this process from 0; `counted` is asked each time."""
        if self.page is not None:
            self._since |= {name: self.slots[self._index[name]] for name in counted() if name in self._index}
        self._elsewhere.append(counted)

    def gather(self, names: Sequence[str], array: memoryview) -> None:
        """Add to these counters what is added in the array (64 bits each, in the same order) from now on.

        Raises KeyError for a name that is not in the spec.
        """
        view = memoryview(array)
        self._gathered.append(([self._index[name] for name in names], view, view.tolist()))

    def publish(self) -> None:
        """Bring what is counted elsewhere into its slots. One thread at a time."""
        for slots, array, brought in self._gathered:
            for number, (index, value) in enumerate(zip(slots, array.tolist(), strict=True)):
                if value != brought[number]:
                    self.slots[index] += value - brought[number]
                    brought[number] = value
        for counted in self._elsewhere:
            for name, value in counted().items():
                if name in self._index:
                    self.slots[self._index[name]] = self._since.get(name, 0) + value

    def count_in(self, page: CounterPage) -> None:
        """Go on in this page. What was counted in the page before stays there; what was in none comes along."""
        counted = {name for ask in self._elsewhere for name in ask() if name in self._index}
        if self.page is None:
            for name, index in self._index.items():
                if name not in counted:
                    page.slots[index] += self.slots[index]
            self._since = {name: page.slots[self._index[name]] for name in counted}
        else:
            self.publish()
            told = {name: self.slots[self._index[name]] - self._since.get(name, 0) for name in counted}
            self._since = {name: page.slots[self._index[name]] - told[name] for name in counted}
        self.page, self.slots = page, page.slots
        self.publish()
