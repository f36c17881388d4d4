"""Message compression."""

import pytest

from tests.conformance.lines import line
from tests.conformance.zonefiles import POINTERS
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


@line("NAM-05")
@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x0c",  # itself
        b"\xc0\x0e",  # forward
        b"\x01a\xc0\x0c",  # back into itself: without end
        b"\x01a\xc0\x0e",  # the pointer points at itself
        b"\xc0\x00",  # into the header
        b"\xff\xff",  # far behind the end
        b"\xc0",  # half a pointer
    ],
)
def test_a_pointer_that_does_not_lead_backwards_to_a_name_is_a_format_error(subject: Subject, name: bytes):
    wire = subject.send(packet.query(name))
    assert wire is not None
    reply = Reply.read(wire)
    assert (reply.rcode, reply.header_only) == ("FORMERR", True)


@line("NAM-05")
def test_every_pointer_at_every_place_of_a_query_is_survived(subject: Subject):
    """64 x 128 packets: two octets at each place replaced by each pointer into the message."""
    template = packet.query("a.bb.ccc.plain.test.", additional=[packet.opt()])
    with subject.udp() as sock:
        for place in range(12, len(template) - 1):
            for target in range(len(template) + 4):
                sock.send(template[:place] + (0xC000 | target).to_bytes(2) + template[place + 2 :])
                Reply.read(sock.recv(65535))
    assert subject.ask("www.plain.test.").rcode == "NOERROR"


@line("NAM-06")
def test_names_behind_offset_16383_are_not_pointed_to(subject: Subject):
    """The reader of this suite follows pointers only backwards: a pointer cut to 14 bits would give another name."""
    reply = subject.ask("many.big.test.", "PTR", tcp=True)
    assert len(reply.wire) > 16384 * 1.5
    expected = {f"{pair}.group-{number}.big.test." for pair in "ab" for number in range(POINTERS)}
    assert {record.text for record in reply.records[0]} == expected
