"""No object of the interpreter is made for a packet: the loops answer while somebody else holds the interpreter's lock.

Whoever makes an object needs that lock. Here the thread of the test keeps it from before the first query to behind the
last answer, in a call of C that waits for the end of the process that asks.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys

import pytest

from auth import loop
from tests.auth.sockets import bound
from tests.auth.test_loop import answering, counted

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(loop.__file__.endswith(".py"), reason="interpreted, the loops need the lock for each step"),
]
ASKED = 2000
PATIENCE = 60  # seconds for one answer; milliseconds are expected
# Waits for a line, asks so often, one after the other, and ends with 0 if each was answered.
CLIENT = """
import socket, struct, sys

kind, port, asked, patience = sys.argv[1], *map(int, sys.argv[2:])
query = b"\\0\\0\\0\\0\\0\\1" + bytes(6) + b"\\3www\\7example\\0\\0\\1\\0\\1"
stream = kind == "tcp"
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
sock.settimeout(patience)
sock.connect(("127.0.0.1", port))
sys.stdin.readline()
for number in range(asked):
    message = struct.pack("!H", number) + query[2:]
    if stream:
        sock.sendall(struct.pack("!H", len(message)) + message)
        size = struct.unpack("!H", sock.recv(2, socket.MSG_WAITALL))[0]
        reply = sock.recv(size, socket.MSG_WAITALL)
    else:
        sock.send(message)
        reply = sock.recv(512)
    found = struct.unpack("!6H", reply[:12])
    if found[0] != number or found[3] != 1 or not reply.endswith(bytes([192, 0, 2, 3])):
        sys.exit(f"{number}: {reply!r}")
"""


def wait_with_the_lock(pid: int) -> int:
    """The exit status of a child; until then no other thread of this process has the interpreter."""
    library = ctypes.PyDLL(None, use_errno=True)  # unlike CDLL it does not let go of the lock
    status = ctypes.c_int()
    assert library.waitpid(pid, ctypes.byref(status), 0) == pid, os.strerror(ctypes.get_errno())
    return os.waitstatus_to_exitcode(status.value)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
async def test_queries_are_answered_while_nobody_can_have_the_interpreter(tmp_path, kind):
    sock = bound(kind)
    async with answering(tmp_path, sock) as server:
        name = "udp" if kind == socket.SOCK_DGRAM else "tcp"
        port, before = sock.getsockname()[1], counted(server)
        arguments = [name, str(port), str(ASKED), str(PATIENCE)]
        client = subprocess.Popen([sys.executable, "-I", "-c", CLIENT, *arguments], stdin=subprocess.PIPE)
        assert client.stdin is not None
        client.stdin.write(b"\n")
        client.stdin.close()
        client.returncode = wait_with_the_lock(client.pid)
        assert client.returncode == 0
        after = counted(server)
        assert after["responses"] - before.get("responses", 0) == ASKED
        assert "left" not in after
