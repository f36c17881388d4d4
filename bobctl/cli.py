"""The command line: global options, the nouns (each in its own module, imported when used), errors to exit codes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import NoReturn

import click

from bobctl.errors import CommandError, ExitCode
from bobctl.suite import UNIX, Suite
from cmdctl.errors import ClientError, DoorClosed, ErrorAnswer, NoAnswer, NotPermitted, NotRunning
from daemonkit.errors import PathError

# noun -> (module, attribute, help of one line): the help of all nouns needs none of their modules.
NOUNS = {
    "call": ("bobctl.call", "call", "Send a command to a module."),
    "component": ("bobctl.component", "component", "The processes of the suite: list, start, stop, add, change."),
    "config": ("bobctl.config", "config", "Configuration: show, set, diff, commit."),
    "health": ("bobctl.health_checks", "health", "Check the health of a domain; needs no running suite."),
    "modules": ("bobctl.modules", "modules", "The modules of the suite and what they understand."),
    "status": ("bobctl.status", "status", "How the suite is."),
    "version": ("bobctl.version", "version", "The versions of this program and of the running suite."),
    "zone": ("bobctl.zone", "zone", "Zones: list, show, check, export, delete, reload."),
}


class Nouns(click.Group):
    """A group that imports a command when it is called for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All nouns."""
        return sorted(NOUNS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one noun."""
        if cmd_name not in NOUNS:
            return None
        module, attribute, _ = NOUNS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the nouns without importing them."""
        with formatter.section("Nouns"):
            formatter.write_dl([(noun, text) for noun, (_, _, text) in sorted(NOUNS.items())])


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

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused.

    An interactive shell comes with a later release.
    """
    if server is not None and (state_dir or run_dir):
        raise click.UsageError("--server goes without --state-dir and --run-dir")
    ctx.obj = Suite(server, state_dir, run_dir, json)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


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
        _fail(explain(error))
    sys.exit(status if isinstance(status, int) else ExitCode.DONE)


def _fail(error: CommandError) -> NoReturn:
    error.show()
    sys.exit(error.exit_code)


def explain(error: Exception) -> CommandError:
    """What went wrong between us and the suite, and what to do about it."""
    match error:
        case ErrorAnswer():
            return CommandError(error.code, error.message, error.details)
        case NotRunning():
            return CommandError(
                "failed", f"{error}: start the suite with `bob run`, or name it with --run-dir or --state-dir"
            )
        case DoorClosed():
            return CommandError("failed", f"{error}: see what the suite logs of cmdctl")
        case NotPermitted():
            return CommandError("refused", f"{error}: only root, the suite's own user and members of the group bob may")
        case NoAnswer():
            return CommandError("failed", f"{error}; see `bobctl status`")
        case _:
            return CommandError("failed", str(error))
