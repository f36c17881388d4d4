"""Extended label types."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


@line("NAM-10")
@pytest.mark.parametrize("first", [0x40, 0x41, 0x7F, 0x80, 0xBF])
@pytest.mark.parametrize("edns", [False, True])
def test_a_label_of_an_extended_type_is_a_format_error(subject: Subject, first: int, edns: bool):
    """0x41 began the bit-string labels of RFC 2673."""
    name = bytes([first, 8, 0xA5]) + packet.name("plain.test.")
    wire = subject.send(packet.query(name, additional=[packet.opt()] if edns else []))
    assert wire is not None
    reply = Reply.read(wire)
    assert (reply.rcode, reply.header_only) == ("FORMERR", True)


@line("NAM-10")
def test_none_is_ever_made():
    """The reader of this suite accepts no label type but 00 and 11: every reply of every test shows it."""
    with pytest.raises(AssertionError, match="label type"):
        Reply.read(packet.header(packet.QR, qd=1) + b"\x41\x08\xa5\x00" + bytes(4))
