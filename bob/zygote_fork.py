"""The first zygote: a fork of bob itself, so that what bob has read is in memory once for all.

That is possible only before bob has a loop, a thread or anything open but what it was started with. The fork becomes
what a new interpreter would be: the leader of a process group, without descriptors, capabilities and bob's log.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bob import systemd, zygote
from bob.privileges import give_up_capabilities
from daemonkit.process import name_process
from daemonkit.spec import load_all
from msgq.envelope import get_ready

PR_SET_DUMPABLE = 4  # prctl(2)
SHARED = ("bob.member", "daemonkit.main")  # what bob, or every daemon, needs: read before, it is there once


@dataclass(frozen=True, slots=True)
class Forked:
    """A zygote that was forked, and our end of its channel."""

    pid: int
    channel: socket.socket


def fork_zygote(modules: Sequence[str]) -> Forked | None:
    """Fork a zygote that reads `modules`; None where it has to be a program of its own.

    To be called after the change of user. An interpreter that is not isolated (python(1), -I) may have read what
    somebody put into its way: that is not for the daemons.
    """
    if not sys.flags.isolated:
        return None
    for name in SHARED:
        importlib.import_module(name)
    load_all()
    get_ready()
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        return None
    gc.collect()
    gc.freeze()  # as zygote.py does after each import
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:  # no memory, or no processes: said when the first daemon cannot be started
        ours.close()
        theirs.close()
        return None
    if pid == 0:
        ours.close()
        _be_zygote(theirs.detach(), parent, modules)
    theirs.close()
    return Forked(pid, ours)


def _close(descriptor: int) -> None:
    """Close a descriptor, if it is there: the one that listed them is not any more."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _be_zygote(channel: int, parent: int, modules: Sequence[str]) -> NoReturn:
    """Become what `zygote.py` is when it is started as a program. Who is forked by it leaves by SystemExit."""
    os.setpgid(0, 0)
    os.chdir("/")
    give_up_capabilities()
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after an exec; a change of user has unset it
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.set_inheritable(0, True)  # `null` is 0 itself where whoever started bob has closed it
    for entry in Path("/proc/self/fd").iterdir():  # os.closerange() may try 2^31 numbers, one by one
        if int(entry.name) not in (0, 1, 2, channel):
            _close(int(entry.name))
    for name in [*systemd.VARIABLES, *(name for name in os.environ if name.startswith("BOB_"))]:
        os.environ.pop(name, None)
    logging.getLogger().handlers.clear()
    name_process("zygote")
    zygote.main([str(channel), str(parent), *modules])
    os._exit(0)
