"""`bobctl stats show`."""

from __future__ import annotations

import json

import pytest

from msgq.errors import Refused
from stats import api
from tests.bobctl.run import bobctl
from tests.cmdctl.house import house


def counted(**counters):
    return api.InstanceStatistics("running", 11, 0, 0.5, 2**20, counters)


REPLY = api.ShowReply(
    1.0,
    {"auth": api.ModuleStatistics({"a": 5, "b": 0}, {"0": counted(a=2, b=0), "1": counted(a=3, b=0)})},
    {"auth.2.counters": "it has only 3 bytes"},
)


@pytest.mark.asyncio
async def test_counters_are_shown_with_their_sum_and_by_instance():
    async with house() as here:
        here.answers["stats", "show"] = REPLY
        every = await bobctl(here.path, "stats", "show")
        module = await bobctl(here.path, "stats", "show", "auth", "--all")
        document = await bobctl(here.path, "--json", "stats", "show", "auth", "--instance", "0")
    assert [line.split() for line in every.out.splitlines() if line] == [["AUTH", "SUM"], ["a", "5"]]
    assert "auth.2.counters" in every.err
    assert [line.split() for line in module.out.splitlines() if line][1:] == [
        ["AUTH", "SUM", "0", "1"],
        ["a", "5", "2", "3"],
        ["b", "0", "0", "0"],
    ]
    assert json.loads(document.out)["modules"]["auth"]["instances"]["1"]["counters"] == {"a": 3, "b": 0}
    assert here.asked[-1] == ("stats/0", "show", {"component": "auth", "instance": "0"})


@pytest.mark.asyncio
async def test_an_instance_needs_its_module():
    async with house() as here:
        done = await bobctl(here.path, "stats", "show", "--instance", "0")
    assert (done.code, "needs a MODULE" in done.err) == (2, True)


@pytest.mark.asyncio
async def test_counters_of_zones():
    zones = {"org": {"responses": 3, "rcode.nxdomain": 0}, "example.org": {"responses": 0, "rcode.nxdomain": 0}}
    async with house() as here:
        here.answers["stats", "zones"] = api.ZonesReply(1.0, zones, True, {"7.zones": "it has only 3 bytes"})
        several = await bobctl(here.path, "stats", "zones", "--limit", "2")
        one = await bobctl(here.path, "--json", "stats", "zones", "org")
        here.answers["stats", "zones"] = api.ZonesReply(1.0, {}, False, {})
        none = await bobctl(here.path, "stats", "zones")
        here.answers["stats", "zones"] = Refused("not-found", "net is not counted: set zones.net.statistics")
        missing = await bobctl(here.path, "stats", "zones", "net")
    assert [line.split() for line in several.out.splitlines() if line] == [
        ["org", "SUM"],
        ["responses", "3"],
        ["example.org", "SUM"],
        ["responses", "0"],
    ]
    assert "--after example.org" in several.err
    assert "7.zones" in several.err
    assert json.loads(one.out)["zones"] == zones
    assert "zones.ZONE.statistics" in none.err
    assert (missing.code, "zones.net.statistics" in missing.err) == (3, True)
