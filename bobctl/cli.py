"""The command line: global options, and errors to exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from bobctl.errors import CommandError, ExitCode, understood
from bobctl.nouns import Nouns
from bobctl.suite import UNIX, Suite
from cmdctl.errors import ClientError
from daemonkit.errors import PathError


def _check_server(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(UNIX):
        raise click.BadParameter(f"only {UNIX}PATH is known in this release, not {value!r}")
    return value


@click.group(cls=Nouns, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--server", metavar="unix:PATH", callback=_check_server, help="The control socket to talk to.")
@click.option(
    "--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="The suite with this state directory."
)
@click.option("--run-dir", type=click.Path(path_type=Path), metavar="DIR", help="The suite with this run directory.")
@click.option("--json", is_flag=True, help="Answers as JSON on stdout, for programs.")
@click.pass_context
def root(ctx: click.Context, server: str | None, state_dir: Path | None, run_dir: Path | None, *, json: bool) -> None:
    """Look at and change a running bobdns suite.

    Without --server, --state-dir or --run-dir this is the suite of the system, or else the one you started yourself.

    Without a noun, on a terminal, it is a shell: Tab completes, `help` helps, `exit` ends it.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused.
    """
    if server is not None and (state_dir or run_dir):
        raise click.UsageError("--server goes without --state-dir and --run-dir")
    ctx.obj = Suite(server, state_dir, run_dir, json)
    if ctx.invoked_subcommand is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(ctx.get_help())
        return
    from bobctl.shell import Shell  # prompt_toolkit: only here

    Shell(ctx.obj).run()


def main() -> NoReturn:
    """Run bobctl."""
    try:
        status = root.main(prog_name="bobctl", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("bobctl: given up", err=True)
        sys.exit(ExitCode.FAILED)
    except CommandError as error:
        _fail(error)
    except (ClientError, PathError) as error:
        _fail(understood(error))
    sys.exit(status if isinstance(status, int) else ExitCode.DONE)


def _fail(error: CommandError) -> NoReturn:
    error.show()
    sys.exit(error.exit_code)
