"""The names of a zone whose image is changed: owners in wire form, their keys, and what is above and below them."""

from __future__ import annotations

from collections.abc import Iterator

from datasrc.keys import key_labels, labels_key
from datasrc.rows import name_from_wire
from datasrc.source import Finder
from image import layout
from image.errors import NotExpressible


class PatchNames:
    """Of one zone."""

    def __init__(self, finder: Finder, origin: bytes) -> None:
        self._finder = finder
        self._origin = origin
        self._keys: dict[bytes, bytes] = {}  # of owners that were made of them

    def stored_below(self, key: bytes) -> Iterator[bytes]:
        """The names below one that have records."""
        after = key
        while True:
            _, following = self._finder.neighbours(after + b"\0")
            if following is None or not following.startswith(key):
                return
            yield self.owner_of(following)
            after = following

    def between(self, owner: bytes, end: bytes) -> Iterator[bytes]:
        """The names above one, up to one of them."""
        for above in self.ancestors(owner):
            if above == end:
                return
            yield above

    def has_below(self, key: bytes) -> bool:
        """Whether there is anything at this key or below."""
        _, following = self._finder.neighbours(key)
        return following is not None and following.startswith(key)

    def key_of(self, owner: bytes) -> bytes:
        """The key of an owner."""
        key = self._keys.get(owner)
        return self._finder.key_of(name_from_wire(owner)) if key is None else key

    def owner_of(self, key: bytes) -> bytes:
        """The owner of a key, which it remembers. Raises NotExpressible where it is the key of no name."""
        labels = key_labels(key)
        if labels_key(labels) != key or not all(0 < len(label) <= layout.MAX_LABEL for label in labels):
            raise NotExpressible("it has what is the key of no name")
        owner = b"".join([bytes((len(label),)) + label for label in labels]) + self._origin
        if len(owner) > layout.MAX_NAME:
            raise NotExpressible("it has the key of a name that is too long")
        self._keys[owner] = key
        return owner

    def ancestors(self, owner: bytes) -> Iterator[bytes]:
        """The names between this one and the origin, the origin included."""
        while owner != self._origin:
            owner = owner[1 + owner[0] :]
            yield owner
