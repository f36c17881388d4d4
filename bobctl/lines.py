"""Command lines within the program, as the shell and `execute` have them: a line in, what is done, how it ended out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable

import click

from bobctl.errors import CommandError, ExitCode, understood
from bobctl.nouns import Nouns
from bobctl.suite import Suite
from cmdctl.errors import ClientError
from daemonkit.errors import PathError

root = Nouns(
    "bobctl",
    help="Nouns are as on the command line, without `bobctl`: `zone list`, `config set auth.udp_size 1400`.",
    options_metavar="",
    subcommand_metavar="NOUN [VERB] ...",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def words_of(line: str) -> list[str]:
    """The words of a line as a POSIX shell has them, `#` begins a comment; raises UsageError."""
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise click.UsageError(f"{line.strip()!r}: {str(error).lower()}") from error


def do(suite: Suite, words: list[str], *, rehearsal: Callable[[click.Context], None] | None = None) -> int:
    """Do one command and say what went wrong, if anything; its exit code."""
    try:
        root.main(words, prog_name="", standalone_mode=False, obj=suite.for_a_line(rehearsal=rehearsal))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.FAILED
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None and error.ctx.command is root:
            error.ctx = None  # whose usage, of a program without a name, helps nobody
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("aborted", err=True)
        return ExitCode.FAILED
    except CommandError as error:
        error.show()
        return error.exit_code
    except (ClientError, PathError) as error:
        problem = understood(error)
        problem.show()
        return problem.exit_code
    finally:
        sys.stdout.flush()
    return ExitCode.DONE
