"""Pipelined queries of a TCP connection, answered from images in one go: many are read by one recv, and answered by one
send (RFC 7766 section 6.2.1.1).

stream.answer(octets) -> what was answered; stream.taken and stream.written say how much

For one thread. Plain Python; stream.pxd adds the types.
"""

from __future__ import annotations

import time
from typing import Any

from auth.counted import REQUEST_TCP, REQUEST_V4, REQUEST_V6, STREAM_PART
from auth.image_engine import ImageEngine
from auth.raw import zeros
from auth.reply_tally import ReplyTally
from auth.sizes import MAX_STREAM_REPLY, MAX_STREAM_UNSENT, NOTHING, STREAM_OCTETS
from image.layout import IPV6_OCTETS

PREFIX = 2  # octets of the length before each message (RFC 1035 section 4.2.2)
HEADER_OCTETS = 12


class StreamAnswers:
    """Answers from the octets of one connection after the other."""

    def __init__(self, tally: ReplyTally) -> None:
        self.queries = zeros(STREAM_OCTETS, "B")  # to be received into
        self.replies = zeros(MAX_STREAM_UNSENT + PREFIX + MAX_STREAM_REPLY, "B")
        self.octets = self.queries
        self.sent = self.replies
        self.tally = tally
        self.engine = ImageEngine(tally, STREAM_PART)
        self.address = memoryview(bytearray(IPV6_OCTETS))  # of the client
        self.address_octets = 0
        self.taken = 0  # octets of queries
        self.written = 0  # octets of replies
        self.answered = 0  # queries
        self.dropped = 0  # set where the last one that was taken gets no reply, and the connection ends behind it

    @property
    def buffers(self) -> tuple[memoryview, memoryview, memoryview]:
        """Of queries, replies and the address of a client."""
        return self.queries, self.replies, self.address

    def engage(self, responder: Any, settings: Any, secrets: Any) -> None:
        """Answer with this responder from now on, as ImageEngine.engage() has it; with None nothing."""
        if responder is not None:
            responder.stream = 1
        self.engine.engage(responder, settings, secrets, None, time.time())  # over TCP nothing is limited
        if responder is not None:
            self.engine.serve(self.queries, self.replies, self.address)

    def respond(self, end: int, most: int, client: bytes, keepalive: int) -> int:
        """As answer(), for callers that are not compiled; `client` is the address in 4 or 16 octets."""
        for index, octet in enumerate(client):
            self.address[index] = octet
        self.engine.take_time(int(time.time()))
        return self.answer(end, most, len(client), keepalive)

    def answer(self, end: int, most: int, address_octets: int, keepalive: int) -> int:
        """Answer the queries before `end`, at most so many and up to the first that must be left; how many they are.

        The client's address is in `address`; `keepalive` is what it is told, as in RFC 7828 section 3.1. Where an image
        is damaged it raises; `taken`, `written` and `answered` are of the queries before.
        """
        self.taken = 0
        self.written = 0
        self.answered = 0
        self.dropped = 0
        if self.engine.engaged:
            self.address_octets = address_octets
            self.engine.tell_keepalive(keepalive)
            self.go_on(end, most)
        return self.answered

    def go_on(self, end: int, most: int) -> int:
        """Answer one query after the other."""
        while self.answered < most and self.written < MAX_STREAM_UNSENT and end - self.taken > PREFIX:
            start = self.taken + PREFIX
            length = self.octets[self.taken] << 8 | self.octets[self.taken + 1]
            if length < HEADER_OCTETS or start + length > end:
                break
            at = self.written + PREFIX
            size = self.engine.reply(start, length, at, 0, self.address_octets)
            if size == 0:
                break
            self.tally.add(REQUEST_V6 if self.address_octets == IPV6_OCTETS else REQUEST_V4, 1)
            self.tally.add(REQUEST_TCP, 1)
            self.taken = start + length
            if size == NOTHING:
                self.dropped = 1
                break
            self.sent[self.written] = size >> 8
            self.sent[self.written + 1] = size & 0xFF
            self.written = at + size
            self.answered += 1
        return 0
