"""Zones as text, with an address for each number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

HEAD = "$TTL 3600\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"


def address(number: int, network: int = 10) -> str:
    """An IPv4 address, another for each number below 2^24."""
    return f"{network}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def zone_text(records: int) -> str:
    """A zone of so many names, `h0` and so on, with an address each."""
    return HEAD + "".join(f"h{number} A {address(number)}\n" for number in range(records))


def mixed_lines(records: int) -> Iterator[str]:
    """So many records as those have them who host for others: nearly half of them lead to other names of the zone."""
    return islice((line for number in range(records) for line in _hosted(number)), records)


def _hosted(number: int) -> Iterator[str]:
    owner, owned = f"h{number}", address(number)
    yield f"{owner} A {owned}\n"
    yield f"{owner} AAAA 2001:db8::{number >> 16:x}:{number & 0xFFFF:x}\n"
    yield f"{owner} MX 10 mail.{owner}\n"
    yield f'{owner} TXT "v=spf1 mx -all"\n'
    yield f"mail.{owner} A {owned}\n"
    yield f"www.{owner} CNAME {owner}\n"
    yield f"ftp.{owner} CNAME www.{owner}\n"


def mixed_text(records: int) -> str:
    """A zone of so many records of several types."""
    return HEAD + "".join(mixed_lines(records))
