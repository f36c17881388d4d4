"""A MySQL server that takes connections and then says nothing: whoever asks goes on within seconds."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import event

import datasrc
from datasrc.database import DatabaseSource
from datasrc.database.engine import Database
from datasrc.errors import StorageError
from datasrc.sources import ZONE_PATIENCE

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


class Seen(Exception):
    """What the driver would have been told."""


def told_to_the_driver(database: Database) -> tuple[int, int]:
    """The limits that the next connection gets: reading, writing."""
    with pytest.raises(Seen) as seen:
        database.engine.connect()
    return seen.value.args[0], seen.value.args[1]


@pytest.mark.parametrize(("read_only", "patient", "limit"), [(True, True, 10), (True, False, 2), (False, True, 65)])
def test_who_surveys_and_builds_waits_longer_than_who_answers_questions(
    monkeypatch: pytest.MonkeyPatch, read_only: bool, patient: bool, limit: int
) -> None:
    monkeypatch.setattr("datasrc.database.store.check_schema", lambda _database: None)
    database = Database("mysql+pymysql://bob:secret@127.0.0.1:9/zones", read_only=read_only)

    def see(_dialect: object, _record: object, _arguments: object, parameters: dict[str, int]) -> None:
        raise Seen(parameters["read_timeout"], parameters["write_timeout"])

    event.listen(database.engine, "do_connect", see)
    source = DatabaseSource(database, read_only=read_only)
    if not patient:
        source.take_patience(ZONE_PATIENCE)
    assert told_to_the_driver(database) == (limit, limit)
    source.close()
