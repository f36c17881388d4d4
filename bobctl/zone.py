"""`bobctl zone`: the zones of the data sources, and how they are served."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from bobctl import building, completion, output, waiting
from bobctl.errors import CommandError, ExitCode
from bobctl.suite import Suite
from bobctl.verbs import Noun, done, pass_suite, reason_option
from cmdctl.api import SourceProblem, ZoneCheck, ZoneEntry, ZoneHistory, ZonePage

STATES = ("ready", "empty", "broken", "stale", "shadowed")
PAGE = 1000  # zones asked for at once; cmdctl gives no more


@click.group(cls=Noun)
def zone() -> None:
    """Zones: list, show, check, history, export, delete, reload."""


@zone.command("list")
@click.option("--after", metavar="ORIGIN", shell_complete=completion.zones, help="Begin behind this zone.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many zones.")
@click.option("--name", metavar="TEXT", shell_complete=completion.zones, help="Only zones whose name begins so.")
@click.option("--state", type=click.Choice(STATES), help="Only zones in this state.")
@click.option(
    "--source", metavar="NAME", shell_complete=completion.data_sources, help="Only zones of this data source."
)
@pass_suite
def list_zones(suite: Suite, /, limit: int | None, **query: str | None) -> None:
    """List the zones of all data sources.

    In canonical order; those of one beginning in the order of their text.
    """
    problems: dict[str, SourceProblem] = {}
    entries = _entries(suite, query, limit, problems)
    if suite.json:
        zones = list(entries)
        output.document({"zones": zones, "problems": list(problems.values())})
    else:
        head = ("ZONE", "SOURCE", "SERIAL", "RECORDS", "STATE", "SERVED")
        rows = [(z["origin"], z["source"], z["serial"], z["records"], z["state"], served(z)) for z in entries]
        output.table(head, rows)
        if not rows and not problems:
            output.words("there are no such zones" if any(query.values()) else "there are no zones")
    for problem in problems.values():
        output.words(f"bobctl: the data source {problem['source']} cannot be read: {problem['reason']}")
    if problems:
        sys.exit(ExitCode.FAILED)


@zone.command()
@click.argument("origin", shell_complete=completion.zones)
@pass_suite
def show(suite: Suite, origin: str) -> None:
    """Show one zone and who serves it."""
    entry = suite.client.zone_status(origin)
    if suite.json:
        output.document(entry)
        return
    output.fields(
        {
            "zone": entry["origin"],
            "source": entry["source"] + ("" if entry["writable"] else " (read-only)"),
            "state": entry["state"],
            "reason": entry["reason"],
            "serial": entry["serial"],
            "records": entry["records"],
            "version": entry["version"],
            "served": served(entry),
            **({"image": entry["image"]} if "image" in entry else {}),
        }
    )
    if entry["served"]:
        click.echo()
        output.table(
            ("INSTANCE", "STATE", "SERIAL", "FROM", "REASON"),
            [
                (one["instance"], one["state"], one["serial"], one.get("by", ""), one["reason"])
                for one in entry["served"]
            ],
        )


@zone.command()
@click.argument("origin", shell_complete=completion.zones)
@pass_suite
def check(suite: Suite, origin: str) -> None:
    """Check the data of a zone; exit code 1 if there are errors."""
    outcome: ZoneCheck = suite.client.get("zones", origin, "check")
    if suite.json:
        output.document(outcome)
    else:
        for finding in outcome["findings"]:
            where = f"{finding['place']}: " if finding["place"] else ""
            severity = output.style(finding["severity"], fg="red" if finding["severity"] == "error" else "yellow")
            click.echo(f"{output.printable(where)}{severity}: {output.printable(finding['text'])} [{finding['code']}]")
        for code, count in outcome["left_out"].items():
            click.echo(f"... and {count} more [{code}]")
        output.words(f"{outcome['origin']}: {outcome['errors']} errors, {outcome['warnings']} warnings")
    if outcome["errors"]:
        sys.exit(ExitCode.FAILED)


@zone.command()
@click.argument("origin", shell_complete=completion.zones)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, PAGE), help="How many changes.")
@click.option("--before", default=0, metavar="ID", help="Only changes before this one.")
@click.option("--source", metavar="NAME", shell_complete=completion.data_sources, help="In this data source.")
@pass_suite
def history(suite: Suite, origin: str, limit: int, before: int, source: str | None) -> None:
    """Show who changed a zone, when and why, newest first.

    As far back as its data source keeps it; also of a zone that was deleted. Of zone files there is none: they are
    served as they are. `bobctl audit` has what came by way of cmdctl only.
    """
    query = {"limit": limit, "before": before, "source": source}
    found: ZoneHistory = suite.client.get("zones", origin, "history", query=query)
    if suite.json:
        output.document(found)
        return
    head = ("ID", "TIME", "AUTHOR", "BY", "VERSION", "SERIAL", "REASON")
    rows = [
        (
            one["id"],
            output.moment(one["time"]),
            one["author"],
            one["by"],
            one["version"],
            "deleted" if one["deleted"] else one["serial"],
            one["reason"],
        )
        for one in found["changes"]
    ]
    output.table(head, rows)
    if not rows:
        output.words(f"the data source {found['source']} keeps no history of {found['origin']}")
    elif found["more"]:
        output.words(f"there are more: --before {found['changes'][-1]['id']}")


@zone.command()
@click.argument("origin", shell_complete=completion.zones)
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@pass_suite
def export(suite: Suite, origin: str, file: Path) -> None:
    """Write a zone as a master file (RFC 1035).

    FILE is written whole or not at all; without it the zone goes to stdout.
    """
    if suite.json:
        raise click.UsageError("a zone is exported as zone text; --json does not apply")
    pieces = suite.client.stream("zones", origin, "export")
    if str(file) == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    try:
        with _whole(file) as target:
            for piece in pieces:
                target.write(piece)
    except OSError as error:
        raise CommandError("failed", f"{file}: {error.strerror or error}") from error
    output.words(f"{origin} is in {file}")


@zone.command()
@click.argument("origin", shell_complete=completion.zones)
@click.option("--yes", is_flag=True, help="Do not ask.")
@reason_option
@pass_suite
def delete(suite: Suite, origin: str, reason: str, *, yes: bool) -> None:
    """Delete a zone with all its data."""
    entry = suite.client.zone_status(origin)
    if not yes:
        _confirm(f"Delete {entry['origin']} with {entry['records']} records from {entry['source']}?")
    answer = suite.client.request(
        "DELETE", "zones", origin, query={"source": entry["source"], "reason": reason or None}
    )
    done(suite, answer, f"{answer['origin']} is deleted")


@zone.command("reload")
@click.argument("origin", required=False, shell_complete=completion.zones)
@waiting.wait_options
@pass_suite
def reload_zones(suite: Suite, origin: str | None, timeout: float, *, wait: bool) -> None:
    """Make every server look at ORIGIN, or at all zones, afresh.

    With --wait it is not done before the images of what changed are built, and ORIGIN is served everywhere as it is.
    """
    before = building.failures(suite) if wait and origin is None and building.has_images(suite) else {}
    answer = suite.client.post("zones", origin, "reload") if origin else suite.client.post("reload")
    failed = [one for one in answer["instances"] if one["error"]]
    for one in failed:
        output.words(f"bobctl: {one['instance']}: {one['error']}")
    for problem in answer.get("problems", ()):
        output.words(f"bobctl: {problem}")
    if answer.get("left_out"):
        output.words(f"bobctl: and {answer['left_out']} more zone files cannot be used")
    if wait and building.has_images(suite):
        if origin is None:
            building.wait_for_all(suite, lambda one: one not in before, timeout)
        else:
            building.wait_for_zone(suite, origin, timeout)
    if wait and origin is not None:
        waiting.until(lambda: _unserved(suite, origin), timeout)
    done(suite, answer, f"reloaded by {len(answer['instances']) - len(failed)} of {len(answer['instances'])} instances")
    if failed or answer.get("problems") or not answer["instances"]:
        sys.exit(ExitCode.FAILED)


def _unserved(suite: Suite, origin: str) -> str:
    """Who does not serve a zone as it is in its data source; empty: everybody does."""
    entry = suite.client.zone_status(origin)
    late = [one for one in entry["served"] if one["state"] != "ready" or one["serial"] != entry["serial"]]
    return ", ".join(f"{one['instance']} has {one['reason'] or one['serial'] or one['state']}" for one in late)


def served(entry: ZoneEntry) -> str:
    """In how many auth instances the zone is as it is in the data source, or as it goes on being served: `2 of 2`."""
    current = [one for one in entry["served"] if one["state"] == "ready" and one["serial"] == entry["serial"]]
    return f"{len(current)} of {len(entry['served'])}"


def _entries(
    suite: Suite, query: dict[str, str | None], limit: int | None, problems: dict[str, SourceProblem]
) -> Iterator[ZoneEntry]:
    """All zones, page by page; what sources could not be read is noted in `problems`."""
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(left, PAGE)
        page: ZonePage = suite.client.get("zones", query={**query, "limit": size})
        problems.update({problem["source"]: problem for problem in page["problems"]})
        yield from page["zones"]
        left = None if left is None else left - len(page["zones"])
        query = {**query, "after": page["next"]}
        if page["next"] is None:
            return


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to confirm: say --yes")
    click.confirm(output.printable(question), abort=True, err=True)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name only when it is complete and on disk; a device or pipe is just written to."""
    if path.exists() and not path.is_file():
        with path.open("wb") as special:
            yield special
        return
    umask = os.umask(0)
    os.umask(umask)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~umask)
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
