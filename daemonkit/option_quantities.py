"""Option types with a unit: spans of time and amounts of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from daemonkit.options import Scalar, Wrong, bounds, within

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|[smhdw])")
_SIZE = re.compile(r"([0-9]{1,15})\s*(?:([KMGT])(?:iB|B)?|B)?")
_SIZE_UNITS = {None: 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def duration_seconds(value: Any) -> float | None:
    """Seconds of `10s`, `1h30m` or a number of seconds; None when it is no duration."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value <= 10**12 else None
    if not isinstance(value, str) or not (parts := _DURATION_PART.findall(value)):
        return None
    if "".join(number + unit for number, unit in parts) != value:
        return None
    return sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationOption(Scalar):
    """A span of time: stored as written, effective as seconds."""

    minimum: str | float | None = None
    maximum: str | float | None = None

    def expects(self) -> str:
        return "a duration such as 10s, 5m, 1h30m or 1d" + bounds(self.minimum, self.maximum)

    def read(self, value: Any) -> str | float:
        seconds = duration_seconds(value)
        if seconds is None or not within(seconds, duration_seconds(self.minimum), duration_seconds(self.maximum)):
            raise Wrong(self.expects())
        return value  # type: ignore[no-any-return]

    def measure(self, stored: Any) -> float:
        seconds = duration_seconds(stored)
        assert seconds is not None
        return seconds


def size_bytes(value: Any) -> int | None:
    """Bytes of `64M`, `1GiB` (powers of 1024) or a number of bytes; None when it is no size."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 2**63 else None
    if not isinstance(value, str) or not (match := _SIZE.fullmatch(value)):
        return None
    return int(match[1]) * _SIZE_UNITS[match[2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOption(Scalar):
    """An amount of bytes: stored as written, effective as a number."""

    minimum: str | int | None = None
    maximum: str | int | None = None

    def expects(self) -> str:
        return "a size such as 4096, 512K, 64M or 1G" + bounds(self.minimum, self.maximum)

    def read(self, value: Any) -> str | int:
        size = size_bytes(value)
        if size is None or not within(size, size_bytes(self.minimum), size_bytes(self.maximum)):
            raise Wrong(self.expects())
        return value  # type: ignore[no-any-return]

    def measure(self, stored: Any) -> int:
        size = size_bytes(stored)
        assert size is not None
        return size
