"""Hearing of changes on PostgreSQL: a connection of its own that LISTENs, in a thread, and a descriptor to wait on.

It is a hint like the doorbell beside a file: who listens polls as well, since a standby takes no LISTEN, and the
connection may be lost. Then it is made again, with back-off, and everything that may have been missed rings once.
"""

from __future__ import annotations

import os
import random
import select
import threading

import psycopg

from datasrc.database.engine import Database
from datasrc.database.schema import CHANNEL
from datasrc.errors import StorageError

RETRY_FIRST = 0.5  # s after the connection was lost; doubled after each further failure, with jitter
RETRY_MOST = 30.0  # s
SIGN_OF_LIFE = 10.0  # s without a notification until the server is asked whether it is there
_WORDS = 8  # octets of an eventfd's counter


class NotificationListener:
    """Rings for every committed change of a database. Add `fileno()` to a loop; call `drain()` when it is readable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.listening = threading.Event()  # set while notifications come
        self.failure = ""  # why none come
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._bell

    def drain(self) -> bool:
        """Take all that rang; whether anything did."""
        try:
            os.read(self._bell, _WORDS)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Stop listening."""
        os.eventfd_write(self._stop, 1)
        self._thread.join()  # every wait of it ends, at the latest when the server does not answer
        os.close(self._bell)
        os.close(self._stop)

    def _run(self) -> None:
        wait = RETRY_FIRST
        while True:
            try:
                with self._database.translated(), self._database.connect_apart() as connection:
                    connection.execute(f"LISTEN {CHANNEL}".encode())
                    wait = RETRY_FIRST
                    self.failure = ""
                    self.listening.set()
                    self._ring()  # whatever was missed
                    self._listen(connection)
                    return
            except StorageError as error:
                self.failure = error.reason
            self.listening.clear()
            if self._stopped(wait * random.uniform(0.5, 1.0)):  # noqa: S311 - no secret
                return
            wait = min(2 * wait, RETRY_MOST)

    def _listen(self, connection: psycopg.Connection[object]) -> None:
        """Ring until told to stop."""
        while True:
            readable = _readable([connection.fileno(), self._stop], SIGN_OF_LIFE)
            if self._stop in readable:
                return
            if not readable:
                connection.execute(b"SELECT 1")
            if any(True for _ in connection.notifies(timeout=0)):
                self._ring()

    def _ring(self) -> None:
        os.eventfd_write(self._bell, 1)

    def _stopped(self, seconds: float) -> bool:
        return bool(_readable([self._stop], seconds))


def _readable(descriptors: list[int], seconds: float) -> list[int]:
    """Those that are, waited for; poll(2), since numbers above 1024 are nothing unusual."""
    watched = select.poll()
    for descriptor in descriptors:
        watched.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in watched.poll(seconds * 1000)]
