"""A process that has read our modules once and forks the daemons: `zygote.py CHANNEL PARENT MODULE[:FUNCTION]...`.

Started by bob, or forked from it (zygote_fork.py). A fork has everything read already, in memory that all share; a
new interpreter takes a third of a second and 20 MiB of its own. This process has one thread and no connections, and
does nothing but import and fork.

bob sends one packet for each process: an Order as JSON, with the child's end of its control channel. Who is forked is
bob's own child, as if bob had started it: the process in between exits, and bob is the subreaper (prctl(2)). It tells
its process id itself, when everything that bob counts on is done; bob may have given up by then, and it exits.
When all modules are read it tells bob so: from then on a fork takes milliseconds. What it should have got ready, and
could not, it tells, too: daemons are forked all the same.
Standard library only, until packages are imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.abc
import importlib.util
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1  # prctl(2)
PR_SET_NAME = 15
MAX_ORDER = 64 * 1024  # bytes
MAX_REASON = 1000  # characters
PARENT_SECONDS = 5.0  # until bob has become our parent
AHEAD_SECONDS = 0.3  # of bob's time that sharing 3 MiB more with a daemon is worth

_libc = ctypes.CDLL(None)
_programs: dict[str, CodeType | None] = {}  # `__main__` of each package


def main(arguments: list[str]) -> int:
    """Import, and fork whenever bob asks; returns when bob is gone."""
    channel, parent = socket.socket(fileno=int(arguments[0])), int(arguments[1])
    _die_with(parent)
    _libc.prctl(PR_SET_NAME, b"zygote", 0, 0, 0)
    try:
        ahead = deque(arguments[2:])
        while ahead and _obey_waiting(channel, parent, ahead):
            if ahead:  # an order may have had the rest of them read
                _read(ahead.popleft(), channel)
        with contextlib.suppress(OSError):  # bob is gone
            channel.send(json.dumps({"ready": True}).encode())
        while _obey_waiting(channel, parent, ahead):
            select.select([channel], [], [])
    finally:
        channel.close()  # in a fork, too
    return 0


def _read(name: str, channel: socket.socket) -> None:
    """Read a module, and have its function get ready what it does, for all to come."""
    module, _, function = name.partition(":")
    read = _imported(module)
    if read is not None and function:
        try:
            getattr(read, function)()
        except Exception as error:  # noqa: BLE001 - bob tells it; what a daemon lacks it gets ready itself
            _tell(channel, name, error)
    gc.collect()
    gc.freeze()  # a collection in a child would write to each object, and so make the page its own


def _imported(module: str) -> ModuleType | None:
    """None where it cannot be: that is told by the daemon that needs it."""
    with contextlib.suppress(Exception):
        if importlib.util.find_spec(module) is not None:
            return importlib.import_module(module)
    return None


def _tell(channel: socket.socket, name: str, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"[:MAX_REASON]
    with contextlib.suppress(OSError):  # bob is gone
        channel.send(json.dumps({"unready": name, "error": reason}).encode())


def _read_up_to(package: str, ahead: deque[str], channel: socket.socket) -> None:
    """Read what is to be read before a package is forked, for what comes later is not shared with it; bob waits."""
    module, end = f"{package}.daemon", time.monotonic() + AHEAD_SECONDS
    while module in ahead and time.monotonic() < end:
        _read(ahead.popleft(), channel)
    _read(module, channel)
    if package not in _programs:
        _programs[package] = _program(package)


def _program(package: str) -> CodeType | None:
    """What `python -m PACKAGE` runs; None where it is no such package."""
    with contextlib.suppress(Exception):
        spec = importlib.util.find_spec(f"{package}.__main__")
        if spec is not None and isinstance(spec.loader, importlib.abc.InspectLoader):
            return spec.loader.get_code(spec.name)
    return None


def _obey_waiting(channel: socket.socket, parent: int, ahead: deque[str]) -> bool:
    """Carry out the orders that are there; whether bob is still there, too."""
    while select.select([channel], [], [], 0)[0]:
        packet, descriptors, _, _ = socket.recv_fds(channel, MAX_ORDER, 1)
        if not packet:
            return False
        try:
            order = json.loads(packet)
            _read_up_to(order["package"], ahead, channel)
            _fork(channel, parent, order, descriptors[0])
        except OSError as error:
            channel.send(json.dumps({"error": error.strerror or str(error)}).encode())
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
    return True


def _fork(channel: socket.socket, parent: int, order: dict[str, Any], control: int) -> None:
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise OSError(0, "an import has started a thread, whose locks a fork would keep for ever")
    middle = os.fork()
    if middle:
        os.waitpid(middle, 0)
        return
    if os.fork():
        os._exit(0)
    _be_daemon(channel, parent, order, control)


def _be_daemon(channel: socket.socket, parent: int, order: dict[str, Any], control: int) -> NoReturn:
    """Become what was ordered, as `shim.py` does."""
    os.setpgid(0, 0)
    _become_child_of(parent)
    try:
        channel.send(json.dumps({"pid": os.getpid()}).encode())
    except OSError:  # bob has given up on us
        os._exit(0)
    channel.close()
    os.environ.update(order["environment"], BOB_CONTROL_FD=str(control))
    sys.argv = [order["package"], *order["arguments"]]
    _run(order["package"])
    sys.exit(0)


def _run(package: str) -> None:
    """As `python -m PACKAGE`; the machinery of that would copy 2 MiB for each daemon."""
    program = _programs.get(package)
    if program is None:
        runpy.run_module(package, run_name="__main__", alter_sys=True)
        return
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__package__, module.__file__ = package, program.co_filename
    exec(program, module.__dict__)  # noqa: S102 - the package's own


def _become_child_of(parent: int) -> None:
    """Wait until the process in between has ended, and die with bob from then on."""
    told = {signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, told)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGUSR1, 0, 0, 0)  # sent after the kernel has given us another parent
    if os.getppid() != parent:
        signal.sigtimedwait(told, PARENT_SECONDS)
    _die_with(parent)
    signal.sigtimedwait(told, 0)  # it may have come after we looked
    signal.pthread_sigmask(signal.SIG_UNBLOCK, told)


def _die_with(parent: int) -> None:
    if _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0 or os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
