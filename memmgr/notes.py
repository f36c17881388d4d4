"""What is noted beside the images for the next process: how far data sources were followed, which files were read."""

from __future__ import annotations

from collections.abc import Mapping

from datasrc.filememory import PackedFiles
from image.errors import ImageError
from image.manifest import Manifest
from memmgr import filetable
from memmgr.imagelist import PASSING
from memmgr.leftovers import Leftovers
from memmgr.marks import Marks, MarksFile
from memmgr.place import Place
from memmgr.slots import Refused


class Notes:
    """Blocks; for one thread at a time."""

    def __init__(self, place: Place, leftovers: Leftovers, refused: Refused) -> None:
        """What is damaged is `refused`. Raises OSError."""
        self._place = place
        self._leftovers = leftovers
        self._refused = refused
        self._files = self._read_files()
        self._marks = MarksFile(place.path)

    @property
    def names(self) -> set[str]:
        """Of the files that are notes."""
        return {filetable.NAME, self._marks.name}

    def left_marks(self, listed: Manifest) -> Marks:
        """How far a process before this one followed the data sources that are listed, as far as that is known."""
        try:
            return self._marks.read(listed)
        except (ImageError, OSError) as error:
            reason = error.reason if isinstance(error, ImageError) else str(error)
            self._refused(self._place.path / self._marks.name, reason)
            return Marks()

    def remember_marks(self, listed: Manifest, followed: Marks) -> None:
        """Note how far the data sources that are listed were followed. Raises OSError."""
        self._place.require()
        before = self._place.path / self._marks.name
        self._marks.write(listed, followed)
        self._leftovers.remove(before)

    def forget_marks(self) -> None:
        """Let nobody believe what was noted of that. Raises OSError."""
        self._place.require()
        self._marks.forget()

    def take_files(self) -> dict[int, PackedFiles]:
        """What a process before this one read of zone files, by the number of the data source: for who asks first."""
        found, self._files = self._files, {}
        return found

    def remember_files(self, sources: Mapping[int, PackedFiles]) -> None:
        """Note what was read of zone files. Raises OSError."""
        self._place.require()
        filetable.write(self._place.path, sources)

    def _read_files(self) -> dict[int, PackedFiles]:
        """Raises OSError where that may go well in a moment: all zone files would be read and built anew for it."""
        path = self._place.path / filetable.NAME
        try:
            return filetable.read(self._place.path)
        except ImageError as error:
            self._refused(path, error.reason)
        except OSError as error:
            if error.errno in PASSING:
                raise
            self._refused(path, str(error))
        return {}
