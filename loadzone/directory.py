"""Loading every zone file of a directory, each whole or not at all, the others whatever becomes of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dns.name import Name

from datasrc.errors import DataSourceError, StorageError
from loadzone.errors import Failed, LoadError, NotFound, UsageFault
from loadzone.loading import Loaded, open_text, parse_origin, plural
from loadzone.speech import Speech

SUFFIX = ".zone"

Load = Callable[[Name, BinaryIO, str], Loaded]


@dataclass(slots=True)
class Tally:
    """How the zones of a directory went."""

    loaded: list[Loaded] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def summary(self, *, check: bool) -> str:
        """What was done, in a line."""
        written = sum(1 for one in self.loaded if one.change is not None)
        parts = [plural(len(self.loaded) + len(self.failed), "zone")]
        if check:
            parts.append(f"{len(self.loaded)} good")
        else:
            parts += [f"{written} loaded", f"{len(self.loaded) - written} unchanged"]
        parts.append(f"{len(self.failed)} failed")
        text = ", ".join(parts)
        return f"{text}: {', '.join(self.failed)}" if self.failed else text


def zone_files(directory: Path) -> list[Path]:
    """The zone files: all regular files but hidden ones and the backups of editors. Raises NotFound, Failed."""
    try:
        files = sorted(
            path
            for path in directory.iterdir()
            if path.is_file() and not path.name.startswith(".") and not path.name.endswith("~")
        )
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{directory}: no such directory") from None
    except OSError as error:
        raise Failed(f"{directory}: {error.strerror}") from error
    if not files:
        raise NotFound(f"{directory}: no zone file in it")
    return files


def origin_of(file: Path, files: frozenset[str]) -> Name:
    """The zone a file is named after. Raises UsageFault."""
    name = file.name.removesuffix(SUFFIX)
    if file.name.endswith(SUFFIX) and name in files:
        raise UsageFault(f"{file}: there is a file {name} beside it, and one zone cannot have both")
    try:
        return parse_origin(name)
    except UsageFault as error:
        raise UsageFault(f"{file}: {error}") from error


def load_all(files: list[Path], load: Load, speech: Speech, tally: Tally) -> None:
    """Load each file; what fails is said and counted. A data source that fails as a whole ends it: StorageError."""
    names = frozenset(file.name for file in files)
    for file in files:
        try:
            tally.loaded.append(_load_file(file, names, load, speech))
        except StorageError:
            speech.words(f"stopped at {file}: {len(tally.loaded)} of {len(files)} zones are done")
            raise
        except (LoadError, DataSourceError) as error:
            speech.words(f"loadzone: {error}")
            tally.failed.append(file.name.removesuffix(SUFFIX))


def _load_file(file: Path, names: frozenset[str], load: Load, speech: Speech) -> Loaded:
    origin = origin_of(file, names)
    with open_text(file) as stream:
        speech.begin(stream)
        return load(origin, stream, str(file))
