"""Signed zones: the image proves what the plain implementation proves (Both.compare says what may be left). Zones are
BIND's work.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import dns.message
import dns.name
import dns.rdatatype
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from datasrc.zonetext_zone import read_zone
from tests.auth.world import TCP
from tests.image.mapping import Both
from tests.kit import dnspacket as packet
from tests.kit.interpreted import examples
from tests.kit.signedzones import CHAINS, MISSING, SignedZone

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

EXAMPLES = 4  # zones of each chain
QUESTIONS = 70  # of each zone: many zones show more than many questions
SIZES = (512, 1232)
DO = 0x8000
CNAME = 5


# A zone of another seed is no simpler one: there is nothing to shrink.
@pytest.mark.parametrize("chain", CHAINS)
@settings(max_examples=examples(EXAMPLES), phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_random_questions_get_the_answers_of_the_plain_implementation(chain, seed):
    with tempfile.TemporaryDirectory() as folder:
        zone = SignedZone.make(Path(folder), chain, seed)
        both = Both(Path(folder))
        with zone.file.open("rb") as file:
            text, findings = read_zone(file, zone.file.name, dns.name.from_text(zone.origin))
        assert not findings.errors
        both.put(dns.name.from_text(zone.origin), list(text.rrsets()))
        both.build()
        try:
            for size in SIZES:
                for name, rdtype in zone.questions(random.Random(seed + size), QUESTIONS):
                    compare(both, zone, name, rdtype, size)
        finally:
            both.close()


def compare(both: Both, zone: SignedZone, name: str, rdtype: str, size: int) -> None:
    """With signatures and without, over UDP and over TCP. Left is only what is said not to be there below a name that
    opt-out left out, with DO.
    """
    number = dns.rdatatype.from_text(rdtype)
    for additional in ([packet.opt(size=size, flags=DO)], []):
        query = packet.query(name, number, additional=additional)
        for stream in (False, True):
            is_answered = both.compare(query, stream=stream)
            assert is_answered == (not additional or not is_denied_in_the_dark(both, zone, query)), (name, rdtype)


def is_denied_in_the_dark(both: Both, zone: SignedZone, query: bytes) -> bool:
    """Whether the plain implementation denies a name whose encloser has no record in the chain."""
    plain = both.world.engine.respond(query, TCP)
    assert plain is not None
    reply = dns.message.from_wire(plain)
    last = [reply.question[0].name, *(rrset[0].target for rrset in reply.answer if rrset.rdtype == CNAME)][-1]
    is_denied = any(rrset.rdtype == dns.rdatatype.SOA for rrset in reply.authority)
    return is_denied and zone.lacks_encloser(str(last))
