"""Ports for servers that tests start: free, and nobody else's.

A port that the kernel chose is right for a socket that is kept. One that is let go again, for a server that binds it
later, is not: until then the kernel may give it to any client, and to another process of a parallel run. So these come
from below the kernel's own range, and each process has a block of them to itself: it holds a UNIX socket of the block's
name, which is free again when the process has ended, however it did.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import itertools
import socket
from collections.abc import Iterator

FIRST, END = 10_240, 32_704  # below Linux's ip_local_port_range, above the ports that services are known by
BLOCK = 64  # ports; used one after the other, so that one that was let go rests for long


def free_port() -> int:
    """A port free for UDP and TCP at every address of this machine."""
    for port in itertools.islice(_ports(), BLOCK):
        if _is_free(port):
            return port
    raise RuntimeError("no port of this process's block is free")


@functools.cache
def _ports() -> Iterator[int]:
    for first in range(FIRST, END, BLOCK):
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0bobdns-tests-ports-{first}")
        except OSError:  # another process's
            held.close()
            continue
        atexit.register(held.close)
        return itertools.cycle(range(first, first + BLOCK))
    raise RuntimeError("all blocks of ports are taken")


def _is_free(port: int) -> bool:
    with contextlib.ExitStack() as stack:
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                try:
                    sock = stack.enter_context(socket.socket(family, kind))
                    if family == socket.AF_INET6:
                        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    sock.bind((address, port))
                except OSError as error:  # of a machine without IPv6 anything else
                    if error.errno == errno.EADDRINUSE:
                        return False
    return True
