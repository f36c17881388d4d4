"""What Tab offers: to bash, zsh and fish through the program, and in our own shell."""

from __future__ import annotations

import asyncio

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from bobctl.shell_completer import ShellCompleter
from bobctl.suite import Suite
from cfgmgr import api as cfgmgr
from cmdctl.roles import Role
from tests.bobctl.run import bobctl
from tests.cmdctl.house import house

ORG = "example.org"
DESCRIBED = cfgmgr.Described(
    "auth.any_answer", "choice", "one of rrset, hinfo", "", "rrset", False, "", "", ["rrset", "hinfo"],
    [cfgmgr.Known("instances", "integer", "How many")],
)  # fmt: skip
PATHS = cfgmgr.Paths([cfgmgr.Known("auth.udp_size", "integer", "Octets"), cfgmgr.Known("auth.tcp", "map", "")], False)


def furnished(here):
    """A house whose cfgmgr knows a little."""
    here.answers["cfgmgr", "complete"] = PATHS
    here.answers["cfgmgr", "describe"] = DESCRIBED
    for origin in (ORG, "example.net", "other.example"):
        here.load(origin)
    return here


async def offered(here, text):
    """What our shell offers behind this text."""
    completer = ShellCompleter(Suite(server=f"unix:{here.path}"))

    def ask():
        return [completion.text for completion in completer.get_completions(Document(text), CompleteEvent())]

    return await asyncio.to_thread(ask)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sta", ["stats", "status"]),
        ("exi", ["exit"]),
        ("zone ex", ["export"]),
        ("zone show exam", ["example.net", "example.org"]),
        ("zone show example.org --js", ["--json"]),
        ("zone show --js", ["--json"]),
        ("zone list --after oth", ["other.example"]),
        ("component restart auth/", ["auth/0", "auth/spare"]),
        ("component change auth ins", ["instances="]),
        ("config set auth.", ["auth.udp_size", "auth.tcp"]),
        ("config set auth.any_answer ", ["rrset", "hinfo"]),
        ("config history --li", ["--limit"]),
        ("call cfg", ["cfgmgr"]),
        ("call cfgmgr hist", ["history"]),
        ("call cfgmgr history li", ["limit="]),
        ("call memmgr rebuild or", ["origin="]),
        ("call memmgr rebuild origin=exam", ["origin=example.net", "origin=example.org"]),
        ("call memmgr rebuild origin = oth", ["other.example"]),
        ("call cfgmgr history limit=exam", []),
        ("modules auth AUTH_ZONE_UNU", ["AUTH_ZONE_UNUSABLE"]),
        ("explain AUTH_ZONE_UNU", ["AUTH_ZONE_UNUSABLE"]),
        ("help zone sh", ["show"]),
        ("nonsense ", []),
        ('config set "auth.', ["auth.udp_size", "auth.tcp"]),
    ],
)
async def test_the_shell_offers(text, words):
    async with house() as here:
        found = await offered(furnished(here), text)
    assert found == words


@pytest.mark.asyncio
async def test_users_tokens_and_instances_are_offered():
    async with house() as here:
        here.load("example.org")
        accounts = here.services.accounts
        assert accounts is not None
        accounts.add_user("walter", Role.READ, None)
        identity = accounts.add_token("walter", Role.READ, None, "backup", None)[0].id
        assert await offered(here, "user set wal") == ["walter"]
        assert await offered(here, "user remove wal") == ["walter"]
        assert await offered(here, "token add --user wal") == ["walter"]
        assert await offered(here, "token add --zone exam") == ["example.org"]
        assert await offered(here, f"token revoke {identity[:4]}") == [identity]
        assert await offered(here, "stats show cfgmgr --instance ") == ["0"]


@pytest.mark.asyncio
async def test_of_zones_and_paths_only_what_is_asked_for_is_sent():
    async with house() as here:
        await offered(furnished(here), "config set auth.")
        asked = [arguments for _, command, arguments in here.asked if command == "complete"]
    assert asked[0]["path"] == "auth."
    assert asked[0]["limit"] <= 100


@pytest.mark.asyncio
async def test_a_zone_without_an_entry_can_be_given_one():
    async with house() as here:
        furnished(here).answers["cfgmgr", "complete"] = cfgmgr.Paths([], False)
        found = await offered(here, "config set zones.exam")
    assert found == ["zones.example.net", "zones.example.org"]


@pytest.mark.asyncio
async def test_a_suite_that_does_not_answer_offers_nothing_and_says_nothing(tmp_path):
    completer = ShellCompleter(Suite(run_dir=tmp_path))
    assert list(completer.get_completions(Document("zone show exam"), CompleteEvent())) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("shell", "typed", "offers"),
    [
        ("bash", {"COMP_WORDS": "bobctl {where} zone show example.o", "COMP_CWORD": "5"}, "plain,example.org"),
        ("zsh", {"COMP_WORDS": "bobctl {where} zone show oth", "COMP_CWORD": "5"}, "plain\nother.example\n_"),
        ("fish", {"COMP_WORDS": "bobctl {where} zone show oth", "COMP_CWORD": "oth"}, "other.example"),
    ],
)
async def test_shells_are_offered_the_same(shell, typed, offers):
    async with house() as here:
        furnished(here)
        words = typed["COMP_WORDS"].format(where=f"--server unix:{here.path}")
        variables = {**typed, "COMP_WORDS": words, "_BOBCTL_COMPLETE": f"{shell}_complete"}
        done = await bobctl(None, env=variables)
    assert offers in done.out
    assert done.err == ""


@pytest.mark.asyncio
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_the_script_for_a_shell_is_printed(shell):
    done = await bobctl(None, "completion", shell)
    assert done.code == 0
    assert f"_BOBCTL_COMPLETE={shell}_complete" in done.out


@pytest.mark.asyncio
async def test_the_first_word_is_completed_without_importing_the_nouns():
    done = await bobctl(None, env={"_BOBCTL_COMPLETE": "bash_complete", "COMP_WORDS": "bobctl hea", "COMP_CWORD": "1"})
    assert done.out.strip() == "plain,health"
