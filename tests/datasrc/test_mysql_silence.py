"""A MySQL server that takes connections and then says nothing: whoever asks goes on within seconds."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

import datasrc
from datasrc.errors import StorageError

pytest.importorskip("pymysql")

PROTOCOL, CAPABILITIES = 10, 0x88200  # 4.1, secure connection, authentication by plugins
SCRAMBLE = b"12345678", b"123456789012\0"
DEADLINE = 20.0  # s; ten times what is expected


def greeting() -> bytes:
    """The first packet of a server (MySQL's protocol, Protocol::HandshakeV10)."""
    low, high = CAPABILITIES & 0xFFFF, CAPABILITIES >> 16
    head = bytes([PROTOCOL]) + b"8.0.0\0" + (1).to_bytes(4, "little") + SCRAMBLE[0] + b"\0"
    middle = low.to_bytes(2, "little") + b"\x21" + b"\2\0" + high.to_bytes(2, "little") + bytes([21]) + bytes(10)
    return packet(0, head + middle + SCRAMBLE[1] + b"mysql_native_password\0")


def packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


@pytest.fixture
def silent() -> Iterator[tuple[int, threading.Event]]:
    """The port of a server that lets everybody in and answers no question; and whether it was asked one."""
    asked = threading.Event()
    held: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client, _ = listener.accept()
                held.append(client)
                client.sendall(greeting())
                client.recv(4096)
                client.sendall(packet(2, b"\0\0\0\2\0\0\0"))
                if client.recv(4096):
                    asked.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], asked
        listener.shutdown(socket.SHUT_RDWR)
        for client in held:
            client.close()
        thread.join()


def test_a_server_that_answers_no_question_is_given_up(silent: tuple[int, threading.Event]) -> None:
    """memmgr has one thread for all sources: what waits for ever would hold up the zones of all others."""
    port, asked = silent
    began = time.monotonic()
    with pytest.raises(StorageError, match="timed out"):
        datasrc.open(f"mysql+pymysql://bob:secret@127.0.0.1:{port}/zones", read_only=True)
    assert asked.is_set()
    assert time.monotonic() - began < DEADLINE
