"""The command line: global options, and errors to exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from bobctl.errors import CommandError, ExitCode, understood
from bobctl.nouns import Nouns
from bobctl.suite import UNIX, Suite
from cmdctl.errors import ClientError
from daemonkit.errors import PathError


def _check_server(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or value.startswith(UNIX):
        return value
    from cmdctl.remote_client import split_url

    try:
        split_url(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}, or {UNIX}PATH") from error
    return value


_A_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(cls=Nouns, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--server",
    metavar="unix:PATH|https://HOST[:PORT]",
    envvar="BOBCTL_SERVER",
    callback=_check_server,
    help="The control socket to talk to, or a suite elsewhere. (BOBCTL_SERVER)",
)
@click.option(
    "--token-file",
    type=_A_FILE,
    metavar="FILE",
    envvar="BOBCTL_TOKEN_FILE",
    help="The token for a suite elsewhere; mode 0600. (BOBCTL_TOKEN_FILE)",
)
@click.option(
    "--ca-file",
    type=_A_FILE,
    metavar="FILE",
    envvar="BOBCTL_CA_FILE",
    help="Trust the certificates in FILE, instead of the system's. (BOBCTL_CA_FILE)",
)
@click.option(
    "--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="The suite with this state directory."
)
@click.option("--run-dir", type=click.Path(path_type=Path), metavar="DIR", help="The suite with this run directory.")
@click.option("--json", is_flag=True, help="Answers as JSON on stdout, for programs.")
@click.pass_context
def root(ctx: click.Context, /, **options: Any) -> None:
    """Look at and change a running bobdns suite.

    Without --server, --state-dir or --run-dir this is the suite of the system, or else the one you started yourself.

    Without a noun, on a terminal, it is a shell: Tab completes, `help` helps, `exit` ends it.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused.
    """
    if options["state_dir"] or options["run_dir"]:
        if ctx.get_parameter_source("server") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--server cannot be combined with --state-dir or --run-dir")
        options["server"] = None  # what the command line says is nearer than the environment
    ctx.obj = Suite.of(options)
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
        click.echo("bobctl: aborted", err=True)
        sys.exit(ExitCode.FAILED)
    except CommandError as error:
        _fail(error)
    except (ClientError, PathError) as error:
        _fail(understood(error))
    sys.exit(status if isinstance(status, int) else ExitCode.DONE)


def _fail(error: CommandError) -> NoReturn:
    error.show()
    sys.exit(error.exit_code)
