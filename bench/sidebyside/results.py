"""What was measured, as it is written to JSON."""

from __future__ import annotations

import msgspec

from bench.sidebyside.rows import ECHO, ECHO_AGAIN, SUITE, SUITE_POSITIVE


class Slice(msgspec.Struct, frozen=True):
    """One second, or as long as was asked for, of one server."""

    rate: float  # right answers a second
    processor_ns: float  # of all processes of the server, for each answer
    busy: float  # share of the server's core that its processes used
    load_busy: float  # share of the time in which the load had something to do: near 1 it is the limit, not the server
    octets: float  # of an answer, on average
    lost: int
    wrong: int


class Outcome(msgspec.Struct):
    """All slices of one server in a row, and what was wrong with its answers."""

    slices: list[Slice] = []
    faults: list[str] = []

    @property
    def rates(self) -> list[float]:
        """Right answers a second, slice by slice."""
        return [one.rate for one in self.slices]


class RowResult(msgspec.Struct):
    """One row: outcomes by server, in the order they were measured in the first round."""

    row: str
    title: str
    data: str
    seconds: float
    outcomes: dict[str, Outcome]
    left_out: dict[str, str] = {}  # servers that do not answer right, and why

    @property
    def peers(self) -> list[str]:
        """The other name servers in it."""
        return [key for key in self.outcomes if key not in (ECHO, ECHO_AGAIN, SUITE, SUITE_POSITIVE)]


class Loading(msgspec.Struct):
    """What it took a server to have the data of a set, and to have it again; seconds and octets."""

    imported: float  # until its import was done; 0 where it reads zone files itself
    first_answer: float  # from there to right answers to all probes
    settled: float  # from there until it was as fast as it gets: zone images, where it makes some
    restarts: list[float]  # from its start to the same, with everything in place
    memory: int  # PSS of all processes after the rows
    image: int  # files of zone images, as they were built
    empty: list[float] = []  # starts without zones
    delta: int | None = None  # files beside the images, with room for changes; of old reports nobody knows


class DataResult(msgspec.Struct):
    """A data set as each server loaded it."""

    data: str
    title: str
    records: int
    zones: int
    loadings: dict[str, Loading]
    left_out: dict[str, str] = {}  # servers that could not be started with it, and why


class Machine(msgspec.Struct):
    """Where and with what it was measured."""

    processor: str
    cores: int
    kernel: str
    python: str
    server_core: int
    load_core: int
    date: str
    busy: float  # runnable processes in the minute before (load average)


class Report(msgspec.Struct):
    """A whole run."""

    machine: Machine
    versions: dict[str, str]
    absent: list[str]
    data: list[DataResult] = []
    rows: list[RowResult] = []
    unmade: dict[str, str] = {}  # data sets that could not be made, and why
