"""Keys of zones by the plain names of their files (datasrc.zonefiles), of very many at a time.

0.2 us each. Plain Python; plainkeys.pxd adds the types.
"""

from __future__ import annotations

from datasrc.octets import DOT

SUFFIX_OCTETS = 5  # of `.zone`
ROOM = 256  # octets: a plain name has 253 at most (RFC 1035 section 2.3.4)


class PlainKeys:
    """Makes keys (datasrc.keys)."""

    def __init__(self) -> None:
        self.key = bytearray(ROOM)

    def of(self, names: list[str]) -> list[bytes]:
        """The keys of the zones of files with these plain names in small letters."""
        keys = []
        for name in names:
            text = name.encode()
            octets = len(text) - SUFFIX_OCTETS if text.endswith(b".zone") else len(text)
            keys.append(bytes(self.key[: self.make(text, octets)]))
        return keys

    def make(self, text: bytes, octets: int) -> int:
        """Make the key of the name in so many leading octets; how many it has."""
        end = 0
        last = octets  # where the label that comes next in the key ends in the text
        for at in range(octets - 1, -2, -1):
            if at < 0 or text[at] == DOT:
                for index in range(at + 1, last):
                    self.key[end] = text[index]
                    end += 1
                self.key[end] = 0
                end += 1
                last = at
        return end
