"""The shell under a pseudo-terminal, against a cmdctl in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import stat

import pytest

from cfgmgr import api as cfgmgr
from msgq.errors import Refused
from tests.bobctl.run import PYTHON
from tests.bobctl.test_completion import furnished
from tests.cmdctl.house import CANDIDATE, EMPTY, house
from tests.kit.terminal import CTRL_C, CTRL_D, ENTER, TAB, Terminal

PROMPT = "bobctl>"  # the space behind it may be a move of the cursor


@contextlib.asynccontextmanager
async def shell(tmp_path, environment=None):
    """A shell that has greeted, and the house it talks to; calls of the terminal go through `do`."""
    async with house() as here:
        furnished(here)
        command = [*PYTHON, "--server", f"unix:{here.path}"]
        with Terminal(command, {"XDG_STATE_HOME": str(tmp_path), **(environment or {})}) as terminal:
            await asyncio.to_thread(terminal.sees, "bobdns ", "Tab completes", PROMPT)
            yield here, Hands(terminal)
            # No request may be in hand when the loop ends.
            assert await asyncio.to_thread(terminal.leave, CTRL_C + CTRL_D) == 0


class Hands:
    """Somebody at the terminal, in a thread: the suite answers from this loop."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    async def type(self, keys, *sees):
        self.terminal.keys(keys)
        return await asyncio.to_thread(self.terminal.sees, *sees) if sees else ""

    async def leave(self):
        return await asyncio.to_thread(self.terminal.leave, CTRL_D)


@pytest.mark.asyncio
async def test_commands_are_done_and_it_ends_well(tmp_path):
    async with shell(tmp_path) as (_, hands):
        await hands.type(f"zone list{ENTER}", "example.net", "example.org", PROMPT)
        await hands.type(f"bobctl version{ENTER}", "suite:", PROMPT)
        await hands.type(f"{ENTER}", PROMPT)
        assert await hands.leave() == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("word", ["exit", "quit"])
async def test_words_that_end_it(tmp_path, word):
    async with shell(tmp_path) as (_, hands):
        await hands.type(f"{word}{ENTER}")
        assert await asyncio.to_thread(hands.terminal.ends) == 0


@pytest.mark.asyncio
async def test_tab_completes_names_of_zones(tmp_path):
    async with shell(tmp_path) as (_, hands):
        await hands.type(f"zone show oth{TAB}", "er.example")
        await hands.type(ENTER, "source:", PROMPT)


@pytest.mark.asyncio
async def test_tab_shows_what_there_is_with_its_help(tmp_path):
    async with shell(tmp_path) as (_, hands):
        await hands.type(f"config set auth.{TAB}", "auth.udp_size", "integer: Octets", "auth.tcp")


@pytest.mark.asyncio
async def test_an_error_is_told_and_the_shell_goes_on(tmp_path):
    async with shell(tmp_path) as (here, hands):
        here.answers["bob", "restart"] = Refused("refused", "for this reason")
        await hands.type(f"component restart auth{ENTER}", "for this reason", PROMPT)
        await hands.type(f"nonsense{ENTER}", "No such command", PROMPT)
        await hands.type(f'zone show "x{ENTER}', "no closing quotation", PROMPT)
        await hands.type(f"zone show a b c{ENTER}", "unexpected extra argument", PROMPT)
        await hands.type(f"version{ENTER}", "suite:", PROMPT)


@pytest.mark.asyncio
async def test_the_prompt_tells_of_uncommitted_changes_and_so_does_the_end(tmp_path):
    async with shell(tmp_path) as (here, hands):
        here.answers["cfgmgr", "diff"] = CANDIDATE
        await hands.type(f"config set auth.udp_size 1400{ENTER}", "1 change in your candidate", "bobctl [1 change]>")
        here.answers["cfgmgr", "diff"] = cfgmgr.Candidate("me", 3, 4, CANDIDATE.changes)
        await hands.type(ENTER, "bobctl [1 change, outdated]>")
        hands.terminal.keys(CTRL_D)
        await asyncio.to_thread(hands.terminal.sees, "1 change, outdated not committed; what you changed stays")
        here.answers["cfgmgr", "diff"] = EMPTY


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("typed", "sees"),
    [
        ("?", ["Nouns:", "In the shell:"]),
        ("zone ?", ["reload", "export"]),
        ("config set auth.any_answer ?", ["one of rrset, hinfo"]),
    ],
)
async def test_a_question_mark_helps_where_a_word_could_begin(tmp_path, typed, sees):
    async with shell(tmp_path) as (_, hands):
        await hands.type(typed, *sees)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("line", "sees"),
    [
        ("help", ["Nouns:", "exit"]),
        ("help zone", ["export"]),
        ("help zone show", ["ORIGIN"]),
        ("help config set auth.any_answer", ["one of rrset, hinfo"]),
        ("help call cfgmgr history", ["The revisions, newest first"]),
        ("help call cfgmgr", ["COMMAND", "rebase"]),
        ("help explain AUTH_ZONE_UNUSABLE", ["The client got"]),
        ("help nonsense", ["there is no 'nonsense'"]),
        ("zone show ?", ["ORIGIN"]),
    ],
)
async def test_help_at_every_level(tmp_path, line, sees):
    async with shell(tmp_path) as (_, hands):
        await hands.type(line + ENTER, *sees, PROMPT)


@pytest.mark.asyncio
async def test_what_is_typed_is_kept_for_its_user_only(tmp_path):
    async with shell(tmp_path) as (_, hands):
        await hands.type(f"version{ENTER}", "suite:", PROMPT)
        await hands.leave()
    history = tmp_path / "bobdns" / "bobctl_history"
    assert "+version" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


@pytest.mark.asyncio
async def test_a_line_is_given_up_with_ctrl_c(tmp_path):
    async with shell(tmp_path) as (here, hands):
        await hands.type(f"component stop auth{CTRL_C}", PROMPT)
        assert here.commands("bob/0") == []


@pytest.mark.asyncio
async def test_json_of_one_line_is_not_json_of_the_next(tmp_path):
    async with shell(tmp_path) as (_, hands):
        await hands.type(f"version --json{ENTER}", '"suite"', PROMPT)
        await hands.type(f"version{ENTER}", "suite:", PROMPT)


@pytest.mark.asyncio
async def test_it_colours_unless_nobody_wants_it(tmp_path):
    async with shell(tmp_path) as (_, hands):
        await hands.type(f"component list{ENTER}", "auth/spare", PROMPT)
        assert "\x1b[32m" in hands.terminal.raw  # green: running
    async with shell(tmp_path, {"NO_COLOR": "1"}) as (_, hands):
        await hands.type(f"component list{ENTER}", "auth/spare", PROMPT)
        assert "\x1b[32m" not in hands.terminal.raw


def test_without_a_suite_it_says_so_and_waits_for_one(tmp_path):
    with Terminal([*PYTHON, "--run-dir", str(tmp_path)], {"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.sees("no suite answers at", "bob run", PROMPT)
        terminal.keys(f"status{ENTER}")
        terminal.sees("no suite answers at", PROMPT)
        terminal.keys(f"explain AUTH_ZONE_UNUSABLE{ENTER}")
        terminal.sees("The client got", PROMPT)
