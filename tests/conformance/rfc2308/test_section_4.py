"""Where a TTL comes from."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded


@line("ZON-06")
@pytest.mark.parametrize(
    ("zone", "ttl"), [("ttl-default.test", 500), ("ttl-last.test", 777), ("ttl-minimum.test", 300)]
)
def test_a_missing_ttl_is_the_default_else_the_last_else_minimum(loaded: Loaded, zone: str, ttl: int):
    assert loaded.subject.ask(f"www.{zone}.").answer == [f"www.{zone}. {ttl} A 192.0.2.1"]


@line("ZON-06")
def test_falling_back_to_minimum_is_warned_of(loaded: Loaded):
    loaded.assert_warned("ttl-minimum.test")
