"""Rows of files (datasrc.filememory) by the names of the files, and which of very many files are still what they were.

0.3 us a file. Plain Python; filerows.pxd adds the types.
"""

from __future__ import annotations

from datasrc.filelayout import MAY_DIFFER, ROW, SEEN, SEEN_SIGNATURE, SIGNATURE, VERSION
from datasrc.keytable import KeyTable

WORD, OCTET = 8, 8  # octets and bits


class FileRows:
    """Names, each behind an octet with its length, and rows in their order; the numbers of the rows by names."""

    def __init__(self) -> None:
        self.numbers = KeyTable(numbered=True)
        self.names = bytearray()
        self.rows = bytearray()

    def adopt(self, names: bytes, rows: bytes) -> int:
        """Have these, in place of all there are; how many names that are."""
        self.names, self.rows = bytearray(names), bytearray(rows)
        self.numbers = KeyTable(numbered=True)
        at = count = 0
        while at < len(names):
            end = at + 1 + names[at]
            self.numbers.put(names[at + 1 : end], count)
            count += 1
            at = end
        return count

    def append(self, name: bytes, row: bytes) -> None:
        """Have one more."""
        self.numbers.put(name, len(self.rows) // ROW)
        self.names.append(len(name))
        self.names.extend(name)
        self.rows.extend(row)

    def there(self, names: list[bytes]) -> int:
        """How many of these files are known."""
        found = 0
        for name in names:
            if self.numbers.number(name) >= 0:
                found += 1
        return found

    def versions(self, names: list[bytes], seen: memoryview) -> list[int]:
        """Of each file the version that was read in it, if it is sure to be still what it was; else 0.

        `seen` is what the file system says of each: SEEN octets (datasrc.raw).
        """
        found: list[int] = []
        for index, name in enumerate(names):
            number = self.numbers.number(name)
            found.append(self.version(ROW * number, SEEN * index, seen) if number >= 0 else 0)
        return found

    def version(self, row: int, at: int, seen: memoryview) -> int:
        """Of the row at that place, if it says what is there."""
        if self.rows[row + MAY_DIFFER] or seen[at]:
            return 0
        for index in range(SIGNATURE):
            if self.rows[row + index] != seen[at + SEEN_SIGNATURE + index]:
                return 0
        version = 0
        for index in range(WORD - 1, -1, -1):
            version = version << OCTET | self.rows[row + VERSION + index]
        return version
