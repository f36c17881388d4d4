"""The zones that are served and what is asked of them: the same on every machine and in every run."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset

from bench.sidebyside.questions import NXDOMAIN, Question, packed

ORIGIN = "bench.example"
HEAD = "$TTL 3600\n@ SOA ns1 hostmaster 1 7200 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"
HEAD_RECORDS = 3
SEED = 53
MAX_PROBES = 64
MISSING_LABEL = "x" * 16  # as long as a flood's labels; the load makes it anew for each query


class DataSet(ABC):
    """Zones of a kind. Subclasses say what is in them, what is asked and how an answer must look."""

    name: str
    title: str
    zones = 1
    signed = False
    floods = False  # whether names that do not exist may be asked in a flood

    @property
    @abstractmethod
    def records(self) -> int:
        """How many records, signatures and proofs not counted."""

    @abstractmethod
    def texts(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Every origin with its zone file, piece by piece."""

    @abstractmethod
    def questions(self) -> Iterator[Question]:
        """What is asked, in random order, each once."""

    @abstractmethod
    def fault(self, reply: dns.message.Message) -> str | None:
        """What is wrong with an answer to one of the questions."""

    def flood(self) -> Iterator[Question]:
        """Names below the apex that do not exist, another for each query."""
        yield Question(f"{MISSING_LABEL}.{ORIGIN}", rcode=NXDOMAIN, answers=0, authority=1, random_label=True)

    def probes(self) -> list[Question]:
        """Some questions from all parts of the data: who answers them has loaded it."""
        every = list(self.questions())
        return every[:: max(1, len(every) // MAX_PROBES)]


def fault_of_denial(reply: dns.message.Message) -> str | None:
    """A name that is not there is denied with the SOA."""
    if reply.answer or not any(rrset.rdtype == dns.rdatatype.SOA for rrset in reply.authority):
        return "no SOA in the authority section of a denial"
    return None


class Hosts(DataSet):
    """One zone of names with an address each."""

    floods = True

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.title = f"{count:,} names in one zone".replace(",", " ")

    @property
    def records(self) -> int:
        return self.count + HEAD_RECORDS

    def texts(self) -> Iterator[tuple[str, Iterator[str]]]:
        yield ORIGIN, self._lines()

    def _lines(self) -> Iterator[str]:
        yield HEAD
        for number in range(self.count):
            yield f"{host(number)} A {address(number)}\n"

    def questions(self) -> Iterator[Question]:
        for number in shuffled(self.count):
            yield Question(f"{host(number)}.{ORIGIN}")

    def fault(self, reply: dns.message.Message) -> str | None:
        asked = reply.question[0].name
        label = asked.labels[0].decode()
        if not label.startswith("h"):
            return fault_of_denial(reply)
        expected = dns.rrset.from_text(asked, 3600, "IN", "A", address(int(label[1:])))
        return None if reply.answer == [expected] else f"expected {expected}, got {reply.answer}"


def host(number: int) -> str:
    """The label of a name."""
    return f"h{number:07d}"


def address(number: int) -> str:
    """Its address."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def shuffled(count: int) -> list[int]:
    """The numbers below `count` in an order that is random and always the same."""
    numbers = list(range(count))
    random.Random(SEED).shuffle(numbers)
    return numbers


DATA_SETS: dict[str, DataSet] = {
    data.name: data
    for data in (
        Hosts("names-1k", 1_000),
        Hosts("records-1m", 1_000_000 - HEAD_RECORDS),
    )
}


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
    for origin, lines in files.data.texts():
        with (files.zone_directory / f"{origin}.zone").open("w") as stream:
            stream.writelines(lines)
    with files.questions().open("wb") as stream:
        stream.writelines(packed(files.data.questions()))
    if files.data.floods:
        files.questions(flood=True).write_bytes(b"".join(packed(files.data.flood())))


def _fingerprint() -> str:
    """Of the source that makes the data: other source, other data."""
    here = Path(__file__).parent
    sources = b"".join((here / name).read_bytes() for name in ("datasets.py", "questions.py"))
    return hashlib.sha256(sources).hexdigest()[:12]
