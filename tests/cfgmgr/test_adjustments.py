"""Modules that accept with other values than those asked for: what is in effect is what is written down."""

from __future__ import annotations

import pytest

from cfgmgr import api
from daemonkit.api import Adjustment
from daemonkit.configuration import Prepared
from msgq.errors import Refused
from tests.cfgmgr.bench import Bench

pytestmark = pytest.mark.asyncio


def cuts_to(length, path="auth.version", reason="longer ones are cut"):
    """As a module that takes a value only so long."""

    async def prepare(config):
        version = config.own["version"]
        if len(version) <= length:
            return Prepared()
        return Prepared(adjustments=(Adjustment(path, version[:length], reason),))

    return prepare


class Suite(Bench):
    """Two instances of auth; the second one takes short versions only."""

    async def __aenter__(self):
        await super().__aenter__()
        self.auth = [await self.start("auth", instance) for instance in ("0", "1")]
        self.auth[1].on_prepare = cuts_to(3)
        await self.call(api.Set("alice", "auth.version", "longer"))
        return self


async def test_the_check_shows_the_difference_as_it_would_be(tmp_path):
    async with Suite(tmp_path) as suite:
        checked = await suite.call(api.Check("alice"))
        assert checked.good
        assert [(change.path, change.new) for change in checked.changes] == [("auth.version", "lon")]
        assert await suite.revision() == 1


async def test_the_revision_has_the_adjusted_value_for_all(tmp_path):
    async with Suite(tmp_path) as suite:
        done = await suite.call(api.Commit("alice"))
        assert [(change.path, change.new) for change in done.changes] == [("auth.version", "lon")]
        [said] = [answer for answer in done.modules if answer.state == "adjusted"]
        assert (said.member, said.adjustments[0].reason) == ("auth/1", "longer ones are cut")
        assert [module.live["auth"]["version"] for module in suite.auth] == ["lon", "lon"]
        assert (await suite.call(api.Show("auth.version", "stored"))).value == "lon"
        assert (await suite.call(api.Status())).candidates == []


async def test_several_adjustments_are_settled_one_after_the_other(tmp_path):
    async with Suite(tmp_path) as suite:
        suite.auth[0].on_prepare = cuts_to(2)
        done = await suite.call(api.Commit("alice"))
        assert [change.new for change in done.changes] == ["lo"]
        assert {answer.state for answer in done.modules} == {"adjusted"}


async def test_modules_that_do_not_agree_are_told(tmp_path):
    async with Suite(tmp_path) as suite:
        for number, module in enumerate(suite.auth):

            async def insist(_config, number=number):
                return Prepared(adjustments=(Adjustment("auth.version", f"mine {number}", "I want it"),))

            module.on_prepare = insist
        with pytest.raises(Refused, match="adjust what others adjusted, again and again"):
            await suite.call(api.Commit("alice"))
        assert await suite.revision() == 1
        assert all(member.membership._configuration.prepared_revision is None for member in suite.members.values())


@pytest.mark.parametrize(("path", "value"), [("auth.nonsense", 1), ("auth.udp_size", "much")])
async def test_an_adjustment_that_cannot_be_refuses_the_commit(tmp_path, path, value):
    async with Suite(tmp_path) as suite:

        async def adjust(_config):
            return Prepared(adjustments=(Adjustment(path, value, "a defect"),))

        suite.auth[1].on_prepare = adjust
        with pytest.raises(Refused, match=f"auth/1 adjusts {path} to what cannot be"):
            await suite.call(api.Commit("alice"))
        assert await suite.revision() == 1


async def test_an_adjustment_to_what_is_in_effect_leaves_nothing_to_commit(tmp_path):
    async with Suite(tmp_path) as suite:
        suite.auth[1].on_prepare = cuts_to(0)
        with pytest.raises(Refused, match="nothing is different"):
            await suite.call(api.Commit("alice"))
