"""What a process of the suite does to itself before anything else: parent-death signal, self-check, signals."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import signal
import sys
from pathlib import Path

from daemonkit.errors import InstallationError

# The top-level packages of the distribution; literal names, so another distribution could shadow one.
PACKAGES = (
    "auth",
    "authworker",
    "bob",
    "bobctl",
    "cfgmgr",
    "cmdctl",
    "daemonkit",
    "datasrc",
    "health",
    "image",
    "loadzone",
    "memmgr",
    "msgq",
    "sockcreator",
    "specs",
    "stats",
)

PR_SET_PDEATHSIG = 1  # prctl(2)
PR_SET_NAME = 15
ARG_START, ARG_END = 45, 46  # of /proc/PID/stat, counted from what follows the name (proc(5): fields 48 and 49)


def die_with_parent(parent: int) -> None:
    """Be killed when bob dies. To be called after every change of user, which clears the setting (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl(PR_SET_PDEATHSIG): {os.strerror(error)}")
    if os.getppid() != parent:  # it died before the setting took effect
        os._exit(0)


def interpreter() -> list[str]:
    """Python as this process runs, with the switches that matter to a test run."""
    development = ["-X", "dev"] if sys.flags.dev_mode else []
    warnings = [word for option in sys.warnoptions for word in ("-W", option)]
    return [sys.executable, *development, *warnings, "-I"]


def name_process(name: str) -> None:
    """Say what this process is: to `ps -o comm`, `top` and the like (15 characters), and in its command line."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
    _write_command_line(f"bob: {name}")


def _write_command_line(text: str) -> None:
    """Write over the arguments this process was started with: who was forked has those of bob."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = int(fields[ARG_START]), int(fields[ARG_END])
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, text.encode(), min(len(text.encode()), end - start - 1))


def installation_root() -> Path:
    """The directory that holds our packages."""
    return Path(__file__).resolve().parent.parent


@functools.cache  # done once by the zygote, for all that it forks
def check_installation() -> None:
    """Raise InstallationError unless all our packages are found in one place."""
    root = installation_root()
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise InstallationError(f"the package {name} is missing from the installation in {root}")
        place = Path(found.origin).resolve().parent.parent
        if place != root:
            raise InstallationError(
                f"the package {name} comes from {place}, not from {root}: use an environment of its own"
            )


def suite_run() -> str:
    """Which run of the suite this process is of: the process id of bob and the tick of its start (proc(5)).

    The same for all children of one bob, and for no other run of the suite on this machine.
    """
    parent = os.getppid()
    fields = Path(f"/proc/{parent}/stat").read_bytes().rpartition(b")")[2].split()
    return f"{parent}.{fields[19].decode()}"
