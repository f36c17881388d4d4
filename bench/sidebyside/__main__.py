"""`python -m bench.sidebyside ROW ...`: measure rows, print tables, write JSON."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import click
import msgspec

from bench.sidebyside.load_program import ToolError
from bench.sidebyside.measure import Pace
from bench.sidebyside.plot import svg
from bench.sidebyside.report import markdown
from bench.sidebyside.results import Report
from bench.sidebyside.rows import ROWS
from bench.sidebyside.run import SERVERS, Run
from bench.sidebyside.servers import ServerError


def default_cache() -> Path:
    """Below the XDG cache directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bobdns-bench"


@click.command(epilog="Rows: " + ", ".join(ROWS))
@click.argument("rows", nargs=-1, type=click.Choice(list(ROWS)), metavar="[ROW]...")
@click.option("--server", "servers", multiple=True, type=click.Choice(list(SERVERS)), help="Only these (default: all).")
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1, 1000), help="Slices of each server.")
@click.option("--seconds", default=1.0, show_default=True, type=click.FloatRange(0.05, 60), help="Length of a slice.")
@click.option(
    "--restarts",
    default=5,
    show_default=True,
    type=click.IntRange(0, 100),
    help="Restarts of each server with each data set. The median is told; of 1 it is that one start, and of 0 none is.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),  # servers run in directories of their own
    default=default_cache,
    show_default="XDG cache",
    help="Where data sets and compiled programs are kept.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures there.")
@click.option(
    "--markdown", "markdown_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the tables there, too."
)
@click.option(
    "--plot", "plot_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a chart there, as SVG."
)
@click.option(
    "--read",
    "read_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Measure nothing; show what --json wrote.",
)
def main(
    rows: tuple[str, ...],
    servers: tuple[str, ...],
    rounds: int,
    seconds: float,
    restarts: int,
    cache: Path,
    json_file: Path | None,
    markdown_file: Path | None,
    plot_file: Path | None,
    read_file: Path | None,
) -> None:
    """Measure this suite and other servers beside a bare echo: a server on one core, the load on another."""

    def save(report: Report) -> None:
        if json_file:
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
        if markdown_file:
            markdown_file.write_text(markdown(report))
        if plot_file:
            plot_file.write_text(svg(report))

    if read_file:
        report = msgspec.json.decode(read_file.read_bytes(), type=Report)
    else:
        chosen = [ROWS[name] for name in (rows or ROWS)]
        tell = partial(click.echo, err=True)
        run = Run(chosen, servers or tuple(SERVERS), Pace(rounds, seconds), restarts, cache, tell, save)
        try:
            report = run()
        except (ServerError, ToolError) as error:
            raise click.ClickException(str(error)) from error
    save(report)
    click.echo(markdown(report))
    sys.exit(1 if wrong(report) else 0)


def wrong(report: Report) -> bool:
    """Whether anybody answered wrong or did not start."""
    if any(one.left_out for one in report.data) or any(row.left_out for row in report.rows):
        return True
    return any(one.faults or any(s.wrong for s in one.slices) for row in report.rows for one in row.outcomes.values())


if __name__ == "__main__":
    main()
