"""The exit codes of every noun: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused (design section 9)."""

from __future__ import annotations

import pytest

from bobctl.nouns import NOUNS
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import house

ORG = "example.org"
# What a command asks first, and how a colleague's refusal of that ends it. Each noun that asks the suite is here.
ASKING = {
    "call": (["call", "auth", "statistics"], ("auth", "statistics")),
    "component": (["component", "restart", "auth"], ("bob", "restart")),
    "config": (["config", "set", "auth.udp_size", "1400"], ("cfgmgr", "set")),
    "explain": (["explain", ORG], ("auth", "explain")),
    "log": (["log", "level", "debug"], ("cfgmgr", "show")),
    "stats": (["stats", "show"], ("stats", "show")),
    "execute": (["execute", "-"], ("cfgmgr", "commit")),
}
CODES = [("usage", 2), ("not-found", 3), ("conflict", 4), ("refused", 5), ("failed", 1), ("unavailable", 1)]


@pytest.mark.asyncio
@pytest.mark.parametrize("noun", sorted(ASKING))
@pytest.mark.parametrize(("code", "exit_code"), CODES)
async def test_the_exit_code_tells_how_it_was_refused(noun, code, exit_code):
    words, asked = ASKING[noun]
    async with house() as here:
        here.answers[asked] = Refused(code, "for this reason")
        done = await bobctl(here.path, *words, stdin=b"config commit\n")
    assert (done.code, done.out) == (exit_code, "")
    assert "for this reason" in done.err


@pytest.mark.asyncio
async def test_a_refusal_is_no_data_for_programs_either():
    async with house() as here:
        here.answers["cfgmgr", "set"] = Refused("conflict", "for this reason")
        done = await bobctl(here.path, "--json", "config", "set", "auth.udp_size", "1400")
    assert (done.code, done.out) == (4, "")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (["version"], 0),
        (["modules"], 0),
        (["modules", "auth"], 0),
        (["modules", "nonsense"], 3),
        (["modules", "auth", "nonsense"], 3),
        (["status"], 0),
        (["zone", "show", ORG], 0),
        (["zone", "show", "none.example"], 3),
        (["zone", "show", "a..b"], 2),
        (["zone", "check", "none.example"], 3),
        (["zone", "export", "none.example"], 3),
        (["zone", "delete", "none.example", "--yes"], 3),
        (["zone", "delete", ORG], 2),  # nobody is there to confirm
        (["zone", "reload", "none.example"], 3),
        (["call", "auth", "nonsense"], 3),
        (["call", "nonsense", "status"], 3),
        (["call", "cfgmgr", "commit"], 5),
        (["explain", "AUTH_ZONE_UNUSABLE"], 0),
        (["explain", "AUTH_NONSENSE"], 3),
        (["log", "messages", "cookie"], 0),
        (["log", "messages", "nonsense"], 3),
        (["log", "level", "loud"], 2),
        (["completion", "bash"], 0),
        (["completion", "tcsh"], 2),
        (["health", "explain", "NONSENSE"], 3),
        (["execute", "/nowhere/at/all"], 1),
        (["user", "add", "ann", "--role", "read"], 2),  # nobody is there to type a password
    ],
)
async def test_the_exit_code_of_each_noun(words, exit_code):
    async with house() as here:
        here.load(ORG)
        done = await bobctl(here.path, *words)
    assert done.code == exit_code, done.err
    assert bool(done.err) == (exit_code != 0)


@pytest.mark.asyncio
@pytest.mark.parametrize("noun", sorted(set(NOUNS) - {"completion", "execute", "explain", "health", "version"}))
async def test_without_a_suite_every_noun_fails_and_says_what_to_do(noun, tmp_path):
    words = {
        "call": ["auth", "status"],
        "component": ["list"],
        "config": ["show"],
        "log": ["show"],
        "stats": ["show"],
        "key": ["list"],
        "token": ["list"],
        "user": ["list"],
        "zone": ["list"],
    }
    done = await bobctl(None, "--run-dir", str(tmp_path), noun, *words.get(noun, []))
    assert (done.code, done.out) == (1, "")
    assert "bob run" in done.err
