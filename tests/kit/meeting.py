"""Names that an attacker makes so that dnspython's hashes of them meet, and how often names are compared.

dnspython hashes a name without a key: h = 9 * h + octet, from the first octet to the last, labels one behind the other
(dns.name.Name.__hash__). Two octets where the first is one higher and the second nine lower leave the same h.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from dns.name import Name, from_text

PAIRS = ("bj", "ca")  # 9 * 98 + 106 = 9 * 99 + 97
MAX_PAIRS = 31  # in a label of 63 octets (RFC 1035 section 2.3.4)
BELOW = from_text("example.")


def names_that_meet(count: int, below: Name = BELOW) -> list[Name]:
    """So many names of one label below this one, all with one hash."""
    width = max(1, (count - 1).bit_length())
    assert width <= MAX_PAIRS
    labels = ("".join(PAIRS[number >> bit & 1] for bit in range(width)) for number in range(count))
    names = [Name((label.encode(), *below.labels)) for label in labels]
    assert len({name.to_wire() for name in names}) == count
    assert len(set(map(hash, names))) == 1
    return names


@dataclass(slots=True)
class Compared:
    """How many names were compared with others."""

    times: int = 0


@contextmanager
def names_compared() -> Iterator[Compared]:
    """Count it, in this process: a table of names whose hashes meet compares each with all that it has."""
    compared, plain = Compared(), Name.__eq__

    def count(self: Name, other: object) -> bool:
        compared.times += 1
        return bool(plain(self, other))

    with patch.object(Name, "__eq__", count):
        yield compared
