"""The zones that a server under test must serve: those in zones/, and those too regular to be written by hand.

To test another server, let it serve what `python -m tests.conformance.zonefiles DIRECTORY` writes.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conformance import chains, signed

HERE = Path(__file__).parent / "zones"

CHAIN_LENGTH = 60  # aliases one after the other in chain.test: more than any server follows
FAN = 13  # name servers of the delegation fan.big.test
POINTERS = 700  # pairs of names in many.big.test: the second ones could point to what lies past offset 16383
EXCHANGES = (
    12  # mail exchangers of mx.big.test; with a name server 13, more than that get no addresses (CVE-2024-11187)
)


def header(origin: str) -> list[str]:
    """The apex of a generated zone."""
    soa = "ns1 hostmaster 1 7200 900 604800 300"
    return [f"$ORIGIN {origin}", "$TTL 3600", f"@ IN SOA {soa}", "@ NS ns1", "ns1 A 192.0.2.53"]


def chain() -> Iterator[str]:
    """Aliases: short and long chains, loops of one, two and across zones."""
    yield from header("chain.test.")
    for number in range(3):
        yield f"short{number} CNAME short{number + 1}"
    yield "short3 A 192.0.2.1"
    for number in range(CHAIN_LENGTH):
        yield f"long{number} CNAME long{number + 1}"
    yield f"long{CHAIN_LENGTH} A 192.0.2.2"
    yield "self CNAME self"
    yield "pair1 CNAME pair2"
    yield "pair2 CNAME pair1"
    yield "loop CNAME loop.other.test."
    yield "to-sub CNAME www.sub.plain.test."
    yield "to-nodata CNAME to-nodata2"
    yield "to-nodata2 CNAME txtonly.plain.test."


def text_set(owner: str, octets: int) -> Iterator[str]:
    """A TXT set whose RDATA is about so many octets."""
    for number in range(octets // 200):
        yield f'{owner} TXT "{number:04}{"x" * 195}"'


def big() -> Iterator[str]:
    """Sets that do not fit: into 512 octets, into 1232, into what UDP carries, and hardly into TCP."""
    yield from header("big.test.")
    for octets in (400, 600, 800, 2000, 5000, 60000):
        yield from text_set(f"t{octets}", octets)
    for number in range(EXCHANGES):
        yield f"mx MX {number} mx{number}"
        yield f"mx{number} A 192.0.2.{number}"
        yield f"mx{number} AAAA 2001:db8::{number:x}"
    for number in range(FAN):
        yield f"fan NS n{number}.fan"
        yield f"n{number}.fan A 192.0.2.{number}"
        yield f"n{number}.fan AAAA 2001:db8::{number:x}"
    for number in range(FAN):
        yield f"sibling-fan NS s{number}.harbour"
        yield f"s{number}.harbour A 192.0.2.{number}"
        yield f"s{number}.harbour AAAA 2001:db8::{number:x}"
    yield "harbour NS s0.harbour"
    for number in range(POINTERS):
        yield f"many PTR a.group-{number}"
        yield f"many PTR b.group-{number}"


def octets() -> Iterator[str]:
    """One name for each octet value that is not the other case of another."""
    yield from header("octets.test.")
    for value in range(256):
        if not ord("A") <= value <= ord("Z"):
            yield f'x\\{value:03}y TXT "{value}"'


GENERATED = {"chain.test": chain, "big.test": big, "octets.test": octets, **chains.ZONES}


def write(directory: Path) -> list[str]:
    """Write every zone as ORIGIN.zone; returns the origins, without the closing dot."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in HERE.glob("*.zone"):
        shutil.copy(file, directory)
    for origin, lines in GENERATED.items():
        (directory / f"{origin}.zone").write_text("\n".join(lines()) + "\n")
    signed.write(directory)
    return sorted(file.stem for file in directory.glob("*.zone"))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
