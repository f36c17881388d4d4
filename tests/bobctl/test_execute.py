"""`bobctl execute`: files of commands."""

from __future__ import annotations

import pytest

from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import house


@pytest.mark.asyncio
async def test_every_line_is_done_in_order(tmp_path):
    script = tmp_path / "script"
    script.write_text(
        "# first\nconfig set auth.udp_size 1400   # why\n\nbobctl config commit -m 'a reason'\nversion --json\n"
    )
    async with house() as here:
        done = await bobctl(here.path, "execute", str(script))
        commands = here.commands("cfgmgr/0")
        reasons = [arguments["reason"] for _, command, arguments in here.asked if command == "commit"]
    assert (done.code, commands, reasons) == (0, ["set", "commit"], ["a reason"])
    assert '"suite"' in done.out
    assert "1 change in your candidate" in done.err


@pytest.mark.asyncio
@pytest.mark.parametrize(("code", "exit_code"), [("conflict", 4), ("refused", 5), ("not-found", 3), ("failed", 1)])
async def test_it_stops_at_the_first_error_and_names_the_line(tmp_path, code, exit_code):
    script = tmp_path / "script"
    script.write_text("version\n\nconfig set auth.udp_size 1\nconfig commit\n")
    async with house() as here:
        here.answers["cfgmgr", "set"] = Refused(code, "for this reason")
        done = await bobctl(here.path, "execute", str(script))
        commands = here.commands("cfgmgr/0")
    assert (done.code, commands) == (exit_code, ["set"])
    assert "for this reason" in done.err
    assert f"{script}:3: `config set auth.udp_size 1` failed" in done.err


@pytest.mark.asyncio
async def test_a_dry_run_checks_every_line_and_does_none(tmp_path):
    script = tmp_path / "script"
    script.write_text("config set auth.udp_size 1400\nzone shw x\nconfig commit\nnonsense\n")
    async with house() as here:
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert here.asked == []
    assert done.code == 2
    assert f"{script}:2: " in done.err
    assert f"{script}:4: " in done.err
    assert "2 of 4 commands are wrong; nothing was done" in done.err


@pytest.mark.asyncio
async def test_a_good_dry_run_does_nothing(tmp_path):
    script = tmp_path / "script"
    script.write_text("config set auth.udp_size 1400\nzone delete example.org --yes\n")
    async with house() as here:
        done = await bobctl(here.path, "execute", str(script), "--dry-run")
        assert here.asked == []
    assert done.code == 0
    assert "2 commands, none of them done" in done.err


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'version\nconfig set x "a\n', ":2: "),
        (b"version\nexecute other\n", ":2: a file does not execute another"),
        (b"\xff\n", "is not UTF-8"),
    ],
)
async def test_a_file_with_a_slip_is_not_begun(tmp_path, text, says):
    script = tmp_path / "script"
    script.write_bytes(text)
    async with house() as here:
        done = await bobctl(here.path, "execute", str(script))
    assert (done.code, done.out) == (2, "")
    assert says in done.err


@pytest.mark.asyncio
async def test_a_file_that_is_not_there_is_a_failure(tmp_path):
    done = await bobctl(None, "execute", str(tmp_path / "none"))
    assert done.code == 1
    assert "No such file" in done.err


@pytest.mark.asyncio
async def test_lines_come_from_stdin_too():
    async with house() as here:
        done = await bobctl(here.path, "execute", "-", stdin=b"version\nnonsense\n")
    assert done.code == 2
    assert "stdin:2: " in done.err
    assert "bobctl:" in done.out
