"""What two replies are compared by finds each difference that counts, and none that does not."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest

from image import layout
from tests.image.leaving import SLACK
from tests.image.mapping import compare_whole

GLUE = ("ns.example. 300 IN A 192.0.2.1", "ns.example. 300 IN A 192.0.2.2", "ns.example. 300 IN AAAA 2001:db8::1")
ANSWER = ("www.example. 300 IN A 192.0.2.3",)


def reply(*additional: str, answer: tuple[str, ...] = ANSWER, flags: str = "QR AA") -> bytes:
    """A reply with these records."""
    text = ["id 1", "opcode QUERY", "rcode NOERROR", f"flags {flags}", ";QUESTION", "www.example. IN A"]
    return dns.message.from_text("\n".join([*text, ";ANSWER", *answer, ";ADDITIONAL", *additional])).to_wire()


@pytest.mark.parametrize(
    "other",
    [
        reply(*GLUE[:2]),
        reply(*GLUE[1:]),
        reply(*GLUE[:2], "ns.example. 300 IN AAAA 2001:db8::2"),
        reply(*GLUE[:2], "ns.example. 301 IN AAAA 2001:db8::1"),
        reply(*GLUE, flags="QR"),
        reply(*GLUE, answer=("www.example. 300 IN A 192.0.2.4",)),
        reply(*GLUE, answer=("www.example. 301 IN A 192.0.2.3",)),
        reply(*GLUE, answer=()),
    ],
    ids=["a set", "a record", "data", "a TTL", "a flag", "an answer", "its TTL", "no answer"],
)
def test_a_difference_is_found_on_either_side(other):
    for one, two in ((reply(*GLUE), other), (other, reply(*GLUE))):
        with pytest.raises(AssertionError):
            compare_whole(one, two, layout.MAX_MESSAGE)


def test_order_case_and_a_set_for_which_there_is_no_room_are_no_difference():
    compare_whole(reply(*GLUE), reply(*GLUE), layout.MAX_MESSAGE)
    compare_whole(reply(*GLUE), reply(*reversed(GLUE)), layout.MAX_MESSAGE)
    compare_whole(reply(*GLUE), reply(*(line.replace("ns", "NS") for line in GLUE)), layout.MAX_MESSAGE)
    less = reply(*GLUE[:2])
    needed = len(reply(*GLUE)) - len(less)
    compare_whole(less, reply(*GLUE), len(less) + needed + SLACK - 1)


def test_a_record_that_is_there_twice_is_found():
    once = reply(answer=ANSWER)
    twice = bytearray(once + once[-16:])
    twice[7] += 1  # ANCOUNT
    with pytest.raises(AssertionError):
        compare_whole(bytes(twice), once, layout.MAX_MESSAGE)
