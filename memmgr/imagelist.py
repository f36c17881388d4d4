"""The list of images: which files count, and which slots are free. It is replaced by renaming, and told to auth.

Behind a power cut the list before this one may come back: what it names is kept until this one lasts.
"""

from __future__ import annotations

import errno
from pathlib import Path

import msgspec

from image import layout, manifest
from image.errors import ImageError
from image.manifest import Manifest
from memmgr.announcing import Announcement
from memmgr.errors import ListUnreadable
from memmgr.place import Place
from memmgr.slots import Refused, stamp

PASSING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}  # errors that say nothing of a file


class ImageList:
    """What is listed. Blocks; for one thread at a time."""

    def __init__(self, place: Place, announcement: Announcement, refused: Refused, *, given_up: bool) -> None:
        """As it is found; a new one where there is none that is whole, which is `refused`.

        Raises OSError; ListUnreadable, behind having put it aside where it is `given_up`.
        """
        self._place = place
        self._announcement = announcement
        self._refused = refused
        self.synced = False  # whether it lasts, behind a power cut, too: of what is found nobody knows
        self.reserved: set[int] = set()  # slots whose images are being built
        self.manifest = self._read(given_up) or Manifest(0, manifest.boot_id(), stamp(), "", 0, lineage=stamp())

    def _read(self, given_up: bool) -> Manifest | None:
        path = self._place.path / manifest.NAME
        try:
            return manifest.read(path)
        except FileNotFoundError:
            return None
        except ImageError as error:
            self._refused(path, error.reason)
            return None
        except OSError as error:
            if error.errno in PASSING:
                raise
            aside = self._place.path / manifest.UNREADABLE if given_up else None
            if aside is not None:
                path.replace(aside)
            raise ListUnreadable(path, error, aside) from error

    # Slots.

    @property
    def free(self) -> int:
        """How many slots are free."""
        return layout.MAX_SLOTS - len(self._used())

    def reserve(self, last: int = 0) -> tuple[int, Path]:
        """A slot that is free, and the file to build its image in; the `last` ones are for others.

        Raises OSError where there is none.
        """
        if self.free <= last:
            raise OSError(errno.ENOSPC, f"there is no room for another image beside {len(self.manifest.slots)}")
        used = self._used()
        number = self.manifest.next_slot
        while number in used:
            number = (number + 1) % layout.MAX_SLOTS
        # The numbers come round: one that was in use until now may still be mapped by who is slow to look.
        self.manifest = msgspec.structs.replace(self.manifest, next_slot=(number + 1) % layout.MAX_SLOTS)
        self.reserved.add(number)
        return number, self._place.path / f"{number}.image"

    def _used(self) -> set[int]:
        return {slot.number for slot in self.manifest.slots} | self.reserved

    # Writing.

    def begin_lineage(self) -> None:
        """Zones may have other records than those given last: the next list says so."""
        self.manifest = msgspec.structs.replace(self.manifest, lineage=stamp())

    def replace(self, changed: Manifest) -> None:
        """Have another list, of this boot, and tell auth. Raises OSError."""
        self.write(msgspec.structs.replace(changed, boot=manifest.boot_id()))
        self._announcement.tell(self.manifest)

    def remember(self, sources: tuple[manifest.Source, ...]) -> None:
        """Note which data sources there are. Readers need not know. Raises OSError.

        It takes the place of the list, so it is as durable as any list: an empty file in its place behind a power cut
        would cost all images.
        """
        self.write(msgspec.structs.replace(self.manifest, sources=sources))

    def write(self, changed: Manifest) -> None:
        """Have this list; nobody is told. Raises OSError."""
        self._place.require()
        try:
            manifest.write(self._place.path / manifest.NAME, changed, durable=True)
        except manifest.NotSynced:  # the next memmgr finds this list: what it names is kept, and what it replaces, too
            self.synced = False
        self.manifest = changed

    def sync_again(self) -> bool:
        """Have it last, where it may not; whether it was not known to. Raises OSError."""
        if self.synced:
            return False
        manifest.sync_directory(self._place.path)
        self.synced = True
        return True
