"""DO."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("HDR-17")
@pytest.mark.parametrize(
    "name", ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "elsewhere.invalid."]
)
@pytest.mark.parametrize("flags", [0, packet.DO])
def test_do_is_copied_whatever_the_answer(subject: Subject, name: str, flags: int):
    reply = subject.ask(name, edns=True, edns_flags=flags)
    assert reply.opt is not None
    assert reply.opt.flags == flags
