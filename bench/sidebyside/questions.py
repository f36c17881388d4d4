"""Questions in the form the load reads (load/load.h), each with what a right answer must have."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

HEADER = struct.Struct(
    "<HBBHHHH"
)  # length, rcode, flags, answers, authority, additional, octets of the question section
SAMPLE = struct.Struct("<IHH")  # offset of the question, length, whether it is wrong
QUERY_HEADER = bytes.fromhex("0000 0000 0001 0000 0000 0001")  # one question, one OPT, no recursion desired
DNS_HEADER = 12
UDP_SIZE = 1232  # octets; what resolvers tell today (RFC 9715)
EXPECT_AA = 1
RANDOM_LABEL = 2
APART = 4
TYPES = {"A": 1, "NS": 2, "SOA": 6, "AAAA": 28, "RRSIG": 46}
NOERROR, NXDOMAIN = 0, 3


@dataclass(frozen=True)
class Question:
    """A query, and the counts of a right answer: exactly so many answers, at least so many in the other sections."""

    name: str
    rdtype: str = "A"
    dnssec: bool = False
    rcode: int = NOERROR
    authoritative: bool = True
    answers: int = 1
    authority: int = 0
    additional: int = 1  # the OPT
    random_label: bool = False  # the first label is made anew for each query
    apart: bool = False  # what becomes of it is counted by itself, too

    def wire(self) -> bytes:
        """The query, with id 0 and an OPT of 1232 octets."""
        return QUERY_HEADER + self._section() + struct.pack("!BHHBBHH", 0, 41, UDP_SIZE, 0, 0, self.dnssec << 15, 0)

    def packed(self) -> bytes:
        """The query with its expectations, padded to four octets."""
        wire = self.wire()
        flags = EXPECT_AA * self.authoritative | RANDOM_LABEL * self.random_label | APART * self.apart
        section = len(self._section())
        head = HEADER.pack(len(wire), self.rcode, flags, self.answers, self.authority, self.additional, section)
        return head + wire + bytes(-len(wire) % 4)

    def is_answered_by(self, reply: bytes) -> bool:
        """The same look at an answer the load takes."""
        if len(reply) < DNS_HEADER or reply[DNS_HEADER:].find(self._section()) != 0:
            return False
        counts = struct.unpack_from("!HHHH", reply, 4)
        return (
            reply[2] & 0x82 == 0x80
            and bool(reply[2] & 4) == self.authoritative
            and reply[3] & 15 == self.rcode
            and counts[:2] == (1, self.answers)
            and counts[2] >= self.authority
            and counts[3] >= self.additional
        )

    def _section(self) -> bytes:
        labels = b"".join(bytes([len(label)]) + label.encode() for label in self.name.split("."))
        return labels + b"\0" + struct.pack("!HH", TYPES[self.rdtype], 1)


def packed(questions: Iterable[Question]) -> Iterator[bytes]:
    """A file of questions, piece by piece."""
    return (question.packed() for question in questions)


@dataclass(frozen=True)
class Sample:
    """An answer the load kept, and whether it was found wrong already."""

    offset: int  # of its question in the file
    wrong: bool
    reply: bytes


def samples(data: bytes) -> Iterator[Sample]:
    """What the load kept."""
    at = 0
    while at < len(data):
        offset, length, wrong = SAMPLE.unpack_from(data, at)
        at += SAMPLE.size
        yield Sample(offset, bool(wrong), data[at : at + length])
        at += length
