"""Starts a program that is not ours: `python -I -S shim.py PARENT PROGRAM ARGUMENTS...`. Standard library only.

It asks the kernel to be killed when bob dies, which the program it becomes inherits, and becomes the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)
EXIT_CANNOT_RUN = 126  # as a shell says it
EXIT_NOT_FOUND = 127


def main(arguments: list[str]) -> int:
    """Become the program; returns only when that fails."""
    parent, program = int(arguments[0]), arguments[1]
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0 or os.getppid() != parent:
        return EXIT_CANNOT_RUN
    try:
        os.execv(program, arguments[1:])  # noqa: S606  (no shell is wanted)
    except OSError as error:
        print(f"{program}: {error.strerror}", file=sys.stderr)
        return EXIT_NOT_FOUND if isinstance(error, FileNotFoundError) else EXIT_CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
