"""Slices of all servers in turn, round after round, with a look at every answer."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import dns.exception
import dns.message

from bench.sidebyside import processes
from bench.sidebyside.load_program import Account, Load
from bench.sidebyside.questions import Question, Sample, samples
from bench.sidebyside.results import Outcome, RowResult, Slice
from bench.sidebyside.rows import Row
from bench.sidebyside.servers import Server, ServerError
from bench.sidebyside.yardstick import Echo

MAX_FAULTS = 3  # that are told of one server in one row
SKIP = 7919  # questions further on each round begins, so that rounds differ


@dataclass(frozen=True)
class Pace:
    """How long and how often."""

    rounds: int = 15
    seconds: float = 1.0


@dataclass(frozen=True)
class Entrant:
    """A server and what it is asked."""

    server: Server
    load: Load


def warm_up(entrant: Entrant, pace: Pace, scratch: Path) -> Slice:
    """One slice that does not count: caches fill, and it is seen whether answers are right and how long they are."""
    outcome = Outcome()
    _slice(entrant, pace, 0, scratch, outcome)
    (warm,) = outcome.slices
    if outcome.faults or warm.wrong:
        raise ServerError(f"{warm.wrong} wrong answers, for example {'; '.join(outcome.faults)}")
    if not warm.rate:
        raise ServerError(f"no answers within {pace.seconds:g} s; {warm.lost} queries lost")
    return warm


def measure(row: Row, entrants: Mapping[str, Entrant], pace: Pace, scratch: Path) -> RowResult:
    """A row. Each round begins with the next server, so that none always follows the same."""
    result = RowResult(row.name, row.title, row.data, pace.seconds, {key: Outcome() for key in entrants})
    keys = list(entrants)
    for number in range(pace.rounds):
        first = number % len(keys)
        for key in keys[first:] + keys[:first]:
            _slice(entrants[key], pace, number * SKIP, scratch, result.outcomes[key])
    return result


def extra_octets(questions: list[Question], answers: float) -> int:
    """How much longer answers of this average length are than queries."""
    return max(0, round(answers - statistics.mean(len(question.wire()) for question in questions)))


def _slice(entrant: Entrant, pace: Pace, skip: int, scratch: Path, outcome: Outcome) -> None:
    server, load = entrant.server, entrant.load
    echo = isinstance(server, Echo)
    kept = scratch / "samples"
    pids = server.pids()
    before = processes.processor_time(pids)
    account = load.run(server.port, pace.seconds, skip=skip, samples=kept, echo=echo)
    used = processes.processor_time(pids) - before
    ended = set(pids) - set(server.pids())
    outcome.slices.append(slice_of(account, used))
    if ended and len(outcome.faults) < MAX_FAULTS:  # their processor time is gone with them, too
        outcome.faults.append(f"processes ended in slice {len(outcome.slices)}: {sorted(ended)}: {server.words()}")
    if not echo:
        faults = (_fault(load, sample) for sample in samples(kept.read_bytes()))
        outcome.faults += islice(filter(None, faults), MAX_FAULTS - len(outcome.faults))


def slice_of(account: Account, used: int) -> Slice:
    """Figures of a slice; `used` in nanoseconds."""
    used = max(0, used)
    got = account.answered + account.wrong
    whole = account.seconds + account.drain
    return Slice(
        rate=account.in_time / account.seconds,
        processor_ns=used / got if got else 0.0,
        busy=used / 1e9 / whole,
        load_busy=1 - account.idle / account.seconds,
        octets=account.octets / got if got else 0.0,
        lost=account.lost,
        wrong=account.wrong,
    )


def _fault(load: Load, sample: Sample) -> str | None:
    try:
        reply = dns.message.from_wire(sample.reply)
    except dns.exception.DNSException as error:
        return f"cannot be decoded ({error}): {sample.reply.hex()}"
    fault = load.files.data.fault(reply)
    if sample.wrong or fault:
        return f"{reply.question}: {fault or 'flags, code or counts are not as expected'}: {reply.to_text()}"
    return None
