"""Zones as text, with an address for each number."""

from __future__ import annotations

HEAD = "$TTL 3600\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"


def address(number: int, network: int = 10) -> str:
    """An IPv4 address, another for each number below 2^24."""
    return f"{network}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def zone_text(records: int) -> str:
    """A zone of so many names, `h0` and so on, with an address each."""
    return HEAD + "".join(f"h{number} A {address(number)}\n" for number in range(records))
