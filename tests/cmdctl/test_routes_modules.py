"""Status, modules, calls and counters through the door."""

from __future__ import annotations

import asyncio
import re
import sys
from types import SimpleNamespace

import pytest

from cmdctl.app import GROUPS
from cmdctl.catalog import Catalog
from cmdctl.errors import ErrorAnswer
from msgq.errors import Refused
from tests.cmdctl.house import house, zone_status

TOY = """
module: toy
title: Greets
component: {program: toy, kind: dispensable}
commands:
  greet: {text: Greet somebody., role: read}
  forget: {text: Forget somebody., role: operate, changes: true}
"""


async def refused(coroutine) -> ErrorAnswer:
    with pytest.raises(ErrorAnswer) as caught:
        await coroutine
    return caught.value


def with_toy(here, tmp_path):
    spec = tmp_path / "toy.yaml"
    spec.write_text(TOY)
    here.services.catalog = Catalog.of({"toy": {"program": "/bin/toy", "spec": str(spec)}})


@pytest.mark.asyncio
async def test_the_status_is_that_of_all_parts():
    async with house() as here:
        status = await here.get("status")
    assert status["suite"]["state"] == "running"
    assert "components" not in status["suite"]
    assert len(status["components"]) == 3
    assert status["configuration"]["revision"] == 3
    assert status["problems"] == []


@pytest.mark.asyncio
async def test_a_part_that_does_not_answer_is_told_and_the_others_are_shown():
    async with house(("bob/0",)) as here:
        status = await here.get("status")
    assert status["suite"]["state"] == "running"
    assert status["configuration"] is None
    assert [problem["part"] for problem in status["problems"]] == ["cfgmgr"]


@pytest.mark.asyncio
async def test_the_status_is_answered_without_any_bus(monkeypatch):
    monkeypatch.setattr("cmdctl.routes_status.STATUS_SECONDS", 0.2)
    async with house() as here:
        here.bus.kill_broker()
        status = await here.get("status")
    assert (status["suite"], status["components"], status["configuration"]) == (None, [], None)
    assert {problem["part"] for problem in status["problems"]} >= {"bob", "cfgmgr"}


@pytest.mark.asyncio
async def test_modules_are_listed_with_who_is_running(tmp_path):
    async with house() as here:
        with_toy(here, tmp_path)
        found = {entry["module"]: entry for entry in (await here.get("modules"))["modules"]}
    assert found["auth"]["members"] == ["auth/0", "auth/1", "auth/spare"]
    assert found["toy"]["members"] == []
    assert found["toy"]["commands"] == ["forget", "greet"]
    assert "daemonkit" not in found


@pytest.mark.asyncio
async def test_a_spec_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "bad.yaml").write_text("module: bad\nnonsense: 1\n")
    async with house() as here:
        here.services.catalog = Catalog.of(
            {"bad": {"spec": str(tmp_path / "bad.yaml")}, "gone": {"spec": str(tmp_path / "gone.yaml")}, "auth": {}}
        )
        found = await here.get("modules")
    assert [entry["component"] for entry in found["unreadable"]] == ["bad", "gone"]
    assert "nonsense" in found["unreadable"][0]["reason"]


@pytest.mark.asyncio
async def test_a_module_is_described_by_its_spec(tmp_path):
    async with house() as here:
        with_toy(here, tmp_path)
        toy = await here.get("modules", "toy")
        cmdctl = await here.get("modules", "cmdctl")
        missing = await refused(here.get("modules", "aut"))
    assert toy["commands"]["greet"] == {
        "text": "Greet somebody.",
        "role": "read",
        "changes": False,
        "arguments": {},
        "zone": "",
    }
    assert cmdctl["messages"]["CMDCTL_OPEN"]["explain"]
    assert missing.code == "not-found"
    assert "did you mean 'auth'" in missing.message


@pytest.mark.asyncio
async def test_a_call_reaches_the_module_and_its_answer_comes_back(tmp_path):
    async with house() as here:
        with_toy(here, tmp_path)
        here.answers["toy", "greet"] = lambda call: {"text": f"hello {call.arguments['name']}"}
        await here.member("toy/0")
        await here.member("toy/1")
        assert await here.post("call", "toy", "greet", body={"arguments": {"name": "Ann"}}) == {"text": "hello Ann"}
        await here.post("call", "toy", "greet", body={"arguments": {"name": "Bob"}, "instance": "1"})
        assert [member for member, _, _ in here.asked] == ["toy/0", "toy/1"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("module", "command", "body", "code"),
    [
        ("nobody", "greet", {}, "not-found"),
        ("toy", "dance", {}, "not-found"),
        ("toy", "prepare", {"arguments": {"revision": 1, "values": {}}}, "not-found"),
        ("auth", "commit", {}, "not-found"),
        ("toy/0", "greet", {}, "not-found"),
        ("toy", "greet", {"arguments": []}, "usage"),
        ("toy", "greet", {"argument": {}}, "usage"),
        ("toy", "greet", {"instance": "0/../1"}, "usage"),
        ("toy", "greet", {"timeout": 0}, "usage"),
        ("toy", "greet", {"timeout": 1e9}, "usage"),
        ("toy", "greet", {}, "unavailable"),  # it does not run
        ("auth", "statistics", {"instance": "9"}, "unavailable"),
        ("cfgmgr", "set", {"arguments": {"author": "somebody", "path": "a", "value": 1}}, "refused"),
        ("cfgmgr", "commit", {"arguments": {"author": "somebody"}}, "refused"),
    ],
)
async def test_what_cannot_be_called_is_refused_and_reaches_nobody(module, command, body, code, tmp_path):
    async with house() as here:
        with_toy(here, tmp_path)
        assert (await refused(here.post("call", module, command, body=body))).code == code
        assert here.asked == []


@pytest.mark.asyncio
async def test_a_module_may_refuse(tmp_path):
    async with house() as here:
        with_toy(here, tmp_path)
        here.answers["toy", "greet"] = Refused("conflict", "greeted already")
        await here.member("toy/0")
        error = await refused(here.post("call", "toy", "greet"))
    assert (error.code, error.message) == ("conflict", "greeted already")


@pytest.mark.asyncio
async def test_a_module_that_takes_too_long_is_given_up(tmp_path):
    async with house() as here:
        with_toy(here, tmp_path)
        toy = await here.bus.member("toy/0")
        never = asyncio.Event()

        async def hang(_call):
            await never.wait()

        toy.set_command_handler(hang)
        error = await refused(here.post("call", "toy", "forget", body={"timeout": 0.2}))
        never.set()
    assert error.code == "unavailable"
    assert "may have been done" in error.message


@pytest.mark.asyncio
async def test_the_version_is_that_of_the_release():
    async with house() as here:
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", (await here.get("version"))["version"])


@pytest.mark.parametrize("group", GROUPS)
def test_the_words_at_the_top_of_a_file_tell_exactly_its_routes(group):
    routes = {
        (method, route.path)
        for route in group(SimpleNamespace(session=None, candidates=None)).routes()
        for method in route.methods - {"HEAD"}
    }
    told = re.findall(
        r"^(GET|POST|PUT|PATCH|DELETE) +(/v1[^ ?\n]*)", sys.modules[group.__module__].__doc__ or "", re.MULTILINE
    )
    assert set(told) == routes


@pytest.mark.asyncio
async def test_only_what_changed_something_is_logged_as_a_change():
    async with house() as here:
        here.answers["auth", "reload"] = Refused("failed", "it is ill")
        await here.post("call", "auth", "zone_status", body={"arguments": {"origins": ["example.org"]}})
        await here.post("config", "check")
        with pytest.raises(ErrorAnswer):
            await here.post("call", "auth", "reload")
        here.answers["auth", "reload"] = zone_status()
        await here.post("call", "auth", "reload")
        assert here.log.ids() == ["CMDCTL_READ", "CMDCTL_READ", "CMDCTL_CHANGE_FAILED", "CMDCTL_CHANGE"]
