"""A directory of zone files, each named after its zone: `NAME.zone` or `NAME`, as zone text writes names."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import dns.exception
import dns.name
from dns.name import Name

from datasrc.keys import name_key
from datasrc.keytable import KeyTable
from datasrc.plainkeys import PlainKeys

SUFFIX = ".zone"
MAX_PLAIN = 253  # characters of a name without the final dot (RFC 1035 section 2.3.4)
PART = 1 << 16  # octets of names that are made text at a time
TOGETHER = 5000  # names that are taken at a time
BARE, SUFFIXED, ODD, NONE = range(4)  # how the name of a file is that of its zone; none: there are several
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
    """Very many zone files by their names alone. Made by take(); then for any threads.

    Plain names in small letters, as nearly all are, take 40 octets each and no object; of others there is one.
    """

    def __init__(self, directory: str = "") -> None:
        """`directory` is for messages."""
        self.faults: dict[bytes, str] = {}  # of zones that have more than one file, by their keys
        self.strays: list[str] = []  # why files are no zone's
        self._directory = directory
        self._text = bytearray()  # a plain name a line
        self._odd: dict[bytes, str] = {}  # other names, by the keys of their zones
        self._keys = KeyTable(numbered=True)  # of the zones: how the name of the file is made of the key

    def __len__(self) -> int:
        return len(self._keys)

    def take(self, names: list[str]) -> None:
        """Have these files, too."""
        if not names:
            return
        text = "\n".join(names) + "\n"
        if text.count("\n") == len(names) and max(map(len, names)) <= MAX_PLAIN and _ALL_PLAIN.fullmatch(text):
            keys = keys_of(names)
            if len(set(keys)) == len(keys) and not any(map(self.has_zone, keys)):
                self._text += text.encode()
                for name, key in zip(names, keys, strict=True):
                    self._keys.put(key, SUFFIXED if name.endswith(SUFFIX) else BARE)
                return
        for name in names:
            self._take_odd(name)

    def _take_odd(self, name: str) -> None:
        path = f"{self._directory}/{name}"
        try:
            key = key_of(name, path)
        except ValueError as error:
            self.strays.append(str(error))
            return
        if self.has_zone(key):
            beside = self.file_of(key)
            if beside is not None:
                first, second = sorted((beside, name))
                path = f"{self._directory}/{second}"
                self.faults[key] = f"{path}: there is {first} beside it, and one zone cannot have both"
            self._keys.put(key, NONE)
        elif "\n" not in name and len(name) <= MAX_PLAIN and _ALL_PLAIN.fullmatch(f"{name}\n"):
            self._text += f"{name}\n".encode()
            self._keys.put(key, SUFFIXED if name.endswith(SUFFIX) else BARE)
        else:
            self._odd[key] = name
            self._keys.put(key, ODD)

    def has_zone(self, key: bytes) -> bool:
        """Whether there is a file, or are several, of the zone that has this key."""
        return self._keys.number(key) >= 0

    def file_of(self, key: bytes) -> str | None:
        """The name of the file of the zone that has this key; None where there is none, or more than one."""
        how = self._keys.number(key)
        if how in (BARE, SUFFIXED):
            zone = b".".join(reversed(key[:-1].split(b"\x00"))).decode("latin-1")
            return zone + SUFFIX if how == SUFFIXED else zone
        return self._odd.get(key) if how == ODD else None

    def has(self, name: str) -> bool:
        """Whether there is a file of this name, alone for its zone."""
        try:
            return self.file_of(key_of(name, name)) == name
        except ValueError:
            return False

    def without(self, zones: Collection[bytes]) -> Names:
        """All but the files of the zones that have these keys."""
        if not zones:
            return self
        left = Names(self._directory)
        left.strays = self.strays
        for part in self._parts():
            left.take([name for name, key in zip(part, keys_of(part), strict=True) if key not in zones])
        left.take([name for key, name in self._odd.items() if key not in zones])
        for key, fault in self.faults.items():
            if key not in zones:
                left.faults[key] = fault
                left._keys.put(key, NONE)
        return left

    def keep(self, other: Names, gone: Collection[bytes]) -> None:
        """Have the files of zones that have none here and have some there, but for those that are gone, too."""
        kept = [(key, name) for key, name in other._unlike(self) if key not in gone and not self.has_zone(key)]
        self.take([name for _, name in kept])
        for key in {key for key, _ in kept} & other.faults.keys():
            self.faults[key] = other.faults[key]
            self._keys.put(key, NONE)

    def lost(self, other: Names) -> list[bytes]:
        """The keys of zones that have files here, and none there."""
        return [key for key, _ in self._unlike(other) if not other.has_zone(key)]

    def beyond(self, other: Names) -> Iterator[tuple[bytes, str]]:
        """The key of the zone, and the name, of each file that there is not, or not alone, and is alone here."""
        for key, name in self._unlike(other):
            if key not in self.faults and other.file_of(key) != name:
                yield key, name

    def _unlike(self, other: Names) -> Iterator[tuple[bytes, str]]:
        """What items() has; nothing where all is as there, which is seen in a moment."""
        if self._text != other._text or self._odd != other._odd or self.faults.keys() != other.faults.keys():
            yield from self.items()

    def keys(self) -> Iterator[bytes]:
        """The keys of all zones."""
        return (key for key, _ in self.items())

    def key_table(self) -> KeyTable:
        """The same in a table of its own."""
        found = KeyTable()
        found.add_all(self._keys)
        return found

    def items(self) -> Iterator[tuple[bytes, str]]:
        """The key of each zone, and the name of its file, or of one of them; made as they are taken."""
        for keys, names in self.parts():
            yield from zip(keys, names, strict=True)

    def parts(self) -> Iterator[tuple[list[bytes], list[str]]]:
        """The same some thousand at a time: keys, and names."""
        for names in self._parts():
            yield keys_of(names), names
        if self._odd:
            yield list(self._odd), list(self._odd.values())

    def texts(self) -> Iterator[list[str]]:
        """All names, some thousand at a time."""
        yield from self._parts()
        yield list(self._odd.values())

    def _parts(self) -> Iterator[list[str]]:
        """All names, a few at a time."""
        at = 0
        while at < len(self._text):
            end = self._text.index(b"\n", min(at + PART, len(self._text) - 1)) + 1
            yield self._text[at:end].decode().split("\n")[:-1]
            at = end


def keys_of(names: list[str]) -> list[bytes]:
    """The keys of the zones of files with these plain names in small letters."""
    return PlainKeys().of(names)


def names_of(directory: Path) -> Names:
    """The zone files by their names, which is all there is to learn of very many in a moment. Raises OSError."""
    names = Names(str(directory))
    part: list[str] = []
    with os.scandir(directory) as entries:
        for each in entries:
            if _may_be_zone(each.name) and each.is_file():
                part.append(each.name)
                if len(part) == TOGETHER:
                    names.take(part)
                    part.clear()
    names.take(part)
    return names


def zones_in(directory: Path) -> list[bytes]:
    """The keys of all zones, in order, by the names of the files alone; names that are no zone's are left out.

    0.2 s for 100 000. Raises OSError.
    """
    with os.scandir(directory) as entries:
        names = [each.name for each in entries if _may_be_zone(each.name) and each.is_file()]
    text = "\n".join(names) + "\n"
    if text.count("\n") == len(names) and max(map(len, names), default=0) <= MAX_PLAIN and _ALL_PLAIN.fullmatch(text):
        return sorted(set(keys_of(names)))
    keys = set()
    for name in names:
        with suppress(ValueError):
            keys.add(key_of(name, name))
    return sorted(keys)


def _may_be_zone(name: str) -> bool:
    return name[0] != "." and name[-1] != "~"


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
