"""The first code of every child: `shim.py PARENT -m PACKAGE ARGUMENTS...` or `shim.py PARENT PROGRAM ARGUMENTS...`.

It asks the kernel to be killed when bob dies, before anything that takes time, and then becomes the daemon (in this
very process) or the program that is not ours (which inherits the wish). Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)
MODULE = "-m"
EXIT_CANNOT_RUN = 126  # as a shell says it
EXIT_NOT_FOUND = 127


def main(arguments: list[str]) -> int:
    """Become what is asked for; returns only when that fails."""
    parent, program = int(arguments[0]), arguments[1]
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0 or os.getppid() != parent:
        return EXIT_CANNOT_RUN
    if program == MODULE:
        sys.argv = arguments[2:]
        runpy.run_module(arguments[2], run_name="__main__", alter_sys=True)
        return 0
    try:
        os.execv(program, arguments[1:])  # noqa: S606  (no shell is wanted)
    except OSError as error:
        print(f"{program}: {error.strerror}", file=sys.stderr)
        return EXIT_NOT_FOUND if isinstance(error, FileNotFoundError) else EXIT_CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
