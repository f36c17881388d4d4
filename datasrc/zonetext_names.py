"""Names in zone text: words to names and back (RFC 1035 section 5.1, RFC 4343 section 2.1)."""

from __future__ import annotations

import re

import dns.exception
import dns.name
from dns.name import Name

from datasrc.rows import name_wire

# Names within RDATA repeat (name servers, targets); the cache is emptied when it is full, so memory stays bounded.
MAX_CACHED = 10_000

MAX_OCTET = 255
MAX_SHOWN = 80  # characters of a word in a message
_BAD_ESCAPE = "a backslash wants three digits up to 255, or one character that is no digit"
# Labels that need no escape; a dot within a label would be one.
_PLAIN_LABELS = re.compile(rb"[A-Za-z0-9_*/-]*")
_ESCAPE = re.compile(rb"\\([0-9]{3}|[^0-9]|)", re.DOTALL)
_PLAIN_WORD = re.compile(r"[^\\@]+")


def name_text(name: Name) -> str:
    """The text form of an absolute name; reading it gives the same octets."""
    labels = name.labels
    for label in labels:
        if not _PLAIN_LABELS.fullmatch(label):
            return name.to_text()
    return b".".join(labels).decode("ascii") if len(labels) > 1 else "."


def word_octets(word: str) -> bytes:
    """The octets of a word that is no name. Raises ValueError with the reason."""
    if "\\" not in word:
        return word.encode("ascii")
    return _ESCAPE.sub(_unescaped, word.encode("ascii"))


class NameReader:
    """Reads words as names, relative to the origin of the moment. Raises ValueError with the reason."""

    def __init__(self, origin: Name) -> None:
        self._origin = origin
        self._wires: dict[str, bytes] = {}

    @property
    def origin(self) -> Name:
        """What relative names end in ($ORIGIN)."""
        return self._origin

    @origin.setter
    def origin(self, origin: Name) -> None:
        if origin != self._origin:
            self._origin = origin
            self._wires.clear()

    def name(self, word: str) -> Name:
        """The absolute name this word stands for."""
        try:
            if not _PLAIN_WORD.fullmatch(word) or word == ".":
                return dns.name.from_text(word, self._origin)
            labels = word.encode("ascii").split(b".")
            if labels[-1]:
                return Name([*labels, *self._origin.labels])
            return Name(labels)
        except dns.exception.DNSException as error:
            raise ValueError(f"{shown(word)} is not a name: {_reason(error)}") from error

    def wire(self, word: str) -> bytes:
        """The wire form of the absolute name this word stands for."""
        wire = self._wires.get(word)
        if wire is None:
            wire = name_wire(self.name(word))
            if len(self._wires) >= MAX_CACHED:
                self._wires.clear()
            self._wires[word] = wire
        return wire


def _reason(error: dns.exception.DNSException) -> str:
    match error:
        case dns.name.EmptyLabel():
            return "it has an empty label"
        case dns.name.LabelTooLong():
            return "a label is longer than 63 octets"
        case dns.name.NameTooLong():
            return "it is longer than 255 octets"
        case dns.name.BadEscape():
            return _BAD_ESCAPE
        case _:
            return str(error)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    escaped = escape[1]
    if len(escaped) == 1:
        return escaped
    if not escaped or int(escaped) > MAX_OCTET:
        raise ValueError(_BAD_ESCAPE)
    return bytes([int(escaped)])


def shown(word: str) -> str:
    """A word short enough for a message."""
    return repr(word if len(word) <= MAX_SHOWN else word[: MAX_SHOWN - 3] + "...")
