"""`--wait`: until it is done, with progress, and not for ever."""

from __future__ import annotations

import msgspec
import pytest

from bob import api as bob
from cfgmgr import api as cfgmgr
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import AUTH_0, CANDIDATE, CMDCTL, SPARE, SUITE, house

STARTING = msgspec.structs.replace(AUTH_0, state="starting", progress="opening data sources", pid=21)
STOPPED = msgspec.structs.replace(AUTH_0, state="stopped", pid=None)
RENEWED = msgspec.structs.replace(AUTH_0, pid=21)
OLD = msgspec.structs.replace(AUTH_0, revision=3)
NEW = msgspec.structs.replace(AUTH_0, revision=4)


def moving(*instances: bob.InstanceStatus):
    """A bob that tells another state of auth/0 each time it is asked, the last one for ever."""
    left = list(instances)

    def status(_call):
        first = left.pop(0) if len(left) > 1 else left[0]
        return msgspec.structs.replace(SUITE, components=(first, SPARE))

    return status


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "states", "says"),
    [
        (["start", "auth/0"], [STOPPED, STARTING, RENEWED], "auth/0 is running"),
        (["stop", "auth/0"], [AUTH_0, STOPPED], "auth/0 is stopped"),
        (["restart", "auth/0"], [AUTH_0, AUTH_0, STOPPED, STARTING, RENEWED], "auth/0 is restarted"),
    ],
)
async def test_it_waits_until_it_is_done(words, states, says):
    async with house() as here:
        here.answers["bob", "status"] = moving(*states)
        done = await bobctl(here.path, "component", *words, "--wait")
    assert (done.code, done.out) == (0, "")
    assert done.err.endswith(f"{says}\n")
    assert "waiting: auth/0 is " in done.err


@pytest.mark.asyncio
async def test_progress_is_told_once_each():
    async with house() as here:
        here.answers["bob", "status"] = moving(STOPPED, STARTING, STARTING, STARTING, RENEWED)
        done = await bobctl(here.path, "component", "start", "auth/0", "--wait")
    assert done.err.splitlines() == [
        "waiting: auth/0 is stopped",
        "waiting: auth/0 is opening data sources",
        "auth/0 is running",
    ]


@pytest.mark.asyncio
async def test_a_wait_ends_and_says_what_is_missing():
    async with house() as here:
        here.answers["bob", "status"] = moving(STARTING)
        done = await bobctl(here.path, "component", "start", "auth/0", "--wait", "--timeout", "0.2")
    assert done.code == 1
    assert "after 0.2 s it is not done: auth/0 is opening data sources" in done.err


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "words",
    [
        ("config", "commit"),
        ("config", "rollback", "3"),
        ("config", "reload", "--apply"),
        ("component", "add", "auth"),
        ("component", "change", "auth", "instances=2"),
        ("component", "remove", "auth"),
    ],
    ids=" ".join,
)
async def test_a_revision_is_waited_for_on_every_process(words):
    async with house() as here:
        if words[1] == "add":
            here.answers["cfgmgr", "show"] = Refused("not-found", "nothing is configured")
        if words[0] == "component":
            here.answers["cfgmgr", "diff"] = msgspec.structs.replace(CANDIDATE, changes=[])
        if words[1] == "reload":
            here.answers["cfgmgr", "reload"] = cfgmgr.Reloaded("/etc/bob/bob.yaml", [], [], 4)
        here.answers["bob", "status"] = moving(OLD, OLD, NEW)
        status = here.answers["bob", "status"]
        here.answers["bob", "status"] = lambda call: msgspec.structs.replace(
            status(call), components=(status(call).components[0], msgspec.structs.replace(SPARE, revision=0))
        )
        done = await bobctl(here.path, *words, "--wait")
    assert done.code == 0, done.err
    assert "waiting: auth/0 has revision 3" in done.err


@pytest.mark.asyncio
async def test_a_changed_component_is_waited_for_until_its_processes_run():
    up, coming = (msgspec.structs.replace(one, revision=4) for one in (AUTH_0, STARTING))
    async with house() as here:
        here.answers["cfgmgr", "diff"] = msgspec.structs.replace(CANDIDATE, changes=[])
        left = [coming, coming, up]
        here.answers["bob", "status"] = lambda _call: msgspec.structs.replace(
            SUITE, components=(left.pop(0) if len(left) > 1 else up,)
        )
        done = await bobctl(here.path, "component", "change", "auth", "instances=2", "--wait", "--timeout", "20")
    assert done.code == 0, done.err
    assert done.err.splitlines()[0].startswith("waiting: ")
    assert done.err.splitlines()[-1] == "auth is changed (revision 4)"


@pytest.mark.asyncio
async def test_a_status_is_shown_when_everything_runs():
    running = msgspec.structs.replace(SUITE, components=(AUTH_0, SPARE))
    starting = msgspec.structs.replace(SUITE, state="starting", components=())
    answers = [starting, msgspec.structs.replace(SUITE, components=(AUTH_0, CMDCTL)), running]
    async with house() as here:
        here.answers["bob", "status"] = lambda _call: answers.pop(0) if len(answers) > 1 else answers[0]
        done = await bobctl(here.path, "status", "--wait")
    assert done.code == 0
    assert "waiting: the suite is starting" in done.err
    assert "waiting: cmdctl/0 is backing-off" in done.err
    assert "auth/spare" in done.out


@pytest.mark.asyncio
async def test_a_suite_that_does_not_come_is_not_waited_for_for_ever(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "status", "--wait", "--timeout", "0.3")
    assert done.code == 1
    assert "no suite answers at" in done.err
