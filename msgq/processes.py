"""Watches processes of this machine for their end, without being their parent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable


class ProcessWatch:
    """Tells of the end of each watched process once.

    bob says so too, on the control channel; this knows it first, and also of processes that are not bob's children.
    """

    def __init__(self, ended: Callable[[int], None], unwatched: Callable[[int, OSError], None]) -> None:
        """`unwatched` is told of a process that cannot be watched."""
        self._ended = ended
        self._unwatched = unwatched
        self._descriptors: dict[int, int] = {}
        self._loop = asyncio.get_running_loop()

    def watch(self, pid: int) -> None:
        """Watch a process; one that has ended already is told of soon."""
        if pid in self._descriptors or pid == os.getpid():
            return
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._loop.call_soon(self._ended, pid)
        except OSError as error:  # forbidden (seccomp) or out of descriptors: bob's notices remain
            self._unwatched(pid, error)
        else:
            self._descriptors[pid] = descriptor
            self._loop.add_reader(descriptor, self._on_end, pid)

    def close(self) -> None:
        """Watch no more."""
        for descriptor in self._descriptors.values():
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
        self._descriptors.clear()

    def _on_end(self, pid: int) -> None:
        descriptor = self._descriptors.pop(pid)
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        self._ended(pid)
