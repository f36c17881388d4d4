"""Numbers in rings, in two arrays, without an object for each: lists that anybody may leave, or go to the end of.

Plain Python; rings.pxd adds the types.
"""

from __future__ import annotations

from auth.raw import zeros


class Rings:
    """Lists of numbers, each of which is in one list at most. Lists have numbers, too; 0 is nobody."""

    def __init__(self, numbers: int) -> None:
        """For numbers below this."""
        self.following = zeros(numbers, "i")
        self.preceding = zeros(numbers, "i")

    def append(self, ring: int, number: int) -> int:
        """Put this one at the end of a list, wherever it was."""
        self.remove(number)
        if self.following[ring] == 0:
            self.following[ring] = ring
            self.preceding[ring] = ring
        last = self.preceding[ring]
        self.following[last] = number
        self.preceding[number] = last
        self.following[number] = ring
        self.preceding[ring] = number
        return 0

    def remove(self, number: int) -> int:
        """Take this one out of its list, if it is in any."""
        if self.following[number]:
            self.following[self.preceding[number]] = self.following[number]
            self.preceding[self.following[number]] = self.preceding[number]
            self.following[number] = 0
            self.preceding[number] = 0
        return 0

    def first(self, ring: int) -> int:
        """The first of a list, or 0."""
        return self.after(ring, ring)

    def after(self, ring: int, number: int) -> int:
        """The next one of a list, or 0."""
        following: int = self.following[number]
        return 0 if following == ring else following
