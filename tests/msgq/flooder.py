"""A connection that sends what it is given as fast as it can, in a process of its own.

libzmq may abort its process where a context ends while the peer cuts the connection; that must not end the tests. The
child leaves without ending its context, and whatever becomes of it, the broker is what is looked at.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence

import zmq

from tests.msgq.contract import PATIENCE

_SPAWN = multiprocessing.get_context("spawn")
SEND_TIMEOUT = 1000  # milliseconds; what nobody takes by then is left out


class Flooder:
    """Sends each of `messages` once, then stays connected until it is stopped."""

    def __init__(self, address: str, messages: Sequence[Sequence[bytes]], identity: bytes = b"") -> None:
        self.messages = messages
        self.enough = _SPAWN.Event()
        self._sent = _SPAWN.Value("Q", 0)
        self._process = _SPAWN.Process(
            target=_flood, args=(address, messages, identity, self._sent, self.enough), daemon=True
        )

    @property
    def sent(self) -> int:
        """Messages so far."""
        return int(self._sent.value)

    @property
    def is_over(self) -> bool:
        """Whether it has tried to send everything, or is gone."""
        return self.enough.is_set() or not self._process.is_alive() or self.sent >= len(self.messages)

    def start(self) -> None:
        """Begin."""
        self._process.start()

    def stop(self) -> None:
        """End it."""
        self.enough.set()
        self._process.join(PATIENCE)
        assert not self._process.is_alive()


def _flood(address, messages, identity, sent, enough):  # in the child
    dealer = zmq.Context().socket(zmq.DEALER)
    dealer.setsockopt(zmq.LINGER, 0)
    dealer.setsockopt(zmq.SNDTIMEO, SEND_TIMEOUT)
    if identity:
        dealer.setsockopt(zmq.ROUTING_ID, identity)
    dealer.connect(address)
    for frames in messages:
        if enough.is_set():
            break
        try:
            dealer.send_multipart(frames)
        except zmq.Again:  # nobody takes it: just what a flooder must live with
            continue
        sent.value += 1
    enough.wait(PATIENCE)
    os._exit(0)
