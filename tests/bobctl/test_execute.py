"""`bobctl execute`: files of commands."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest

from cfgmgr import api as cfgmgr
from cmdctl.roles import Role
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import CANDIDATE, CHANGE, CHECKED, SUITE, House, house, rehearsed


def tried(here: House) -> list[list[str]]:
    """The paths of each rehearsal of edits."""
    return [
        [edit["path"] for edit in arguments["edits"]]
        for _, command, arguments in here.asked
        if command == "rehearse" and not arguments["check"]
    ]


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
@pytest.mark.parametrize(
    ("line", "exit_code", "says"),
    [
        ("zone shw x", 2, "No such command"),
        ("nonsense", 2, "No such command"),
        ("zone show nosuch", 3, "nosuch"),
        ("zone delete nosuch --yes", 3, "nosuch"),
        ("call auth nosuch", 3, "auth has no command 'nosuch'"),
        ("call nosuch status", 3, "there is no module 'nosuch'"),
        ("call auth zone_status orgin=example.org", 2, "did you mean 'origins'"),
        ("call auth status --instance 77", 3, "no auth/77 is running"),
        ("call cfgmgr commit", 5, "`bobctl config`"),
        ("component stop nosuch", 3, "nosuch"),
        ("user set nosuch --role read", 3, "the user nosuch is not there"),
        ("user remove wlter", 3, "did you mean 'walter'"),
        ("user add walter --role read --no-password", 4, "the user walter is there already"),
        ("token add --user nosuch", 3, "the user nosuch is not there"),
        ("token revoke 0123456789ab", 3, "the token 0123456789ab is not there"),
        ("log level debug nosuch", 3, "there is no module 'nosuch'"),
        ("log show nosuch", 3, "nosuch"),
    ],
)
async def test_a_dry_run_stops_at_the_first_line_that_cannot_be_done(tmp_path, line, exit_code, says):
    script = tmp_path / "script"
    script.write_text(f"config set auth.udp_size 1400\n{line}\nconfig commit\n")
    async with house() as here:
        here.answers["cfgmgr", "show"] = Refused("not-found", "no component is configured")
        accounts = here.services.accounts
        assert accounts is not None
        accounts.add_user("walter", Role.READ, None)
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        commands = here.commands("cfgmgr/0")
    assert done.code == exit_code, done.err
    assert f"{script}:2: `{line}` cannot be done; nothing was done" in done.err
    assert says in done.err
    assert (commands[:2], set(commands) & {"set", "commit", "discard"}) == (["diff", "rehearse"], set())


@pytest.mark.asyncio
async def test_a_dry_run_tries_edits_and_keeps_none(tmp_path):
    script = tmp_path / "script"
    script.write_text("config set auth.udp_size 1\nconfig set auth.udp_sise 1\n")
    async with house() as here:
        here.answers["cfgmgr", "rehearse"] = lambda call: (
            Refused("usage", "did you mean 'udp_size'?") if "sise" in str(call.arguments) else rehearsed(call)
        )
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        commands = here.commands("cfgmgr/0")
    assert (done.code, commands) == (2, ["diff", "rehearse", "rehearse"])
    assert f"{script}:2: " in done.err
    assert "did you mean 'udp_size'" in done.err


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text", ["config set auth.udp_size 1\n", "config set auth.udp_size 1\nconfig commit\nversion\n"]
)
async def test_a_dry_run_tells_what_a_commit_would_meet(tmp_path, text):
    script = tmp_path / "script"
    script.write_text(text)
    async with house() as here:
        good = here.answers["cfgmgr", "check"]
        problem = msgspec.structs.replace(good.problems[0], severity="error", reason="is too small")
        bad = msgspec.structs.replace(good, good=False, problems=[problem])
        here.answers["cfgmgr", "rehearse"] = lambda call: bad if call.arguments["check"] else rehearsed(call)
        done = await bobctl(here.path, "execute", str(script), "--dry-run")
        commands = here.commands("cfgmgr/0")
    assert (done.code, commands) == (5, ["diff", "rehearse", "rehearse"])
    assert "this could not be committed" in done.err
    assert "is too small" in done.err
    assert "none of them done" not in done.err


@pytest.mark.asyncio
async def test_a_dry_run_knows_what_the_lines_before_would_have_made(tmp_path):
    script = tmp_path / "script"
    lines = ["user add ann --role read --no-password", "token add --user ann", "user set ann --role operate"]
    lines += ["key remove old.example", "key add old.example --secret-file /x", "user remove ann"]
    script.write_text("\n".join(lines) + "\n")
    async with house() as here:
        here.answers["cfgmgr", "show"] = cfgmgr.Shown("keys", {"old.example": {}}, 3, {})
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        accounts = here.services.accounts
        assert accounts is not None
        assert (done.code, accounts.users(), accounts.tokens()) == (0, [], []), done.err
        script.write_text("\n".join([*lines, "token add --user ann"]) + "\n")
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert (done.code, f"{script}:7: " in done.err) == (3, True)
        assert set(here.commands("cfgmgr/0")) == {"show", "diff", "rehearse"}


@pytest.mark.asyncio
async def test_a_dry_run_goes_on_from_a_secret_that_a_line_before_would_have_made(tmp_path):
    """Lines that use the key could not be tried: there was no file with its secret."""
    script, secret = tmp_path / "script", tmp_path / "new.key"
    lines = [f"key add new.example --file {secret}", f"config set keys.second.secret_file {secret}", "config commit"]
    script.write_text("\n".join(lines))
    state = tmp_path / "state"
    state.mkdir()
    seen: list[tuple[str, int, bool]] = []

    def named(call):
        if call.arguments["check"]:
            return rehearsed(call)
        value = call.arguments["edits"][-1]["value"]
        path = Path(value["secret_file"] if isinstance(value, dict) else value)
        seen.append((path.name, path.stat().st_mode & 0o777, len(base64.b64decode(path.read_text())) == 32))
        change = cfgmgr.Change("keys.new.example.secret_file", None, str(path))
        return cfgmgr.Checked(True, [change], [], [])

    async with house() as here:
        here.answers["bob", "status"] = msgspec.structs.replace(SUITE, state_dir=str(state))
        here.answers["cfgmgr", "show"] = cfgmgr.Shown("keys", {}, 3, {})
        here.answers["cfgmgr", "rehearse"] = named
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert done.code == 0, done.err
        assert seen == [(".new.key.dry-run", 0o600, True)] * 2
        assert f"would make a secret in {secret}; would change keys." in done.err
        assert f"secret_file: nothing -> {secret}" in done.err
        assert ".dry-run" not in done.err + done.out
        here.asked.clear()
        script.write_text("\n".join([lines[0], f"token add --file {secret}"]))
        twice = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert (twice.code, f"{secret} would be there already" in twice.err) == (4, True), twice.err
        here.asked.clear()
        secret.write_text("it is there")
        there = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert (there.code, f"{secret}: File exists" in there.err) == (1, True), there.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.key", "script", "state"]
    assert list(state.iterdir()) == []


@pytest.mark.asyncio
async def test_a_dry_run_does_not_take_a_tail_that_follows_for_a_change_of_the_level(tmp_path):
    script = tmp_path / "script"
    script.write_text("log tail --follow --level warning auth\nlog tail -f\n")
    async with house() as here:
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert here.asked == []
    assert (done.code, done.err.count("not tried, its words are right")) == (0, 2), done.err


@pytest.mark.asyncio
async def test_a_dry_run_shows_why_a_line_fails_that_only_reads(tmp_path):
    script = tmp_path / "script"
    script.write_text("status\nconfig reload\n")
    async with house() as here:
        problem = cfgmgr.Problem("auth.udp_size", "is too small", "error", "bob.yaml:3")
        here.answers["cfgmgr", "reload"] = cfgmgr.Reloaded("/etc/bob/bob.yaml", [], [problem])
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
    assert (done.code, done.out) == (1, "")
    assert f"{script}:2: `config reload` cannot be done" in done.err
    assert "bob.yaml:3: " in done.err
    assert "is too small" in done.err


@pytest.mark.asyncio
async def test_what_each_line_would_do_is_told_to_programs_too(tmp_path):
    script = tmp_path / "script"
    lines = {
        "component restart auth/0": "would restart auth/0",
        "component change auth instances=3": "would change auth.udp_size: 1232 -> 1400; would put it into effect",
        "log level debug": "would change nothing: it is so already; would put it into effect",
        "call memmgr rebuild origin=example.org": "would have memmgr rebuild",
        "call memmgr status": "not tried",
        "zone show example.org": "can be done, it only reads",
        "zone export example.org /nowhere/file": "",
    }
    script.write_text("".join(f"{line}\n" for line in list(lines)[:-1]))
    async with house() as here:
        here.load("example.org")
        done = await bobctl(here.path, "--json", "execute", "--dry-run", str(script))
        assert done.code == 0, done.err
        script.write_text(list(lines)[-1])
        unwritable = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert not {"commit", "restart", "rebuild"} & {command for _, command, _ in here.asked}
    told = {one["command"]: one["outcome"] for one in done.json["commands"]}
    assert [outcome.startswith(lines[line]) for line, outcome in told.items()] == [True] * 6, told
    assert (unwritable.code, "its directory is not there" in unwritable.err) == (1, True)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("lines", "exit_code", "says"),
    [
        (["config commit"], 3, "there would be no uncommitted changes"),
        (["config set auth.udp_size 1400", "config commit", "config commit"], 3, "there would be no uncommitted"),
        (["config set auth.udp_size 1400", "log level debug"], 4, "you would have uncommitted changes"),
        (["config set auth.udp_size 1400", "config revert", "config revert"], 3, "there would be no uncommitted"),
        (["zone delete example.org --yes", "zone show example.org"], 3, "would not be there any more"),
        (["component stop msgq"], 5, "cannot be stopped alone"),
    ],
)
async def test_a_dry_run_stops_where_the_lines_before_would_have_made_it_impossible(tmp_path, lines, exit_code, says):
    script = tmp_path / "script"
    script.write_text("\n".join(lines))
    async with house() as here:
        here.load("example.org")
        msgq = msgspec.structs.replace(SUITE.components[0], component="msgq")
        here.answers["bob", "status"] = msgspec.structs.replace(SUITE, components=(msgq,))
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
    assert (done.code, says in done.err, f"{script}:{len(lines)}: " in done.err) == (exit_code, True, True), done.err


@pytest.mark.asyncio
async def test_a_dry_run_of_a_revert_leaves_what_the_lines_before_would_have_committed(tmp_path):
    script = tmp_path / "script"
    lines = ["config set auth.udp_size 1400", "config commit", "config set auth.version x", "config revert"]
    script.write_text("\n".join([*lines, "config set auth.identity y", "config commit"]))
    async with house() as here:
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        paths, commands = tried(here), here.commands("cfgmgr/0")
    assert done.code == 0, done.err
    size, version, identity = "auth.udp_size", "auth.version", "auth.identity"
    assert paths == [[size], [size, version], [size], [size, identity]]
    assert set(commands) == {"diff", "rehearse"}


@pytest.mark.asyncio
async def test_a_good_dry_run_does_nothing(tmp_path):
    script = tmp_path / "script"
    script.write_text("config set auth.udp_size 1400\nconfig commit\nzone delete example.org --yes\n")
    async with house() as here:
        here.load("example.org")
        done = await bobctl(here.path, "execute", str(script), "--dry-run")
        commands = here.commands("cfgmgr/0")
    assert done.code == 0, done.err
    assert commands == ["diff", "rehearse", "rehearse"]
    assert (done.out, "3 commands, none of them done" in done.err) == ("", True)
    assert f"{script}:1: config set auth.udp_size 1400: would change auth.udp_size: 1232 -> 1400\n" in done.err
    assert "config commit: would put it into effect: 1 changes" in done.err
    assert "would delete example.org with 4 records from main" in done.err


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


@pytest.mark.asyncio
async def test_a_dry_run_does_not_begin_where_your_candidate_has_changes(tmp_path):
    script = tmp_path / "script"
    script.write_text("config set auth.udp_size 1\n")
    async with house() as here:
        here.answers["cfgmgr", "diff"] = CANDIDATE
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert here.commands("cfgmgr/0") == ["diff"]
    assert (done.code, "your candidate has changes" in done.err) == (4, True)


@pytest.mark.asyncio
async def test_of_very_many_changes_a_dry_run_says_that_it_is_not_told_all(tmp_path):
    script = tmp_path / "script"
    script.write_text("config set auth.udp_size 1\nconfig set auth.version x\n")
    async with house() as here:
        many = cfgmgr.Checked(True, [CHANGE], [], [], left_out=5)
        here.answers["cfgmgr", "rehearse"] = lambda call: CHECKED if call.arguments["check"] else many
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
    assert f"{script}:2: config set auth.version x: would change something beyond the first 1 of 6 changes" in done.err
