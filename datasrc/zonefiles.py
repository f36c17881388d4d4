"""A directory of zone files, each named after its zone: `NAME.zone` or `NAME`, as zone text writes names."""

from __future__ import annotations

import os
import re
from pathlib import Path

import dns.exception
import dns.name
from dns.name import Name

from datasrc.keys import name_key

SUFFIX = ".zone"
MAX_PLAIN = 253  # characters of a name without the final dot (RFC 1035 section 2.3.4)
_PLAIN = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII | re.IGNORECASE)
"""Names as nearly all are: their keys need no name object, which counts where there are very many."""


def zone_files(directory: Path) -> list[tuple[Path, os.stat_result]]:
    """The regular files in order of name, but for hidden ones and the backups of editors. Raises OSError."""
    looked_at = ((Path(each.path), status_of(each)) for each in listed(directory))
    return [(path, status) for path, status in looked_at if status is not None]


def status_of(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What there is to say about a file; None where it has gone since it was listed. Raises OSError."""
    try:
        return entry.stat()
    except FileNotFoundError:
        return None


def listed(directory: Path) -> list[os.DirEntry[str]]:
    """The same as they were found, without an object more for each. Raises OSError."""
    with os.scandir(directory) as entries:
        names = [each for each in entries if not each.name.startswith(".") and not each.name.endswith("~")]
    names.sort(key=lambda each: each.name)
    return [each for each in names if each.is_file()]


def key_of(name: str, path: str) -> bytes:
    """The key of the zone that a file of this name, there, has. Raises ValueError with the reason."""
    plain = name.removesuffix(SUFFIX)
    if len(plain) > MAX_PLAIN or _PLAIN.fullmatch(plain) is None:
        return name_key(origin_of(Path(path)))
    return b"".join([label + b"\x00" for label in reversed(plain.lower().encode().split(b"."))])


def origin_of(file: Path) -> Name:
    """The zone a file is named after. Raises ValueError with the reason."""
    name = file.name.removesuffix(SUFFIX)
    try:
        return dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{file}: the name of the file is not that of a zone: {error}") from error
