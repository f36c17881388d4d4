"""What a data set is, and its files: made once, the same on every machine and in every run."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dns.message

from bench.sidebyside.questions import Question, packed
from bench.sidebyside.signing import Chain

MAX_PROBES = 64
SOURCES = ("datasets.py", "contents.py", "signing.py", "questions.py")


class DataSet(ABC):
    """Zones of a kind. Subclasses say what is in them, what is asked and how an answer must look."""

    name: str
    title: str
    zones = 1
    chain: Chain | None = None  # by which names are denied, where the zones are signed
    floods = False  # whether names that do not exist may be asked in a flood

    @property
    @abstractmethod
    def records(self) -> int:
        """How many records, signatures and proofs not counted."""

    @abstractmethod
    def texts(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Every origin with its zone file, piece by piece."""

    def write_zones(self, directory: Path) -> None:
        """Every zone in its file ORIGIN.zone."""
        for origin, lines in self.texts():
            with (directory / f"{origin}.zone").open("w") as stream:
                stream.writelines(lines)

    @abstractmethod
    def questions(self) -> Iterator[Question]:
        """What is asked, in random order, each once."""

    @abstractmethod
    def fault(self, reply: dns.message.Message) -> str | None:
        """What is wrong with an answer to one of the questions."""

    def flood(self) -> Iterator[Question]:
        """Names that do not exist, another for each query; only where `floods` says so."""
        yield from ()

    @cached_property
    def probes(self) -> list[Question]:
        """Some questions from all parts of the data: who answers them has loaded it."""
        every = list(self.questions())
        return every[:: max(1, len(every) // MAX_PROBES)]


@dataclass(frozen=True)
class Files:
    """A data set on disk."""

    data: DataSet
    directory: Path

    @property
    def zone_directory(self) -> Path:
        """Where every zone has its file ORIGIN.zone."""
        return self.directory / "zones"

    def zone_files(self) -> dict[str, Path]:
        """The file of every zone."""
        return {path.stem: path for path in sorted(self.zone_directory.iterdir())}

    def questions(self, *, flood: bool = False) -> Path:
        """What the load reads."""
        return self.directory / ("flood" if flood else "questions")


def provide(data: DataSet, cache: Path) -> Files:
    """The files of a data set, made where the cache does not have them. Whole or not at all."""
    place = cache / "data" / f"{data.name}-{_fingerprint()}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{data.name}-") as name:
            made = Files(data, Path(name) / "made")
            made.zone_directory.mkdir(parents=True)
            _write(made)
            if place.exists():
                shutil.rmtree(place)
            made.directory.rename(place)
    return Files(data, place)


def _write(files: Files) -> None:
    files.data.write_zones(files.zone_directory)
    with files.questions().open("wb") as stream:
        stream.writelines(packed(files.data.questions()))
    if files.data.floods:
        files.questions(flood=True).write_bytes(b"".join(packed(files.data.flood())))


def _fingerprint() -> str:
    """Of the source that makes the data: other source, other data."""
    here = Path(__file__).parent
    sources = b"".join((here / name).read_bytes() for name in SOURCES)
    return hashlib.sha256(sources).hexdigest()[:12]
