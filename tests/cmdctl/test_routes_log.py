"""The lines of all processes in one row, and going on from where one has read."""

from __future__ import annotations

import asyncio
import json
import signal
from subprocess import PIPE

import pytest

from daemonkit.api import LogLine, LogLinesReply
from msgq.errors import Refused
from tests.bobctl.run import PYTHON, bobctl
from tests.cmdctl.house import house
from tests.cmdctl.test_routes_modules import refused

pytestmark = pytest.mark.asyncio
MEMBERS = ("bob/0", "memmgr/0")


def line(moment: float, who: str, text: str = "", **more) -> LogLine:
    return LogLine(moment, more.pop("severity", "info"), who, more.pop("id", "TOY_SAW"), text or f"at {moment}", **more)


def tells(here, module: str, *lines: LogLine, missed: int = 0) -> None:
    """Have this colleague tell these lines, numbered from 0."""
    pid = here.services.session.members(module)[0].pid

    def reply(call):
        after = call.arguments["after"]
        return LogLinesReply(pid, len(lines), missed if after else 0, lines[after:])

    here.answers[module, "log_lines"] = reply


async def test_lines_of_all_processes_come_in_order_of_time():
    async with house(MEMBERS) as here:
        tells(here, "bob", line(1.0, "bob"), line(3.0, "bob"))
        tells(here, "memmgr", line(2.0, "memmgr/0", "broke", severity="error", traceback=("Traceback",), revision=4))
        found = await here.get("log")
        newest = await here.get("log", limit="1", level="info", module="bob/0")
        asked = here.asked[-1]
    assert [one["time"] for one in found["lines"]] == [1.0, 2.0, 3.0]
    expected = {"time": 2.0, "severity": "error", "who": "memmgr/0", "id": "TOY_SAW", "text": "broke"}
    assert found["lines"][1] == {**expected, "traceback": ["Traceback"], "revision": 4}
    assert [one["time"] for one in newest["lines"]] == [3.0]
    assert asked == ("bob/0", "log_lines", {"after": 0, "level": "info", "limit": 1})
    assert found["missed"] == 0


async def test_reading_goes_on_where_it_ended_and_says_what_was_missed():
    async with house(MEMBERS) as here:
        tells(here, "bob", line(1.0, "bob"))
        tells(here, "memmgr", line(2.0, "memmgr/0"))
        first = await here.get("log")
        tells(here, "bob", line(1.0, "bob"), line(4.0, "bob"), line(5.0, "bob"), missed=7)
        here.answers["memmgr", "log_lines"] = Refused("unavailable", "stopping")
        second = await here.get("log", after=first["next"], limit="1")
        assert ([one["time"] for one in second["lines"]], second["missed"]) == ([5.0], 8)
        assert {"member": "memmgr/0", "reason": "stopping"} in second["silent"]
        tells(here, "memmgr", line(2.0, "memmgr/0"), line(6.0, "memmgr/0"))
        third = await here.get("log", after=second["next"])
    assert [one["time"] for one in third["lines"]] == [6.0]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"level": "loud"}, "usage"),
        ({"limit": "0"}, "usage"),
        ({"after": "x"}, "usage"),
        ({"after": ""}, "usage"),
        ({"after": "1:2,"}, "usage"),
        ({"after": "1:2," * 2000 + "1:2"}, "usage"),
        ({"module": "memgmr"}, "not-found"),
        ({"module": "memmgr/7"}, "not-found"),
        ({"module": "auth"}, "not-found"),
    ],
)
async def test_what_cannot_be_told_is_refused(query, code):
    async with house(MEMBERS) as here:
        assert (await refused(here.get("log", **query))).code == code


async def test_bobctl_shows_lines_as_the_log_has_them():
    async with house(MEMBERS) as here:
        tells(here, "bob", line(0.5, "bob", "broke \x1b[2J", severity="error", traceback=("Traceback",)))
        tells(here, "memmgr", line(1.0, "memmgr/0", "a library said it", id=""))
        here.answers["memmgr", "log_lines"] = Refused("unavailable", "stopping")
        done = await bobctl(here.path, "log", "tail")
        assert (done.code, done.out) == (
            0,
            "1970-01-01T00:00:00.500Z ERROR bob TOY_SAW broke \\x1b[2J\n    Traceback\n",
        )
        assert "memmgr/0 does not tell its lines: stopping" in done.err
        tells(here, "memmgr", line(1.0, "memmgr/0", "a library said it", id=""))
        done = await bobctl(here.path, "log", "tail", "memmgr", "--level", "info", "--limit", "7", "--json")
        assert here.asked[-1] == ("memmgr/0", "log_lines", {"after": 0, "level": "info", "limit": 7})
    assert [one["text"] for one in json.loads(done.out)["lines"]] == ["a library said it"]


async def test_bobctl_follows_until_it_is_interrupted():
    async with house(("bob/0",)) as here:
        lines = [line(1.0, "bob")]

        def reply(call):
            after = call.arguments["after"]
            if after:
                lines.append(line(float(len(lines) + 1), "bob"))
            return LogLinesReply(here.services.session.members("bob")[0].pid, len(lines), 0, tuple(lines[after:]))

        here.answers["bob", "log_lines"] = reply
        words = ["--server", f"unix:{here.path}", "log", "tail", "--follow", "--json"]
        process = await asyncio.create_subprocess_exec(*PYTHON, *words, stdout=PIPE, stderr=PIPE)
        assert process.stdout is not None
        seen = [json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["time"] for _ in range(3)]
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 60)
    assert seen == [1.0, 2.0, 3.0]
    assert b"Traceback" not in err


async def test_following_goes_on_when_the_member_and_cmdctl_come_back():
    """It ended with "no memmgr/0 is running" at the moment it was wanted for: the crash of what is followed."""
    async with house(("bob/0",)) as here:
        lines = [line(1.0, "memmgr/0")]

        def reply(call):
            pid = here.services.session.members("memmgr")[0].pid
            return LogLinesReply(pid, len(lines), 0, tuple(lines[call.arguments["after"] :]))

        here.answers["memmgr", "log_lines"] = reply
        await here.member("memmgr/0")
        words = ["--server", f"unix:{here.path}", "log", "tail", "memmgr/0", "--follow", "--json"]
        process = await asyncio.create_subprocess_exec(*PYTHON, *words, stdout=PIPE, stderr=PIPE)
        assert process.stdout is not None
        assert process.stderr is not None

        async def said(stream: asyncio.StreamReader) -> str:
            return (await asyncio.wait_for(stream.readline(), 60)).decode()

        assert json.loads(await said(process.stdout))["time"] == 1.0
        here.bus.kill_member(here.members.pop("memmgr/0"))
        assert "no memmgr/0 is running: trying again" in await said(process.stderr)
        away = here.path.with_name("away")
        here.path.rename(away)
        assert "trying again" in await said(process.stderr)
        lines[:] = [line(2.0, "memmgr/0")]
        await here.member("memmgr/0")
        away.rename(here.path)
        assert json.loads(await said(process.stdout))["time"] == 2.0
        process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert out == b""
