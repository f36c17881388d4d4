"""The program `bob`. Here is only what must come before everything else; bob/commands.py has the command line."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line. Until there is something to stop in order, Ctrl-C ends the process without a word."""
    if sys.argv[1:2] == ["run"] and not sys.flags.isolated and sys.executable:
        _run_isolated()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell may have it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bob.commands import cli  # most of the time before the first process goes into imports

    cli(prog_name="bob")


def _run_isolated() -> None:
    """Begin again with an interpreter that reads nothing from the environment, as the daemons, which are our forks."""
    from daemonkit.process import interpreter

    os.execv(sys.executable, [*interpreter(), "-m", "bob", *sys.argv[1:]])  # noqa: S606 - no shell is wanted
