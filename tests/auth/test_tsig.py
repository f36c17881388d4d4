"""The TSIG record: its form."""

from __future__ import annotations

import struct

import dns.rdatatype
import pytest

from auth.errors import TsigMalformed
from auth.tsig import read_tsig
from tests.kit import dnspacket as packet

ALGORITHM = packet.name("hmac-sha256.")
TIMES = struct.pack("!HIH", 1, 2, 300)
GOOD = ALGORITHM + TIMES + b"\0\4" + b"mac!" + struct.pack("!3H", 7, 0, 0)


def test_a_tsig_is_read():
    tsig = read_tsig(packet.name("key."), packet.ANY, 0, GOOD, 0)
    assert tsig.algorithm == ALGORITHM
    assert tsig.time_signed == 1 << 32 | 2
    assert (tsig.fudge, tsig.mac, tsig.original_id, tsig.error) == (300, b"mac!", 7, 0)


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_a_tsig_cut_anywhere_is_malformed(length):
    with pytest.raises(TsigMalformed):
        read_tsig(packet.name("key."), packet.ANY, 0, GOOD[:length], 0)


@pytest.mark.parametrize(
    "rdata",
    [
        GOOD + b"x",
        GOOD.replace(b"\0\4mac!", b"\xff\xffmac!"),
        b"\xc0\x0c" + GOOD[len(ALGORITHM) :],
        packet.raw_name(*[b"x" * 63] * 4) + GOOD[len(ALGORITHM) :],
        b"\x40" + GOOD,
    ],
    ids=["longer", "MAC past the end", "algorithm compressed", "algorithm too long", "algorithm with a bad label"],
)
def test_a_tsig_out_of_form_is_malformed(rdata):
    with pytest.raises(TsigMalformed):
        read_tsig(packet.name("key."), packet.ANY, 0, rdata, 0)


@pytest.mark.parametrize(("rdclass", "ttl"), [(1, 0), (255, 1)])
def test_class_and_ttl_of_a_tsig_are_fixed(rdclass, ttl):
    with pytest.raises(TsigMalformed):
        read_tsig(packet.name("key."), rdclass, ttl, GOOD, 0)


def test_a_tsig_is_written_as_it_was_read():
    tsig = read_tsig(packet.name("key."), packet.ANY, 0, GOOD + b"", 0)
    owner = packet.name("key.")
    assert tsig.record() == owner + struct.pack("!HHIH", dns.rdatatype.TSIG, packet.ANY, 0, len(GOOD)) + GOOD
