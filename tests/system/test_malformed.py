"""Malformed packets do nothing to the suite; `bench/malformed.py` sends a million."""

from __future__ import annotations

import contextlib

from tests.kit.malformed import Campaign, Malformer
from tests.kit.suite import wait_until

COUNT = 8_000
WARM = 4_000
SEED = 20261128


def test_malformed_packets_neither_end_nor_hold_up_nor_swell_the_suite(running, record_property):
    spare = lambda: running.components().get("auth/spare", {})  # noqa: E731
    wait_until(lambda: spare().get("state") == "running", what="the spare is there")
    campaign = Campaign(running, "www.example.org", bytes([192, 0, 2, 80]), SEED)
    with contextlib.closing(campaign):
        campaign.send(WARM)
        campaign.remember()
        campaign.send(COUNT)
        record_property("figure", str(campaign))
        campaign.check()
    assert campaign.received > COUNT / 4
    assert {"1", "4", "5"} <= campaign.rcodes.keys()


def test_the_same_seed_makes_the_same_packets():
    one, other = (list(Malformer(seed, ["a.test."]).packets(200)) for seed in (1, 2))
    assert one == list(Malformer(1, ["a.test."]).packets(200)) != other
