"""The command line of loadzone."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from loadzone.errors import ExitCode
from loadzone.interruption import Interruption
from loadzone.loading import Manner
from loadzone.program import Program
from loadzone.target import Selection

_directory = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("origin", required=False)
@click.argument("file", required=False, metavar="FILE|-")
@click.option("--all", "directory", type=_directory, metavar="DIR", help="Load every NAME or NAME.zone of DIR instead.")
@click.option("--config", type=_directory, metavar="FILE", help="Take the data sources from this bob.yaml.")
@click.option("--state-dir", type=_directory, metavar="DIR", help="Load into the suite with this state directory.")
@click.option("--run-dir", type=_directory, metavar="DIR", help="Ask the suite with this run directory.")
@click.option("--database", metavar="URL", help="Load into the data source of this URL.")
@click.option("--source", metavar="NAME", help="Load into the data source NAME.")
@click.option("--check", "check_only", is_flag=True, help="Read and check only; no data source is touched.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--incremental", is_flag=True, help="Change a zone that is there: write only what differs.")
@click.option("--force", is_flag=True, help="Accept a lower serial.")
@click.version_option(importlib.metadata.version("bobdns"), message="loadzone %(version)s")
def command(
    origin: str | None,
    file: str | None,
    directory: Path | None,
    config: Path | None,
    state_dir: Path | None,
    run_dir: Path | None,
    database: str | None,
    source: str | None,
    *,
    check_only: bool,
    strict: bool,
    incremental: bool,
    force: bool,
) -> ExitCode:
    """Load the zone ORIGIN from a zone FILE (RFC 1035 section 5), or from standard input (-), into a data source.

    The zone is replaced as a whole, in one transaction; on any error what is there stays. The suite need not run. What
    was loaded is said on stdout, everything else on stderr.

    Without --database, --config or --state-dir this is the database of the system's suite, or of your own.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 changed by another meanwhile, 5 refused.
    """
    _check_usage(origin, file, directory, database, config, state_dir)
    if check_only:
        _check_alone(
            {
                "--config": config,
                "--state-dir": state_dir,
                "--run-dir": run_dir,
                "--database": database,
                "--source": source,
                "--incremental": incremental,
                "--force": force,
            }
        )
    selection = None if check_only else Selection(database, config, state_dir, run_dir, source)
    interruption = Interruption()
    interruption.install()
    program = Program(Manner(strict, incremental, force), selection, interruption)
    if directory is not None:
        return program.load_all(directory)
    assert origin is not None
    assert file is not None
    return program.load_one(origin, file)


def _check_usage(
    origin: str | None,
    file: str | None,
    directory: Path | None,
    database: str | None,
    config: Path | None,
    state_dir: Path | None,
) -> None:
    if directory is None and (origin is None or file is None):
        raise click.UsageError("ORIGIN and FILE are missing (or --all DIR)")
    if directory is not None and origin is not None:
        raise click.UsageError("--all cannot be combined with ORIGIN and FILE")
    if database is not None and (config is not None or state_dir is not None):
        raise click.UsageError("--database cannot be combined with --config or --state-dir")


def _check_alone(options: Mapping[str, object]) -> None:
    """Refuse what says where and how to write: a zone is checked by itself, whoever is to serve it."""
    given = [option for option, value in options.items() if value not in (None, False)]
    if given:
        raise click.UsageError(f"--check writes nothing: it cannot be combined with {', '.join(given)}")


def main() -> NoReturn:
    """Do what the command line says and exit."""
    try:
        code = command.main(prog_name="loadzone", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(ExitCode.FAILED)
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)
