"""What a run gives: entries, each a tag with typed arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import dns.name
import dns.rcode
import dns.rdatatype

from health.engine.levels import Level

# What an argument of an entry may be: what JSON has, lists kept as lists.
Value = str | int | float | list[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding.

    module is "Basic", "DNSSEC", ... or "System"; case is "Basic01" or "Unspecified"; time is seconds from the start.
    """

    module: str
    case: str
    tag: str
    level: Level
    time: float
    arguments: Mapping[str, Value] = field(default_factory=dict)


def name_text(name: dns.name.Name) -> str:
    """A domain name as messages show it: lower case, no final dot, "." for the root."""
    return name.canonicalize().to_text(omit_final_dot=True) if name.labels != (b"",) else "."


def argument(value: object) -> Value:
    """The value of an argument as an entry keeps it; sets and lists of texts become sorted lists without doubles."""
    match value:
        case dns.rcode.Rcode():
            return dns.rcode.to_text(value)
        case dns.rdatatype.RdataType():
            return dns.rdatatype.to_text(value)
        case bool() | int() | float() | str():
            return value
        case dns.name.Name():
            return name_text(value)
        case Iterable():
            return sorted({str(argument(item)) for item in value})
        case _:
            return str(value)
