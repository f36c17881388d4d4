"""Zones as text, for tests that start the whole suite."""

from __future__ import annotations


def small_zone(origin: str = "example.org", serial: int = 1, extra: str = "") -> str:
    """A zone with a SOA, an NS, an A and whatever else is given."""
    return f"""$ORIGIN {origin}.
$TTL 3600
@ SOA ns hostmaster {serial} 3600 900 604800 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
{extra}
"""
