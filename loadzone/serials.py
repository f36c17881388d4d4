"""Whether a zone may take the place of the one that is stored, by their serials (RFC 1982)."""

from __future__ import annotations

import enum

HALF = 1 << 31
MODULUS = 1 << 32


class Order(enum.Enum):
    """How a new serial stands to an old one."""

    EQUAL = "equal"
    NEWER = "newer"
    OLDER = "older"
    UNDEFINED = "undefined"  # 2^31 apart (RFC 1982 section 3.2)


def compare(old: int, new: int) -> Order:
    """Where the new serial stands."""
    distance = (new - old) % MODULUS
    if distance == 0:
        return Order.EQUAL
    if distance == HALF:
        return Order.UNDEFINED
    return Order.NEWER if distance < HALF else Order.OLDER


def refusal(old: int, new: int) -> str:
    """Why the new serial must not follow the old one without force, or an empty string."""
    match compare(old, new):
        case Order.OLDER:
            return f"its serial {new} is lower than the {old} of the stored zone: secondaries would not follow"
        case Order.UNDEFINED:
            return f"its serial {new} is 2^31 from the {old} of the stored zone: neither is the newer (RFC 1982)"
        case _:
            return ""
