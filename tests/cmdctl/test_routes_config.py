"""Configuration through the door: every change is the peer's, and refusals arrive whole."""

from __future__ import annotations

import asyncio
import os
import pwd

import pytest

from cfgmgr import api as cfgmgr
from cmdctl.errors import ErrorAnswer
from msgq.errors import Refused
from tests.cmdctl.house import CANDIDATE, CHANGE, CHECKED, ERROR, REFUSED, WARNING, house

ME = pwd.getpwuid(os.geteuid()).pw_name


async def refused(coroutine) -> ErrorAnswer:
    with pytest.raises(ErrorAnswer) as caught:
        await coroutine
    return caught.value


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("order", "body", "arguments"),
    [
        ("set", {"path": "a.b", "value": {"c": [1, None, True]}}, {"path": "a.b", "value": {"c": [1, None, True]}}),
        ("unset", {"path": "a.b"}, {"path": "a.b"}),
        ("add", {"path": "a", "value": 1}, {"path": "a", "value": 1, "key": None}),
        ("add", {"path": "a", "key": "k"}, {"path": "a", "value": None, "key": "k"}),
        ("remove", {"path": "a", "key": "k"}, {"path": "a", "value": None, "key": "k"}),
        ("discard", {}, {}),
        ("rebase", {}, {}),
        ("check", {}, {"role": "admin"}),
        ("commit", {"reason": "because"}, {"reason": "because", "role": "admin"}),
        ("reload", {"apply": True}, {"reason": "", "apply": True, "role": "admin"}),
        ("rollback", {"revision": 3}, {"revision": 3, "reason": "", "apply": True, "role": "admin"}),
    ],
)
async def test_every_order_reaches_cfgmgr_under_the_peers_name(order, body, arguments):
    async with house() as here:
        answer = await here.post("config", order, body=body)
        ((_, _, told),) = here.asked
        assert told.pop("zones", None) is None  # all of them
        assert here.asked == [("cfgmgr/0", order, {"author": ME, **arguments})]
    assert answer


@pytest.mark.asyncio
async def test_showing_takes_path_and_form():
    async with house() as here:
        shown = await here.get("config", path="auth.udp_size", form="stored")
        await here.get("config")
        assert [arguments for _, _, arguments in here.asked] == [
            {"path": "auth.udp_size", "form": "stored", "author": ME, "zones": None},
            {"path": "", "form": "complete", "author": ME, "zones": None},
        ]
        assert (await refused(here.get("config", form="odd"))).code == "usage"
    assert shown == {"path": "auth.udp_size", "value": 1232, "revision": 3, "overlay": {}, "left_out": {}}


@pytest.mark.asyncio
async def test_the_candidate_and_the_history_are_shown():
    async with house() as here:
        assert (await here.get("config", "candidate"))["changes"] == []
        history = await here.get("config", "history", before=9, limit=5, changes="true")
        assert here.asked[-1][2] == {"before": 9, "limit": 5, "changes_too": True}
        for query in ({"before": "x"}, {"before": "-1"}, {"changes": "maybe"}, {"limit": "0"}):
            assert (await refused(here.get("config", "history", **query))).code == "usage"
    assert history["revisions"][0]["author"] == "ann"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("order", "body"),
    [
        ("set", {"path": "a"}),
        ("set", {"value": 1}),
        ("set", {"path": 1, "value": 1}),
        ("set", {"path": "a", "value": 1, "author": "somebody else"}),
        ("set", {"path": "a" * 5000, "value": 1}),
        ("unset", {}),
        ("unset", {"path": "a", "author": "somebody else"}),
        ("add", []),
        ("commit", {"reason": 1}),
        ("commit", {"reason": "x" * 1001}),
        ("commit", {"author": "somebody else"}),
        ("reload", {"apply": "yes"}),
    ],
)
async def test_a_body_that_does_not_fit_reaches_nobody(order, body):
    async with house() as here:
        assert (await refused(here.post("config", order, body=body))).code == "usage"
        assert here.asked == []


@pytest.mark.asyncio
@pytest.mark.parametrize("code", ["usage", "not-found", "conflict", "refused", "failed", "unavailable"])
async def test_a_refusal_keeps_its_code_and_text(code):
    async with house() as here:
        here.answers["cfgmgr", "set"] = Refused(code, "because of this")
        error = await refused(here.post("config", "set", body={"path": "a", "value": 1}))
    assert (error.code, error.message) == (code, "because of this")


@pytest.mark.asyncio
async def test_a_refused_commit_lists_every_problem_and_every_module_that_said_no():
    async with house() as here:
        here.answers["cfgmgr", "commit"] = Refused("refused", "2 problems")
        here.answers["cfgmgr", "check"] = cfgmgr.Checked(False, [CHANGE], [WARNING, ERROR], [REFUSED])
        error = await refused(here.post("config", "commit", body={}))
    assert error.code == "refused"
    assert error.details == [
        {"path": ERROR.path, "reason": ERROR.reason, "place": "bob.yaml:3"},
        {"path": "auth/1", "reason": "auth.udp_size: is odd"},
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize("code", ["conflict", "failed", "not-found"])
async def test_other_refusals_of_a_commit_are_not_asked_about(code):
    async with house() as here:
        here.answers["cfgmgr", "commit"] = Refused(code, "no")
        error = await refused(here.post("config", "commit", body={}))
        assert here.commands("cfgmgr/0") == ["commit"]
    assert (error.code, error.details) == (code, [])


@pytest.mark.asyncio
async def test_a_refused_commit_whose_problems_cannot_be_had_is_told_all_the_same():
    async with house() as here:
        here.answers["cfgmgr", "commit"] = Refused("refused", "no")
        here.answers["cfgmgr", "check"] = Refused("unavailable", "busy")
        error = await refused(here.post("config", "commit", body={}))
    assert (error.code, error.message, error.details) == ("refused", "no", [])


@pytest.mark.asyncio
async def test_without_cfgmgr_it_is_unavailable():
    async with house(("bob/0",)) as here:
        assert (await refused(here.get("config"))).code == "unavailable"


@pytest.mark.asyncio
async def test_cfgmgr_dying_with_a_commit_in_hand_is_told_as_doubtful():
    async with house() as here:
        here.answers["cfgmgr", "commit"] = lambda _: here.bus.kill_member(here.members["cfgmgr/0"])
        error = await refused(here.post("config", "commit", body={}))
    assert error.code == "unavailable"
    assert "may have been done" in error.message


@pytest.mark.asyncio
async def test_requests_of_one_author_are_done_one_at_a_time():
    together = 0
    most = 0

    async with house() as here:
        release = asyncio.Event()

        async def slow(call):
            nonlocal together, most
            together += 1
            most = max(most, together)
            await release.wait()
            together -= 1
            return CANDIDATE

        here.members["cfgmgr/0"].set_command_handler(slow)
        asked = [asyncio.create_task(here.post("config", "discard")) for _ in range(5)]
        while together == 0:
            await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*asked)
    assert most == 1


@pytest.mark.asyncio
async def test_a_check_is_relayed_as_it_is():
    async with house() as here:
        checked = await here.post("config", "check")
    assert checked["good"] is CHECKED.good
    assert checked["problems"][0]["path"] == "cmdctl.rest"


@pytest.mark.asyncio
async def test_how_a_path_goes_on_is_asked_on_behalf_of_who_types():
    async with house() as here:
        here.answers["cfgmgr", "complete"] = cfgmgr.Paths([cfgmgr.Known("auth.udp_size", "integer", "Octets")], True)
        found = await here.get("config", "complete", path="auth.u", limit=1)
        asked = [arguments for _, command, arguments in here.asked if command == "complete"]
    assert found == {"paths": [{"path": "auth.udp_size", "kind": "integer", "text": "Octets"}], "more": True}
    assert asked == [{"author": ME, "path": "auth.u", "limit": 1, "zones": None}]


@pytest.mark.asyncio
async def test_an_option_is_described():
    described = cfgmgr.Described("auth.udp_size", "integer", "a whole number", "", 1232, False, "", "", [], [])
    async with house() as here:
        here.answers["cfgmgr", "describe"] = described
        found = await here.get("config", "describe", path="auth.udp_size", prefix="x")
        asked = [arguments for _, command, arguments in here.asked if command == "describe"]
    assert found["default"] == 1232
    assert asked == [{"author": ME, "path": "auth.udp_size", "prefix": "x", "zones": None}]
