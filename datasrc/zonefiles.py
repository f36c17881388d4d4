"""A directory of zone files, each named after its zone: `NAME.zone` or `NAME`, as zone text writes names."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path

import dns.exception
import dns.name
from dns.name import Name

from datasrc.keys import name_key

SUFFIX = ".zone"
MAX_PLAIN = 253  # characters of a name without the final dot (RFC 1035 section 2.3.4)
LATE_FROM = 1000  # files: fewer are all looked at in some milliseconds
_ALL_PLAIN = re.compile(r"(?:[a-z0-9_-]{1,63}+(?:\.[a-z0-9_-]{1,63}+)*+\n)*+", re.ASCII)
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


class Names:
    """Very many zone files by their names alone, all plain and in small letters, one file a zone."""

    def __init__(self, names: list[str]) -> None:
        self.files = frozenset(names)
        self.zones = frozenset([name.removesuffix(SUFFIX) for name in names])

    def file_of(self, key: bytes) -> str | None:
        """The name of the file of the zone that has this key; None where there is none."""
        if b"." in key:  # within a label
            return None
        zone = b".".join(reversed(key[:-1].split(b"\x00"))).decode("latin-1")
        if zone not in self.zones:
            return None
        return zone + SUFFIX if zone + SUFFIX in self.files else zone

    def without(self, zones: Collection[str]) -> Names:
        """All but the files of these zones."""
        if not zones:
            return self
        files = {zone + SUFFIX if zone + SUFFIX in self.files else zone for zone in zones}
        return Names(list(self.files - files))

    @cached_property
    def _keys(self) -> dict[bytes, str]:
        return dict(zip(keys_of(name.removesuffix(SUFFIX) for name in self.files), self.files, strict=True))

    def keys(self) -> set[bytes]:
        """The keys of all zones."""
        return set(self._keys)

    def items(self) -> Iterable[tuple[bytes, str]]:
        """The key of each zone, and the name of its file."""
        return self._keys.items()


def keys_of(zones: Iterable[str]) -> list[bytes]:
    """The keys of zones whose plain names these are, in small letters and without the final dot."""
    return [b"\x00".join(zone.encode().split(b".")[::-1]) + b"\x00" for zone in zones]


def names_of(directory: Path) -> Names | None:
    """The zone files by their names, which is all there is to learn in a moment; None where that does not tell enough.

    It does not where there are few, or a name is not plain, or one zone has two, or what a link leads to may change.
    Raises OSError.
    """
    names, links = [], False
    with os.scandir(directory) as entries:
        for each in entries:
            name = each.name
            if name[0] != "." and name[-1] != "~":
                links = links or each.is_symlink()
                if each.is_file():
                    names.append(name)
    if len(names) < LATE_FROM or links or not os.access(directory, os.X_OK, effective_ids=True):
        return None
    text = "\n".join(names) + "\n"
    if text.count("\n") != len(names) or max(map(len, names), default=0) > MAX_PLAIN or not _ALL_PLAIN.fullmatch(text):
        return None
    found = Names(names)
    return found if len(found.zones) == len(names) else None


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


def is_in_small_letters(path: str) -> bool:
    """Whether the name of a file spells its zone as the key does, so that it needs not be read as zone text writes."""
    name = os.path.basename(path)  # noqa: PTH119 - of very many
    return name.isascii() and "\\" not in name and name == name.lower()


def origin_of(file: Path) -> Name:
    """The zone a file is named after. Raises ValueError with the reason."""
    name = file.name.removesuffix(SUFFIX)
    try:
        return dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{file}: the name of the file is not that of a zone: {error}") from error
