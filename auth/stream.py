"""Pipelined queries of a TCP connection, answered from images in one go: many are read by one recv, and answered by one
send (RFC 7766 section 6.2.1.1).

stream.answer(octets) -> what was answered; stream.taken and stream.written say how much

Only for the thread of the event loop. Plain Python; stream.pxd adds the types.
"""

from __future__ import annotations

from typing import Any

from auth.counted import REQUEST_TCP, REQUEST_V4, REQUEST_V6
from auth.reply_tally import ReplyTally
from auth.sizes import MAX_STREAM_REPLY, MAX_STREAM_UNSENT, STREAM_OCTETS

PREFIX = 2  # octets of the length before each message (RFC 1035 section 4.2.2)
HEADER_OCTETS = 12
ANSWERS = 6  # where their number is in a message


class StreamAnswers:
    """Answers from the octets of one connection after the other. `responder` may be None: then nothing is answered."""

    def __init__(self, tally: ReplyTally) -> None:
        self.queries = memoryview(bytearray(STREAM_OCTETS))  # to be received into
        self.replies = memoryview(bytearray(MAX_STREAM_UNSENT + PREFIX + MAX_STREAM_REPLY))
        self.octets = self.queries
        self.sent = self.replies
        self.tally = tally
        self.responder: Any = None
        self.engaged = 0
        self.family = REQUEST_V4
        self.taken = 0  # octets of queries
        self.written = 0  # octets of replies
        self.answered = 0  # queries

    def engage(self, responder: Any) -> None:
        """Answer with this responder from now on; with None nothing."""
        self.engaged = 0
        self.responder = responder
        if responder is not None:
            responder.stream = 1
            responder.serve(self.queries, self.replies)
            self.engaged = 1

    def answer(self, end: int, most: int, is_v6: int) -> int:
        """Answer the queries before `end`, at most so many and up to the first that must be left; how many they are.

        Where an image is damaged it raises; `taken`, `written` and `answered` are of the queries before.
        """
        self.taken = 0
        self.written = 0
        self.answered = 0
        if self.engaged:
            self.family = REQUEST_V6 if is_v6 else REQUEST_V4
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
            size = self.responder.reply(start, length, at)
            if size == 0:
                break
            self.sent[self.written] = size >> 8
            self.sent[self.written + 1] = size & 0xFF
            answers = self.sent[at + ANSWERS] | self.sent[at + ANSWERS + 1]
            self.tally.replied(
                self.sent[at + 2], self.sent[at + 3], answers, self.responder.edns, self.responder.dnssec
            )
            self.tally.add(self.family, 1)
            self.tally.add(REQUEST_TCP, 1)
            self.taken = start + length
            self.written = at + size
            self.answered += 1
        return 0
