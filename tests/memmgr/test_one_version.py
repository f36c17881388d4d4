"""What one answer has of a zone is of one version, though another is published while it is made."""

from __future__ import annotations

import dns.message
import pytest

from image import responder
from tests.datasrc.zonemaking import TESTER, name
from tests.memmgr.house import House, soa

pytestmark = pytest.mark.skipif(
    not responder.__file__.endswith(".py"), reason="compiled, the passes of an answer are not to be called one by one"
)

CHAIN = "www CNAME old", "old A 192.0.2.1"
REPOINTED = "www CNAME new", "new A 192.0.2.2"


class Passes:
    """Answers one query in its passes, as the loop does it with a batch."""

    def __init__(self, house: House) -> None:
        self.house = house
        house.look()
        assert house.responder is not None
        self.responder = house.responder
        self.queries, self.replies = memoryview(bytearray(1024)), memoryview(bytearray(4096))
        self.responder.serve(self.queries, self.replies)

    def prepare(self, owner: str, rdtype: str) -> None:
        query = dns.message.make_query(owner, rdtype, use_edns=0).to_wire()
        self.queries[: len(query)] = query
        assert self.responder.prepare(0, 0, len(query))

    def compose(self) -> list[str]:
        octets = self.responder.compose(0, 0)
        assert octets
        reply = dns.message.from_wire(bytes(self.replies[:octets]))
        assert reply.rcode() == 0
        return [str(rdata) for section in (reply.answer, reply.additional) for rrset in section for rdata in rrset]


@pytest.mark.parametrize(
    ("before", "after", "asked"),
    [
        pytest.param(CHAIN, REPOINTED, ("www.example.", "A"), id="the target of an alias"),
        pytest.param(
            ("d DNAME e", "a.e A 192.0.2.1"), ("d DNAME f", "a.f A 192.0.2.2"), ("a.d.example.", "A"), id="of a DNAME"
        ),
        pytest.param(
            ("a CNAME x.other.", "b A 192.0.2.1"),
            ("a CNAME x.other.", "c A 192.0.2.2"),
            ("a.example.", "A"),
            id="back by way of another zone",
        ),
    ],
)
def test_a_chain_is_of_one_version(house, before, after, asked):
    house.load(soa(1, *before))
    house.load(soa(1, "x CNAME b.example."), "other.")
    house.start()
    passes = Passes(house)
    passes.prepare(*asked)
    whole = passes.compose()
    assert "192.0.2.1" in whole
    passes.prepare(*asked)
    house.load(soa(2, *after))
    house.built.clear()
    house.keeper.follow()
    assert passes.compose() == whole
    assert house.built == [], "changed in place, as the reader sees it at once"


def test_addresses_beside_an_answer_are_of_its_version(house):
    house.load(soa(1, "@ MX 10 old", "old A 192.0.2.1"))
    house.start()
    passes = Passes(house)
    passes.responder.courteous = 1
    passes.prepare("example.", "MX")
    whole = passes.compose()
    assert "192.0.2.1" in whole
    passes.prepare("example.", "MX")
    house.load(soa(2, "@ MX 10 new", "new A 192.0.2.2"))
    house.keeper.follow()
    assert passes.compose() == whole


def test_the_next_answer_is_of_the_next_version(house):
    house.load(soa(1, *CHAIN))
    house.start()
    passes = Passes(house)
    passes.prepare("www.example.", "A")
    passes.compose()
    house.load(soa(2, *REPOINTED))
    house.keeper.follow()
    passes.prepare("www.example.", "A")
    assert passes.compose() == ["new.example.", "192.0.2.2"]


def test_a_zone_that_is_deleted_meanwhile_is_answered_to_the_end_of_its_part(house):
    """The target is in no zone any more when its turn comes: the answer ends there, as with any foreign name."""
    house.load(soa(1, "www CNAME a.other."))
    house.load(soa(1, "a A 192.0.2.9"), "other.")
    house.start()
    passes = Passes(house)
    passes.prepare("www.example.", "A")
    house.source.delete_zone(name("other.", "."), TESTER)
    house.keeper.follow()
    assert passes.compose() == ["a.other."]
