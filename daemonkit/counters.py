"""Named counters of one process; names come from the statistics of its spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


class Counters:
    """A fixed set of counters, so that a misspelt name is an error and a count of zero is shown."""

    __slots__ = ("_elsewhere", "_values")

    def __init__(self, names: Iterable[str]) -> None:
        self._values = dict.fromkeys(names, 0)
        self._elsewhere: list[Callable[[], Mapping[str, int]]] = []

    def add(self, name: str, amount: int = 1) -> None:
        """Count; raises KeyError for a name that is not in the spec."""
        self._values[name] += amount

    def set(self, name: str, value: int) -> None:
        """Set a gauge; raises KeyError for a name that is not in the spec."""
        if name not in self._values:
            raise KeyError(name)
        self._values[name] = value

    def statistics(self) -> dict[str, int]:
        """A copy of all values."""
        values = dict(self._values)
        for counted in self._elsewhere:
            values |= counted()
        return values

    def include(self, counted: Callable[[], Mapping[str, int]]) -> None:
        """Show what is counted elsewhere beside these; `counted` is asked each time."""
        self._elsewhere.append(counted)
