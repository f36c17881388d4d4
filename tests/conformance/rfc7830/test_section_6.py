"""Where padding helps: on encrypted transport, of which there is none."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

NAMES = ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "elsewhere.invalid."]


@line("PAD-01")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("padding", [[], [b""], [bytes(200)], [b"not zero"]], ids=["none", "empty", "some", "odd"])
@pytest.mark.parametrize("tcp", [False, True])
def test_nothing_is_padded_that_everybody_can_read(subject: Subject, name: str, padding: list[bytes], tcp: bool):
    bare = subject.ask(name, edns=True, tcp=tcp)
    reply = subject.ask(name, options=[packet.option(packet.PADDING, octets) for octets in padding], edns=True, tcp=tcp)
    assert reply.opt is not None
    assert reply.opt.values(packet.PADDING) == []
    assert reply.wire[2:] == bare.wire[2:]
