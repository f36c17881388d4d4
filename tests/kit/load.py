"""A steady query load with clients that retry once a second, and an account of what each try lost.

Each client asks one question; when no answer comes within RETRY_AFTER it asks again from the same socket, up to
MAX_TRIES. Clients start at a steady rate, each from a socket of its own, so that the kernel spreads them over the
instances' sockets (SO_REUSEPORT hashes the addresses and ports).
"""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RETRY_AFTER = 1.0  # seconds; what a client that retries once a second does (the words)
MAX_TRIES = 4


@dataclass
class Client:
    """One question on its way."""

    id: int
    socket: socket.socket
    query: bytes
    started: float
    tries: int = 1


@dataclass
class Account:
    """What became of the questions."""

    asked: int = 0
    answered: Counter[int] = field(default_factory=Counter)  # by number of tries needed
    wrong: list[str] = field(default_factory=list)
    unanswered: int = 0
    strays: int = 0  # second answers that came to the next client with the port
    slowest: float = 0.0

    @property
    def lost_first_tries(self) -> int:
        """Questions whose first try got no answer."""
        return self.asked - self.answered[1]

    @property
    def late(self) -> int:
        """Questions still unanswered after their first retry."""
        return self.unanswered + sum(count for tries, count in self.answered.items() if tries > 2)

    def __str__(self) -> str:
        tries = ", ".join(f"{count} at try {number}" for number, count in sorted(self.answered.items()))
        slowest = f"slowest {self.slowest:.3f} s"
        return f"{self.asked} asked: answered {tries or 'none'}; {self.unanswered} unanswered; {slowest}"


class QueryLoad(threading.Thread):
    """Asks for one name at `rate` questions a second from its start() to its finish()."""

    def __init__(self, port: int, query: bytes, *, rate: int = 200, address: str = "127.0.0.1") -> None:
        super().__init__(daemon=True, name="query load")
        self.account = Account()
        self._target = (address, port)
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._query = query
        self._interval = 1 / rate
        self._end = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int]] = []
        self._clients: dict[int, Client] = {}
        self._random = random.Random(53)

    def finish(self) -> Account:
        """Ask no more, wait for what is under way, tell."""
        self._end.set()
        self.join(RETRY_AFTER * MAX_TRIES + 5)
        assert not self.is_alive(), "the load did not end"
        return self.account

    def run(self) -> None:
        """Ask at the given rate, collect, retry."""
        next_start = time.monotonic()
        while not self._end.is_set() or self._clients:
            now = time.monotonic()
            while not self._end.is_set() and next_start <= now:
                self._ask(now)
                next_start += self._interval
            wait = max(0.0, min(next_start - now, 0.02))
            for key, _ in self._selector.select(wait):
                self._collect(key.data)
            self._retry(now)  # who has an answer by now asks no more, however late this thread was

    def _ask(self, now: float) -> None:
        client_socket = socket.socket(self._family, socket.SOCK_DGRAM)
        client_socket.setblocking(False)
        client_socket.connect(self._target)
        number = self._random.randrange(65536)
        query = struct.pack("!H", number) + self._query[2:]
        client = Client(number, client_socket, query, now)
        key = client_socket.fileno()
        self._clients[key] = client
        self._selector.register(client_socket, selectors.EVENT_READ, key)
        self._send(client)
        heapq.heappush(self._timers, (now + RETRY_AFTER, key))
        self.account.asked += 1

    def _send(self, client: Client) -> None:
        try:
            client.socket.send(client.query)
        except ConnectionRefusedError:  # an ICMP of the try before; this one was not sent
            try:
                client.socket.send(client.query)
            except ConnectionRefusedError:
                pass  # counts as lost; the retry asks again

    def _retry(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            due, key = heapq.heappop(self._timers)
            client = self._clients.get(key)
            if client is None or due < client.started + client.tries * RETRY_AFTER - 0.001:
                continue
            if client.tries >= MAX_TRIES:
                self.account.unanswered += 1
                self._forget(key)
                continue
            client.tries += 1
            self._send(client)
            heapq.heappush(self._timers, (now + RETRY_AFTER, key))

    def _collect(self, key: int) -> None:
        client = self._clients[key]
        try:
            answer = client.socket.recv(65535)
        except (BlockingIOError, ConnectionRefusedError):
            return
        if answer[:2] != client.query[:2]:  # for a client before this one, which had its answer by another try
            self.account.strays += 1
            return
        if answer[3] & 15 != 0 or answer[6:8] == b"\0\0":
            self.account.wrong.append(answer.hex())
        self.account.answered[client.tries] += 1
        self.account.slowest = max(self.account.slowest, time.monotonic() - client.started)
        self._forget(key)

    def _forget(self, key: int) -> None:
        client = self._clients.pop(key)
        self._selector.unregister(client.socket)
        client.socket.close()


def kernel_drops(port: int) -> int:
    """Datagrams the kernel dropped at the sockets of this port (the last column of /proc/net/udp)."""
    drops = 0
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if int(columns[1].rpartition(":")[2], 16) == port:
                drops += int(columns[-1])
    return drops


def wire_query(name: str, rdtype: str = "A") -> bytes:
    """A query message for the load."""
    import dns.message  # the load itself needs no dnspython

    message: Any = dns.message.make_query(name, rdtype)
    return bytes(message.to_wire())
