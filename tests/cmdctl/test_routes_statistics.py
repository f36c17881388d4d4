"""Counters through the door."""

from __future__ import annotations

import pytest

from msgq.errors import Refused
from tests.cmdctl.house import COUNTED, house
from tests.cmdctl.test_routes_modules import refused


@pytest.mark.asyncio
async def test_counters_come_from_stats():
    async with house() as here:
        every = await here.get("statistics")
        await here.get("statistics", module="auth", instance="0")
    assert every["modules"]["auth"]["counters"] == {"queries": 5}
    assert every["modules"]["auth"]["instances"]["0"]["state"] == COUNTED.modules["auth"].instances["0"].state
    asked = [arguments for module, command, arguments in here.asked if (module, command) == ("stats/0", "show")]
    assert asked == [{"component": None, "instance": None}, {"component": "auth", "instance": "0"}]


@pytest.mark.asyncio
async def test_what_cannot_be_shown_is_told():
    async with house() as here:
        await here.get("statistics", instance="0")  # of every module
        assert here.asked[-1] == ("stats/0", "show", {"component": None, "instance": "0"})
        here.answers["stats", "show"] = Refused("not-found", "there is no component 'nobody'")
        error = await refused(here.get("statistics", module="nobody"))
    assert (error.code, "nobody" in error.message) == ("not-found", True)


@pytest.mark.asyncio
async def test_counters_of_zones_come_from_stats_in_pages_or_one_by_one():
    async with house() as here:
        every = await here.get("statistics", "zones", after="a.example", limit="7")
        await here.get("statistics", "zones", "example.org")
        assert (await refused(here.get("statistics", "zones", limit="0"))).code == "usage"
    assert every["zones"] == {"example.org": {"responses": 3}}
    asked = [arguments for module, command, arguments in here.asked if (module, command) == ("stats/0", "zones")]
    assert asked == [
        {"zone": None, "after": "a.example", "limit": 7},
        {"zone": "example.org", "after": None, "limit": 100},
    ]
