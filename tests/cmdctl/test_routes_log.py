"""The lines of all processes in one row, and going on from where one has read."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from subprocess import PIPE

import msgspec
import pytest

from daemonkit.log_ring import LogLine
from tests.bobctl.run import PYTHON, bobctl
from tests.cmdctl.house import house
from tests.cmdctl.test_routes_modules import refused
from tests.kit.last_lines import hold, leave_lines

pytestmark = pytest.mark.asyncio
MEMBERS = ("bob/0", "memmgr/0")


def line(moment: float, who: str, text: str = "", **more) -> LogLine:
    return LogLine(moment, more.pop("severity", "info"), who, more.pop("id", "TOY_SAW"), text or f"at {moment}", **more)


def tells(here, member: str, *lines: LogLine, pid: int | None = None) -> int:
    """Have this colleague, or one before it, tell these lines, numbered from 0; its number."""
    pid = here.services.session.members(member.partition("/")[0])[0].pid if pid is None else pid
    leave_lines(here.services.last_lines, pid, member, *lines)
    return pid


async def test_lines_of_all_processes_come_in_order_of_time():
    async with house(MEMBERS) as here:
        bob = tells(here, "bob", line(1.0, "bob"), line(3.0, "bob"))
        lives = hold(here.services.last_lines / f"{bob}.lines")
        crash = line(2.0, "memmgr/0", "broke", severity="error", traceback=("Traceback",), revision=4)
        ended = tells(here, "memmgr/0", crash, pid=77)
        found = await here.get("log")
        newest = await here.get("log", limit="1", level="info", module="bob/0")
        of_ended = await here.get("log", module="memmgr", level="error")
        os.close(lives)
    assert [(one["time"], one["pid"], one["ended"]) for one in found["lines"]] == [
        (1.0, bob, False),
        (2.0, ended, True),
        (3.0, bob, False),
    ]
    expected = {"time": 2.0, "severity": "error", "who": "memmgr/0", "pid": 77, "ended": True, "id": "TOY_SAW"}
    assert found["lines"][1] == {**expected, "text": "broke", "traceback": ["Traceback"], "revision": 4}
    assert [one["time"] for one in newest["lines"]] == [3.0]
    assert [one["time"] for one in of_ended["lines"]] == [2.0]
    assert found["missed"] == 0
    assert {one["member"] for one in found["silent"]} == {"memmgr/0", "cmdctl/0"}
    assert {one["reason"] for one in found["silent"]} == {
        "its last lines are in no file; its log says why (DAEMON_LINES_UNKEPT)"
    }


async def test_reading_goes_on_where_it_ended_and_says_what_was_missed():
    async with house(MEMBERS) as here:
        tells(here, "bob", line(1.0, "bob"))
        tells(here, "memmgr/0", line(2.0, "memmgr/0"))
        first = await here.get("log")
        tells(here, "bob", line(1.0, "bob"), line(4.0, "bob"), line(5.0, "bob"))
        second = await here.get("log", after=first["next"], limit="1")
        assert ([one["time"] for one in second["lines"]], second["missed"]) == ([5.0], 1)
        tells(here, "memmgr/0", line(2.0, "memmgr/0"), line(6.0, "memmgr/0"))
        tells(here, "bob", *(line(7.0 + number, "bob") for number in range(2000)))
        third = await here.get("log", after=second["next"], module="memmgr")
        fourth = await here.get("log", after=second["next"], limit="1000")
    assert ([one["time"] for one in third["lines"]], third["missed"]) == ([6.0], 0)
    assert len(fourth["lines"]) + fourth["missed"] == 1 + 2000 - 3


async def test_a_file_that_is_damaged_is_told_beside_the_others():
    async with house(MEMBERS) as here:
        tells(here, "bob", line(1.0, "bob"))
        (here.services.last_lines / "9.lines").write_bytes(b"nothing")
        found = await here.get("log", module="bob")
    assert [one["time"] for one in found["lines"]] == [1.0]
    assert found["silent"] == [{"member": "9.lines", "reason": "it has only 7 octets"}]


async def test_an_odd_line_is_told_beside_the_others_of_its_process_and_of_others():
    """It was an internal error for everybody."""
    async with house(MEMBERS) as here:
        tells(here, "bob", line(1.0, "bob"))
        odd = msgspec.structs.replace(line(2.0, "memmgr/0"), revision="seven")  # as no release of ours has it
        tells(here, "memmgr/0", line(3.0, "memmgr/0"), odd, line(4.0, "memmgr/0"), pid=77)
        found = await here.get("log")
        done = await bobctl(here.path, "log", "tail")
    assert [one["time"] for one in found["lines"]] == [1.0, 3.0, 4.0]
    (told,) = (one["reason"] for one in found["silent"] if one["member"] == "77.lines")
    assert told.startswith("2 lines of it can be read: line 1 is none that this release knows")
    assert (done.code, len(done.out.splitlines())) == (0, 3)
    assert told in done.err


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
    ],
)
async def test_what_cannot_be_told_is_refused(query, code):
    async with house(MEMBERS) as here:
        assert (await refused(here.get("log", **query))).code == code


async def test_bobctl_shows_lines_as_the_log_has_them():
    async with house(MEMBERS) as here:
        pid = tells(here, "bob", line(0.5, "bob", "broke \x1b[2J", severity="error", traceback=("Traceback",)))
        lives = hold(here.services.last_lines / f"{pid}.lines")
        ended = tells(here, "memmgr/0", line(1.0, "memmgr/0", "a library said it", id=""))
        done = await bobctl(here.path, "log", "tail")
        os.close(lives)
        assert done.code == 0
        assert done.out.splitlines() == [
            f"1970-01-01T00:00:00.500Z ERROR bob[{pid}] TOY_SAW broke \\x1b[2J",
            "    Traceback",
            f"1970-01-01T00:00:01.000Z INFO memmgr/0[{ended}, ended] a library said it",
        ]
        assert "cmdctl/0 is not shown in full: its last lines are in no file" in done.err
        done = await bobctl(here.path, "log", "tail", "memmgr", "--level", "info", "--limit", "7", "--json")
    assert [one["text"] for one in json.loads(done.out)["lines"]] == ["a library said it"]


async def test_bobctl_follows_over_the_end_of_processes_until_it_is_interrupted():
    async with house(("bob/0",)) as here:
        lines = [line(1.0, "memmgr/0")]
        tells(here, "memmgr/0", *lines, pid=7)
        words = ["--server", f"unix:{here.path}", "log", "tail", "memmgr/0", "--follow", "--json"]
        process = await asyncio.create_subprocess_exec(*PYTHON, *words, stdout=PIPE, stderr=PIPE)
        assert process.stdout is not None
        assert process.stderr is not None

        async def said(stream: asyncio.StreamReader) -> str:
            return (await asyncio.wait_for(stream.readline(), 60)).decode()

        assert json.loads(await said(process.stdout))["time"] == 1.0
        tells(here, "memmgr/0", *lines, line(2.0, "memmgr/0", "the last words"), pid=7)
        assert json.loads(await said(process.stdout))["text"] == "the last words"
        tells(here, "memmgr/0", line(3.0, "memmgr/0", "its successor"), pid=8)
        assert json.loads(await said(process.stdout))["text"] == "its successor"
        away = here.path.with_name("away")
        here.path.rename(away)
        assert "trying again" in await said(process.stderr)
        tells(here, "memmgr/0", line(3.0, "memmgr/0", "its successor"), line(4.0, "memmgr/0"), pid=8)
        away.rename(here.path)
        assert json.loads(await said(process.stdout))["time"] == 4.0
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert out == b""
    assert b"Traceback" not in err
