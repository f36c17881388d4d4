"""Loading every zone file of a directory, each whole or not at all, the others whatever becomes of one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dns.name import Name

from datasrc.errors import DataSourceError, StorageError
from datasrc.keys import name_key
from datasrc.zonefiles import origin_of, zone_files
from loadzone.errors import Failed, LoadError, NotFound, UsageFault
from loadzone.loading import Loaded, open_text, plural
from loadzone.speech import Speech

Load = Callable[[Name, BinaryIO, str], Loaded]


@dataclass(slots=True)
class Tally:
    """How the zones of a directory went."""

    loaded: list[Loaded] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def summary(self, *, check: bool) -> str:
        """What was done, in a line."""
        written = sum(1 for one in self.loaded if one.change is not None)
        parts = [plural(len(self.loaded) + len(self.failed), "file")]
        if check:
            parts.append(f"{len(self.loaded)} good")
        else:
            parts += [f"{written} loaded", f"{len(self.loaded) - written} unchanged"]
        parts.append(f"{len(self.failed)} failed")
        text = ", ".join(parts)
        return f"{text}: {', '.join(self.failed)}" if self.failed else text


def files_of(directory: Path) -> list[Path]:
    """The zone files of a directory. Raises NotFound, Failed."""
    try:
        files = [path for path, _ in zone_files(directory)]
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{directory}: no such directory") from None
    except OSError as error:
        raise Failed(f"{directory}: {error.strerror}") from error
    if not files:
        raise NotFound(f"{directory}: no zone file in it")
    return files


def load_all(files: list[Path], load: Load, speech: Speech, tally: Tally) -> None:
    """Load each file; what fails is said and counted. A data source that fails as a whole ends it: StorageError."""
    files_by_zone = _by_zone(files)
    for file in files:
        try:
            tally.loaded.append(_load_file(file, files_by_zone, load, speech))
        except StorageError:
            speech.words(f"stopped at {file}: {len(tally.loaded)} of {len(files)} zones are done")
            raise
        except (LoadError, DataSourceError) as error:
            speech.words(f"loadzone: {error}")
            tally.failed.append(file.name)


def _load_file(file: Path, files_by_zone: dict[bytes, list[Path]], load: Load, speech: Speech) -> Loaded:
    try:
        origin = origin_of(file)
    except ValueError as error:
        raise UsageFault(str(error)) from error
    for other in files_by_zone[name_key(origin)]:
        if other != file:
            raise UsageFault(f"{file}: there is {other.name} beside it, and one zone cannot have both")
    with open_text(file) as stream:
        speech.begin(stream)
        return load(origin, stream, str(file))


def _by_zone(files: list[Path]) -> dict[bytes, list[Path]]:
    """The files by the key of the zone they are named after, as far as they are."""
    found: dict[bytes, list[Path]] = {}
    for file in files:
        with suppress(ValueError):
            found.setdefault(name_key(origin_of(file)), []).append(file)
    return found
