"""Cutting a TCP stream into messages (RFC 1035 section 4.2.2)."""

from __future__ import annotations

from auth.wire import HEADER_LENGTH

PREFIX = 2  # octets of the length before each message


class FrameError(Exception):
    """A length no DNS message has: the other end does not speak DNS."""


class Framer:
    """Octets in, messages out."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def partial(self) -> bool:
        """Whether octets are in hand."""
        return bool(self._data)

    @property
    def octets(self) -> int:
        """How many."""
        return len(self._data)

    @property
    def data(self) -> bytes:
        """Those octets."""
        return bytes(self._data)

    def replace(self, data: memoryview) -> None:
        """Have these in hand."""
        self._data[:] = data

    def feed(self, data: bytes | memoryview) -> None:
        """Take what arrived."""
        self._data += data

    def take(self) -> bytes | None:
        """The next whole message, or None where it is not all there; raises FrameError."""
        if len(self._data) < PREFIX:
            return None
        length = int.from_bytes(self._data[:PREFIX])
        if length < HEADER_LENGTH:
            raise FrameError(f"a message of {length} octets")
        if len(self._data) < PREFIX + length:
            return None
        message = bytes(self._data[PREFIX : PREFIX + length])
        del self._data[: PREFIX + length]
        return message


def frame(message: bytes) -> bytes:
    """The message with its length, to be sent in one write (RFC 7766 section 8)."""
    return len(message).to_bytes(PREFIX) + message
