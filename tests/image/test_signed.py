"""Signed zones: the image proves what the plain implementation proves (Both.compare says what may be left). Zones are
BIND's work.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import dns.name
import dns.rdatatype
import pytest

from datasrc.zonetext_zone import read_zone
from tests.image.mapping import Both
from tests.kit import dnspacket as packet
from tests.kit.signedzones import CHAINS, MISSING, SignedZone

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SEEDS = [int(seed) for seed in os.environ.get("SIGNED_IMAGES_SEEDS", "16 17 18").split()]
QUESTIONS = 70  # of each zone: many zones show more than many questions
DO = 0x8000


@pytest.fixture(scope="module", params=[(chain, seed) for chain in CHAINS for seed in SEEDS], ids=str)
def signed(request, tmp_path_factory) -> Iterator[tuple[Both, SignedZone, int]]:
    chain, seed = request.param
    folder = tmp_path_factory.mktemp("signed")
    zone = SignedZone.make(folder, chain, seed)
    both = Both(folder)
    origin = dns.name.from_text(zone.origin)
    with zone.file.open("rb") as file:
        text, findings = read_zone(file, zone.file.name, origin)
    assert not findings.errors
    both.put(origin, list(text.rrsets()))
    both.build()
    yield both, zone, seed
    both.close()


@pytest.mark.parametrize("size", [512, 1232])
def test_random_questions_get_the_answers_of_the_plain_implementation(signed, size):
    both, zone, seed = signed
    for name, rdtype in zone.questions(random.Random(seed + size), QUESTIONS):
        message = packet.query(name, dns.rdatatype.from_text(rdtype), additional=[packet.opt(size=size, flags=DO)])
        for query in (message, packet.query(name, dns.rdatatype.from_text(rdtype))):
            for stream in (False, True):
                assert both.compare(query, stream=stream) or zone.file.name.startswith("nsec3-opt-out"), (name, rdtype)
