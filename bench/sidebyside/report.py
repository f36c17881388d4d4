"""Tables of what was measured, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from bench.sidebyside.ratios import Interval, Reach, median_interval, pairwise
from bench.sidebyside.results import DataResult, Report, RowResult
from bench.sidebyside.rows import BEST_PEER, ECHO, ECHO_AGAIN, LOADING_GOALS, ROWS, SUITE, SUITE_POSITIVE, Goal

TITLES = {
    SUITE: "bobdns",
    "nsd": "NSD",
    "knot": "Knot",
    "bind": "BIND",
    "powerdns": "PowerDNS",
    ECHO: "echo",
    SUITE_POSITIVE: "bobdns, names that exist",
}
ORDER = (ECHO, SUITE, SUITE_POSITIVE, "nsd", "knot", "bind", "powerdns")
MEBI = 1 << 20
QUIET = 0.85  # of its core the echo has on a quiet machine; with less, others had the rest


def markdown(report: Report) -> str:
    """The whole report."""
    parts = [_where(report)]
    if report.rows:
        parts.append(_summary(report.rows))
    parts += [_row(result) for result in report.rows]
    parts += [f"{name} could not be made: {reason}" for name, reason in report.unmade.items()]
    if report.data:
        parts.append(_data(report.data))
    return "\n\n".join(parts) + "\n"


def best_peer(result: RowResult) -> str | None:
    """The other name server with the highest median rate."""
    return max(result.peers, key=lambda key: statistics.median(result.outcomes[key].rates), default=None)


def ratio(result: RowResult, key: str, of: str) -> Interval | None:
    """One server to another, slice by slice; None if either was not measured."""
    if of == BEST_PEER:
        of = best_peer(result) or ""
    if key not in result.outcomes or of not in result.outcomes:
        return None
    return pairwise(result.outcomes[key].rates, result.outcomes[of].rates)


def reach(result: RowResult, goal: Goal) -> Reach | None:
    """Whether the suite reaches a goal; None where it was not measured."""
    interval = ratio(result, SUITE, goal.of)
    return None if interval is None else Reach.of(interval, goal.ratio)


def verdict(result: RowResult, goal: Goal) -> str:
    """That in words."""
    interval = ratio(result, SUITE, goal.of)
    if interval is None:
        return f"Goal {goal.ratio:g} of {goal.of}: not measured"
    name = (
        f"{goal.of} ({TITLES.get(best_peer(result) or '')})" if goal.of == BEST_PEER else TITLES.get(goal.of, goal.of)
    )
    return f"Goal {goal.ratio:g} of {name}: {Reach.of(interval, goal.ratio).value}, {interval}"


def tally(result: RowResult) -> str:
    """How many goals of a row are met, and how many of these within the noise only."""
    found = [reach(result, goal) for goal in ROWS[result.row].goals]
    if not found:
        return "-"
    text = f"{sum(one is not None and one.is_met for one in found)} of {len(found)}"
    noise = found.count(Reach.WITHIN_NOISE)
    return f"{text}, {noise} {Reach.WITHIN_NOISE.value}" if noise else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    marks = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


def _where(report: Report) -> str:
    machine = report.machine
    versions = ", ".join(f"{TITLES.get(key, key)} {version}" for key, version in report.versions.items())
    sentences = [
        (
            f"Measured {machine.date} on {machine.processor}, {machine.cores} cores, Linux {machine.kernel}, "
            f"Python {machine.python}; servers on core {machine.server_core}, load on core {machine.load_core}, "
            f"load average before {machine.busy:.1f}."
        ),
        f"{versions}.",
    ]
    if report.absent:
        sentences.append(f"Not installed: {', '.join(report.absent)}.")
    return " ".join(sentences)


def _summary(rows: Sequence[RowResult]) -> str:
    """A line a row: thousand answers a second of the echo, the others as shares of it, ours to the best peer's."""
    present = {key for result in rows for key in result.outcomes}
    keys = [key for key in ORDER if key in present and key not in (ECHO, SUITE_POSITIVE)]
    head = ["row", "echo, thousand/s", *(f"{TITLES[key]} of echo" for key in keys), "bobdns to the best peer", "goals"]
    lines = []
    for result in rows:
        echo = statistics.median(result.outcomes[ECHO].rates) / 1000
        shares = [ratio(result, key, ECHO) for key in keys]
        lines.append(
            [
                result.row,
                f"{echo:.0f}",
                *(f"{share.median:.2f}" if share else "-" for share in shares),
                str(ratio(result, SUITE, BEST_PEER) or "-"),
                tally(result),
            ]
        )
    return table(head, lines)


def _row(result: RowResult) -> str:
    count = len(next(iter(result.outcomes.values())).slices)
    lines = [f"### {result.row}: {result.title}", f"{count} slices of {result.seconds:g} s each, interleaved."]
    lines.append(table(HEAD, list(_lines(result))))
    noise = ratio(result, ECHO_AGAIN, ECHO)
    said = [f"Noise floor (a second echo to the first): {noise}."] if noise else []
    if ECHO in result.outcomes and _busy(result, ECHO) < QUIET:
        said.append(f"**The machine was not quiet**: the echo had {_busy(result, ECHO):.0%} of its core.")
    said += [f"{verdict(result, goal)}." for goal in ROWS[result.row].goals if SUITE in result.outcomes]
    if said:
        lines.append(" ".join(said))
    lines += [
        f"{TITLES.get(key, key)} did wrong: {fault}" for key, one in result.outcomes.items() for fault in one.faults
    ]
    lines += _left_out(result.left_out)
    return "\n\n".join(lines)


def _left_out(reasons: dict[str, str]) -> list[str]:
    return [f"{TITLES.get(key, key)} was left out: {reason}" for key, reason in reasons.items()]


def _busy(result: RowResult, key: str) -> float:
    return statistics.median(one.busy for one in result.outcomes[key].slices)


HEAD = (
    "server",
    "thousand answers/s",
    "of echo",
    "bobdns to it",
    "processor us/answer",
    "core busy",
    "load busy",
    "octets",
    "lost",
    "wrong",
)


def _lines(result: RowResult) -> Iterator[list[str]]:
    for key in (*ORDER, *(key for key in result.outcomes if key not in (*ORDER, ECHO_AGAIN))):
        if key not in result.outcomes:
            continue
        slices = result.outcomes[key].slices
        rate = median_interval([one.rate / 1000 for one in slices])
        of_echo = ratio(result, key, ECHO) if key != ECHO else None
        ours = ratio(result, SUITE, key) if key != SUITE else None
        yield [
            TITLES.get(key, key),
            f"{rate.median:.1f}",
            str(of_echo or "-"),
            str(ours or "-"),
            f"{statistics.median(one.processor_ns for one in slices) / 1000:.2f}",
            f"{statistics.median(one.busy for one in slices):.0%}",
            f"{statistics.median(one.load_busy for one in slices):.0%}",
            f"{statistics.median(one.octets for one in slices):.0f}",
            str(sum(one.lost for one in slices)),
            str(sum(one.wrong for one in slices)),
        ]


def _data(data: Sequence[DataResult]) -> str:
    head = (
        "data, server",
        "import s",
        "to first answers s",
        "images s",
        "restart s",
        "memory MiB (PSS)",
        "image octets/record",
        "with deltas",
    )
    rows = []
    for one in data:
        for key, loading in one.loadings.items():
            restart = f"{statistics.median(loading.restarts):.2f}" if loading.restarts else "-"
            rows.append(
                [
                    f"{one.data}, {TITLES.get(key, key)}",
                    f"{loading.imported:.2f}" if loading.imported else "-",
                    f"{loading.first_answer:.2f}",
                    f"{loading.settled:.2f}" if loading.settled else "-",
                    restart,
                    f"{loading.memory / MEBI:.0f}",
                    f"{loading.image / one.records:.1f}" if loading.image else "-",
                    f"{(loading.image + loading.delta) / one.records:.1f}" if loading.image and loading.delta else "-",
                ]
            )
    left_out = [line for one in data for line in _left_out(one.left_out)]
    parts = ["### Loading, restart, memory", table(head, rows), *_restarts(data), *_loading_verdicts(data), *left_out]
    return "\n\n".join(parts)


def _restarts(data: Sequence[DataResult]) -> Iterator[str]:
    """Of how many a restart in the table is the median."""
    counts = {len(loading.restarts) for one in data for loading in one.loadings.values() if loading.restarts}
    if counts:
        yield f"Restart: the median of {' or '.join(map(str, sorted(counts)))}."


def _loading_verdicts(data: Sequence[DataResult]) -> Iterator[str]:
    for one in data:
        ours = one.loadings.get(SUITE)
        for goal in LOADING_GOALS:
            if ours is None or goal.data != one.data:
                continue
            if goal.what == "first":
                yield _at_most(f"{one.data}: first answers in {goal.most:g} s", ours.first_answer, goal.most)
            elif goal.what == "restart" and goal.over_empty and ours.restarts and ours.empty:
                most = statistics.median(ours.empty) + goal.most
                words = f"{one.data}: restart in {most:.2f} s, a start without zones and {goal.most:g} s"
                yield _at_most(words, statistics.median(ours.restarts), most)
            elif goal.what == "restart" and not goal.over_empty and ours.restarts:
                yield _at_most(f"{one.data}: restart in {goal.most:g} s", statistics.median(ours.restarts), goal.most)
            elif goal.what == "image" and ours.image:
                yield _at_most(f"{one.data}: {goal.most:g} octets a record", ours.image / one.records, goal.most)


def _at_most(goal: str, value: float, most: float) -> str:
    return f"Goal {goal}: {'reached' if value <= most else 'missed'}, {value:.2f}."
