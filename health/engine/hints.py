"""Where the root is: the built-in hints, or a file of the form of named.root."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.name

from health.engine.errors import HintsError

_BUILT_IN = Path(__file__).with_name("root.hints")


@dataclass(frozen=True)
class Hints:
    """The root name servers, each with its addresses."""

    servers: Mapping[dns.name.Name, tuple[str, ...]]

    @classmethod
    def built_in(cls) -> Hints:
        """The root servers of the Internet (IANA, named.root)."""
        return cls.load(_BUILT_IN)

    @classmethod
    def load(cls, path: Path) -> Hints:
        """Read a file: only NS of "." and A or AAAA, no directives, every NS with an address.

        Raises HintsError, naming file and line.
        """
        try:
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise HintsError(f"the hints file {path} cannot be read: {error}") from error
        names: list[dns.name.Name] = []
        addresses: dict[dns.name.Name, list[str]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            fields = line.split(";", 1)[0].split()
            if fields:
                _read(fields, f"{path}:{number}", names, addresses)
        missing = [name.to_text() for name in names if name not in addresses]
        if not names or missing:
            raise HintsError(f"{path}: {'no address for ' + ', '.join(missing) if missing else 'no NS record of .'}")
        return cls({name: tuple(addresses[name]) for name in names})


def _read(fields: list[str], place: str, names: list[dns.name.Name], addresses: dict[dns.name.Name, list[str]]) -> None:
    if fields[0].startswith("$"):
        raise HintsError(f"{place}: directives are not allowed: {fields[0]}")
    owner, rest = fields[0], [field for field in fields[1:] if not field.isdigit() and field.upper() != "IN"]
    if len(rest) != len(("TYPE", "ADDRESS")):
        raise HintsError(f"{place}: not a record of a hints file")
    kind, value = rest[0].upper(), rest[1]
    try:
        if kind == "NS" and owner == ".":
            names.append(dns.name.from_text(value))
        elif kind in ("A", "AAAA"):
            ip = ipaddress.IPv4Address(value) if kind == "A" else ipaddress.IPv6Address(value)
            addresses.setdefault(dns.name.from_text(owner), []).append(str(ip))
        else:
            raise HintsError(f"{place}: only NS records of . and A or AAAA records are allowed")
    except (dns.exception.DNSException, ValueError) as error:
        raise HintsError(f"{place}: {error}") from error
