"""Time to live: 31 bits."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-27", "ZON-18")
@pytest.mark.parametrize(("name", "ttl"), [("ttl0", 0), ("ttl1", 1), ("ttlmax", 2**31 - 1)])
def test_ttls_up_to_the_limit_are_kept(subject: Subject, name: str, ttl: int):
    assert subject.ask(f"{name}.u32.test.").records[0][0].ttl == ttl


@line("QRY-27")
@pytest.mark.parametrize("name", ["ttltop", "ttlall"])
def test_a_ttl_with_its_top_bit_set_counts_as_zero(subject: Subject, name: str):
    assert subject.ask(f"{name}.u32.test.").records[0][0].ttl == 0
