"""A directory of zone files, each named after its zone: `NAME.zone` or `NAME`, as zone text writes names."""

from __future__ import annotations

import os
from pathlib import Path

import dns.exception
import dns.name
from dns.name import Name

SUFFIX = ".zone"


def zone_files(directory: Path) -> list[tuple[Path, os.stat_result]]:
    """The regular files in order of name, but for hidden ones and the backups of editors. Raises OSError."""
    with os.scandir(directory) as entries:
        names = [each for each in entries if not each.name.startswith(".") and not each.name.endswith("~")]
        names.sort(key=lambda each: each.name)
        return [(Path(each.path), each.stat()) for each in names if each.is_file()]


def origin_of(file: Path) -> Name:
    """The zone a file is named after. Raises ValueError with the reason."""
    name = file.name.removesuffix(SUFFIX)
    try:
        return dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{file}: the name of the file is not that of a zone: {error}") from error
