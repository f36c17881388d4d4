"""Signs requests and checks the signatures of replies (RFC 8945), also as nobody should.

signer = Signer("key.example.", secret, "hmac-sha256")
request = signer.sign(query)
signed = signer.check(reply, request)        # raises BadReply unless the MAC is right
"""

from __future__ import annotations

import hmac
import struct
import time
from dataclasses import dataclass, field

import dns.name

from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22


class BadReply(AssertionError):
    """The reply is not signed as it should be."""


@dataclass(frozen=True)
class Signed:
    """The fields of a TSIG record; `start` is where it begins in its message."""

    key: bytes
    algorithm: bytes
    time: int
    fudge: int
    mac: bytes
    ident: int
    error: int
    other: bytes
    start: int

    @classmethod
    def read(cls, message: bytes) -> Signed | None:
        """The TSIG at the end of a whole message, if there is one."""
        records = Reply.read(message).records[2]
        if not records or records[-1].type != "TSIG":
            return None
        record = records[-1]
        owner = record.owner.to_wire()
        assert owner is not None
        rdata, algorithm = record.rdata, b""
        while length := rdata[len(algorithm)]:
            algorithm = rdata[: len(algorithm) + 1 + length]
        algorithm = rdata[: len(algorithm) + 1]
        at = len(algorithm)
        upper, lower, fudge, size = struct.unpack_from("!HIHH", rdata, at)
        mac = rdata[at + 10 : at + 10 + size]
        ident, error, other = struct.unpack_from("!3H", rdata, at + 10 + size)
        start = len(message) - len(rdata) - 10 - len(owner)
        assert message[start : start + len(owner)] == owner, "the owner is compressed"
        return cls(
            owner, algorithm, upper << 32 | lower, fudge, mac, ident, error, rdata[-other:] if other else b"", start
        )


@dataclass(frozen=True)
class Signer:
    """One side of a shared secret."""

    name: str
    secret: bytes = field(repr=False)
    algorithm: str = "hmac-sha256"

    @property
    def digest(self) -> str:
        return self.algorithm.removeprefix("hmac-").split("-")[0]

    @property
    def size(self) -> int:
        """Octets of a whole MAC."""
        _, *cut = self.algorithm.removeprefix("hmac-").split("-")
        return int(cut[0]) // 8 if cut else len(hmac.digest(b"", b"", self.digest))

    def mac(self, message: bytes, tsig: Signed, request_mac: bytes | None = None) -> bytes:
        """The MAC of a message without its TSIG."""
        before = b"" if request_mac is None else struct.pack("!H", len(request_mac)) + request_mac
        variables = (
            tsig.key.lower()
            + struct.pack("!HI", packet.ANY, 0)
            + tsig.algorithm.lower()
            + struct.pack("!HIH", tsig.time >> 32, tsig.time & 0xFFFFFFFF, tsig.fudge)
            + struct.pack("!HH", tsig.error, len(tsig.other))
            + tsig.other
        )
        covered = before + struct.pack("!H", tsig.ident) + message[2:] + variables
        return hmac.digest(self.secret, covered, self.digest)[: self.size]

    def sign(
        self,
        message: bytes,
        *,
        at: int | None = None,
        fudge: int = 300,
        error: int = 0,
        other: bytes = b"",
        ident: int | None = None,
        cut: int | None = None,
        longer: bytes = b"",
        mac: bytes | None = None,
        algorithm: str | None = None,
    ) -> bytes:
        """The message with a TSIG; the MAC cut to so many octets, made longer, or replaced."""
        moment = int(time.time()) if at is None else at
        number = struct.unpack_from("!H", message)[0] if ident is None else ident
        of_wire = packet.name(f"{algorithm or self.algorithm}.")
        tsig = Signed(packet.name(self.name), of_wire, moment, fudge, b"", number, error, other, len(message))
        whole = self.mac(message, tsig) if mac is None else mac
        sent = whole[:cut] + longer
        rdata = (
            tsig.algorithm
            + struct.pack("!HIHH", moment >> 32, moment & 0xFFFFFFFF, fudge, len(sent))
            + sent
            + struct.pack("!3H", number, error, len(other))
            + other
        )
        return with_records(message, 1) + packet.record(self.name, packet.TSIG, rdata, rdclass=packet.ANY)

    def check(self, reply: bytes, request: bytes) -> Signed:
        """The TSIG of a reply, which this signer's key must have made, for this request."""
        tsig, asked = Signed.read(reply), Signed.read(request)
        assert asked is not None
        if tsig is None:
            raise BadReply("the reply has no TSIG")
        if dns.name.from_wire(tsig.key, 0)[0] != dns.name.from_text(self.name):
            raise BadReply(f"signed with the key {tsig.key!r}")
        covered = with_records(reply[: tsig.start], -1)
        if not hmac.compare_digest(self.mac(covered, tsig, asked.mac), tsig.mac):
            raise BadReply(f"the MAC is not that of {self.name}")
        return tsig


def with_records(message: bytes, difference: int) -> bytes:
    """The message with another ARCOUNT."""
    (count,) = struct.unpack_from("!H", message, 10)
    return message[:10] + struct.pack("!H", count + difference) + message[12:]
