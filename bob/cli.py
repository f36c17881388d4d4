"""The program `bob`. Here is only what must come before everything else; bob/commands.py has the command line."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line. Until there is something to stop in order, Ctrl-C ends the process without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell may have it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bob.commands import cli  # most of the time before the first process goes into imports

    cli(prog_name="bob")
