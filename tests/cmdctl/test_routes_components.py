"""Components through the door: orders go to bob, changes to cfgmgr, at once."""

from __future__ import annotations

import pytest

from cfgmgr import api as cfgmgr
from cmdctl.errors import ErrorAnswer
from msgq.errors import Refused
from tests.cmdctl.house import CANDIDATE, COMMITTED, house

NOTHING_THERE = Refused("not-found", "nothing at that path")


async def refused(coroutine) -> ErrorAnswer:
    with pytest.raises(ErrorAnswer) as caught:
        await coroutine
    return caught.value


def edits(here):
    """What cfgmgr was asked to change."""
    return [
        (command, arguments["path"], arguments.get("value"))
        for member, command, arguments in here.asked
        if member == "cfgmgr/0" and command in ("set", "unset")
    ]


@pytest.mark.asyncio
async def test_every_process_is_listed():
    async with house() as here:
        found = await here.get("components")
    assert [f"{row['component']}/{row['instance']}" for row in found["components"]] == [
        "auth/0",
        "auth/spare",
        "cmdctl/0",
    ]
    assert found["disabled"] == ["toy"]


@pytest.mark.asyncio
async def test_a_component_is_shown_with_its_configuration():
    async with house() as here:
        here.answers["cfgmgr", "show"] = cfgmgr.Shown("components.auth", {"instances": 2}, 3, {})
        auth = await here.get("components", "auth")
        one = await here.get("components", "auth/spare")
        assert here.asked[1][2]["path"] == "components.auth"
    assert [row["instance"] for row in auth["instances"]] == ["0", "spare"]
    assert auth["configuration"] == {"instances": 2}
    assert [row["instance"] for row in one["instances"]] == ["spare"]


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["nobody", "auth/9", "auth/", "nobody/0"])
async def test_a_component_that_is_not_there_is_not_found(name):
    async with house() as here:
        here.answers["cfgmgr", "show"] = NOTHING_THERE
        if name == "auth/":
            assert len((await here.get("components", name))["instances"]) == 2
        else:
            assert (await refused(here.get("components", name))).code == "not-found"


@pytest.mark.asyncio
@pytest.mark.parametrize("order", ["start", "stop", "restart"])
async def test_orders_go_to_bob(order):
    async with house() as here:
        assert await here.post("components", "auth/1", order) == {}
        assert here.asked == [("bob/0", order, {"component": "auth/1"})]
        here.answers["bob", order] = Refused("not-found", "there is no component auth/7")
        assert (await refused(here.post("components", "auth/7", order))).code == "not-found"


@pytest.mark.asyncio
async def test_an_order_nobody_knows_is_not_found():
    async with house() as here:
        assert (await refused(here.post("components", "auth", "dance"))).code == "not-found"
        assert here.asked == []


@pytest.mark.asyncio
async def test_adding_sets_and_commits():
    async with house() as here:
        here.answers["cfgmgr", "show"] = NOTHING_THERE
        values = {"program": "/bin/toy", "spec": "/etc/toy.yaml"}
        answer = await here.do("request", "PUT", "components", "toy", body={"values": values})
        assert here.commands("cfgmgr/0") == ["show", "diff", "set", "commit"]
        assert edits(here) == [("set", "components.toy", values)]
        assert here.asked[-1][2]["reason"] == "add component toy"
    assert answer["revision"] == COMMITTED.revision


@pytest.mark.asyncio
async def test_adding_what_is_there_is_a_conflict():
    async with house() as here:
        assert (await refused(here.do("request", "PUT", "components", "toy", body={}))).code == "conflict"
        assert edits(here) == []


@pytest.mark.asyncio
async def test_changing_sets_and_unsets_option_by_option():
    async with house() as here:
        body = {"values": {"instances": 3, "nice": None}, "reason": "more cores"}
        await here.do("request", "PATCH", "components", "auth", body=body)
        assert edits(here) == [("set", "components.auth.instances", 3), ("unset", "components.auth.nice", None)]
        assert here.asked[-1][2]["reason"] == "more cores"
        assert (await refused(here.do("request", "PATCH", "components", "auth", body={}))).code == "usage"


@pytest.mark.asyncio
async def test_removing_unsets():
    async with house() as here:
        await here.do("request", "DELETE", "components", "toy", query={"reason": "enough"})
        assert edits(here) == [("unset", "components.toy", None)]
        assert here.asked[-1][2]["reason"] == "enough"
        here.answers["cfgmgr", "show"] = NOTHING_THERE
        assert (await refused(here.do("request", "DELETE", "components", "toy"))).code == "not-found"


@pytest.mark.asyncio
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["", "A", "a/0", "a.b", "../x", "x" * 64, "a]", "1"])
async def test_a_name_no_component_can_have_is_refused(method, name):
    async with house() as here:
        error = await refused(here.do("request", method, "components", name, body={"values": {"nice": 1}}))
        assert error.code == ("not-found" if name == "" else "usage")
        assert here.asked == []


@pytest.mark.asyncio
async def test_uncommitted_changes_are_not_swept_along():
    async with house() as here:
        here.answers["cfgmgr", "diff"] = CANDIDATE
        error = await refused(here.do("request", "PATCH", "components", "auth", body={"values": {"nice": 1}}))
        assert error.code == "conflict"
        assert here.commands("cfgmgr/0") == ["diff"]


@pytest.mark.asyncio
@pytest.mark.parametrize("step", ["set", "commit"])
async def test_a_refused_change_leaves_no_candidate(step):
    async with house() as here:
        here.answers["cfgmgr", step] = Refused("refused", "no")
        error = await refused(here.do("request", "PATCH", "components", "auth", body={"values": {"nice": 1}}))
        assert error.code == "refused"
        assert here.commands("cfgmgr/0")[-1] == "discard"


@pytest.mark.asyncio
async def test_a_commit_of_unknown_outcome_is_not_discarded():
    async with house() as here:
        here.answers["cfgmgr", "commit"] = lambda _: here.bus.kill_member(here.members["cfgmgr/0"])
        error = await refused(here.do("request", "PATCH", "components", "auth", body={"values": {"nice": 1}}))
        assert error.code == "unavailable"
        assert "discard" not in here.commands("cfgmgr/0")


@pytest.mark.asyncio
async def test_a_refusal_stands_even_if_the_candidate_cannot_be_discarded():
    async with house() as here:
        here.answers["cfgmgr", "commit"] = Refused("refused", "no")
        here.answers["cfgmgr", "discard"] = Refused("failed", "the disk is full")
        error = await refused(here.do("request", "PATCH", "components", "auth", body={"values": {"nice": 1}}))
    assert (error.code, error.message) == ("refused", "no")
