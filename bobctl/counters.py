"""`bobctl stats`: what was counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from bobctl import completion, output
from bobctl.suite import Suite
from bobctl.verbs import Noun, pass_suite

SHARES = (50, 95, 99)  # per cent
PAGE = 1000  # zones; cmdctl gives no more at once
INTERVAL = 2.0  # seconds between two looks with --watch


@click.group(cls=Noun)
def stats() -> None:
    """Counters of all modules and instances."""


@stats.command()
@click.argument("module", required=False, shell_complete=completion.modules)
@click.option(
    "--instance",
    metavar="I",
    shell_complete=completion.instances,
    help="Only this instance of the module, as 0 or spare.",
)
@click.option("--all", "everything", is_flag=True, help="Also counters that are 0.")
@click.option("--watch", is_flag=True, help="Show again every 2 seconds what was counted meanwhile, until interrupted.")
@pass_suite
def show(suite: Suite, module: str | None, instance: str | None, *, everything: bool, watch: bool) -> None:
    """Show counters, by module or by instance.

    Without MODULE it is the sum of each module, with it each of the instances beside the sum. An instance that hangs is
    shown like the others, for nobody is asked; one that does not run is shown with its state, and what it counted is
    kept for its successor.
    """
    if instance is not None and module is None:
        raise click.UsageError("--instance needs a MODULE")
    before: dict[str, dict[str, int]] = {}
    while True:
        found = suite.client.get("statistics", query={"module": module, "instance": instance})
        if suite.json:
            output.document(found)
        else:
            _show(found, before, detailed=module is not None, everything=everything)
        if not watch:
            return
        before = {name: one["counters"] for name, one in found["modules"].items()}
        time.sleep(INTERVAL)


@stats.command()
@click.argument("origin", required=False, shell_complete=completion.zones)
@click.option("--after", metavar="ORIGIN", shell_complete=completion.zones, help="Begin behind this zone.")
@click.option("--limit", type=click.IntRange(min=1, max=PAGE), default=100, metavar="N", help="At most so many zones.")
@click.option("--all", "everything", is_flag=True, help="Also counters that are 0.")
@pass_suite
def zones(suite: Suite, origin: str | None, after: str | None, limit: int, *, everything: bool) -> None:
    """Show what was counted in zones.

    Those with `statistics: true`, the sum over all instances, in canonical order; with ORIGIN that zone alone.
    """
    if origin is not None:
        found = suite.client.get("statistics", "zones", origin)
    else:
        found = suite.client.get("statistics", "zones", query={"after": after, "limit": limit})
    if suite.json:
        output.document(found)
        return
    for name, counters in found["zones"].items():
        rows = [(counter, value) for counter, value in counters.items() if value or everything]
        output.table((name, "SUM"), rows or [("responses", 0)])
        click.echo()
    if found["more"]:
        output.words(f"there are more: --after {list(found['zones'])[-1]}")
    if not found["zones"]:
        output.words("no zone is counted: zones.ZONE.statistics says which are")
    _tell_problems(found)


@stats.command()
@click.argument("module", required=False, shell_complete=completion.modules)
@pass_suite
def durations(suite: Suite, module: str | None) -> None:
    """Show how long commands, commits and requests took.

    Half of them, 95 and 99 of a hundred took at most as long as their column says, to the next bound of the histogram.
    """
    found = suite.client.get("statistics", query={"module": module})
    if suite.json:
        output.document({name: one["durations"] for name, one in found["modules"].items()})
        return
    rows = [
        (name, family.replace("_", " "), label, told["count"], _time(told["seconds"] / told["count"]), *_shares(told))
        for name, one in found["modules"].items()
        for family, of_family in one["durations"].items()
        for label, told in of_family.items()
    ]
    output.table(("MODULE", "KIND", "WHAT", "COUNT", "MEAN", *(f"{share}%" for share in SHARES)), rows)


def _shares(told: dict[str, Any]) -> Iterator[str]:
    """Which bound the shares are within."""
    for share in SHARES:
        wanted = told["count"] * share / 100
        within = next((bound for bound, count in told["buckets"].items() if count >= wanted), None)
        yield _time(float(within)) if within is not None else "longer"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _show(found: dict[str, Any], before: dict[str, dict[str, int]], *, detailed: bool, everything: bool) -> None:
    for name, one in found["modules"].items():
        if detailed:
            states = ", ".join(f"{name}/{number} {inner['state']}" for number, inner in one["instances"].items())
            click.echo(output.printable(states))
        rows = list(_rows(one, before.get(name), detailed=detailed, everything=everything))
        if rows:
            numbers = list(one["instances"]) if detailed and len(one["instances"]) > 1 else []
            output.table((name.upper(), "SUM", *(["MEANWHILE"] if name in before else []), *numbers), rows)
            click.echo()
    _tell_problems(found)


def _tell_problems(found: dict[str, Any]) -> None:
    for page, reason in found["problems"].items():
        output.words(f"bobctl: the page of counters {page} cannot be read: {reason}")


def _rows(
    one: dict[str, Any], before: dict[str, int] | None, *, detailed: bool, everything: bool
) -> Iterator[tuple[object, ...]]:
    several = detailed and len(one["instances"]) > 1
    for counter, value in one["counters"].items():
        if value or everything:
            meanwhile = () if before is None else (f"+{value - before.get(counter, 0)}",)
            each = (inner["counters"].get(counter, 0) for inner in one["instances"].values())
            yield (counter, value, *meanwhile, *(each if several else ()))
