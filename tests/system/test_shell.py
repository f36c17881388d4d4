"""bobctl as a person has it: the shell under a pseudo-terminal, and files of commands, against the real suite."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess

import pytest

from tests.kit.suite import PYTHON, Suite
from tests.kit.terminal import CTRL_D, ENTER, TAB, Terminal
from tests.kit.zones import small_zone

pytestmark = pytest.mark.system
PROMPT = "bobctl>"


@pytest.fixture(scope="module")
def suite():
    with Suite() as running:
        running.start()
        for origin in ("example.org", "example.net", "other.example"):
            assert running.loadzone(origin, small_zone(origin, 7)).returncode == 0
        yield running


@pytest.fixture
def shell(suite, tmp_path):
    command = [*PYTHON, "bobctl", "--run-dir", str(suite.run)]
    with Terminal(command, {"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.sees("bobdns ", "Tab completes", PROMPT)
        yield terminal


def test_a_change_is_made_seen_committed_and_undone(suite, shell):
    shell.keys(f"config set auth.udp_s{TAB}")
    shell.sees("ize")
    shell.keys(f" 1400{ENTER}")
    shell.sees("1 change in your candidate", "bobctl [1 change]>")
    shell.keys(f"config diff{ENTER}")
    shell.sees("+ auth.udp_size: 1400")
    shell.keys(f"config commit -m 'bigger answers'{ENTER}")
    shell.sees("is in effect, 1 change", PROMPT)
    assert suite.control("config", "get", "auth.udp_size") == 1400
    shell.keys(f"config unset auth.udp_size{ENTER}")
    shell.sees("bobctl [1 change]>")
    shell.keys(f"config revert{ENTER}")
    shell.sees("1 change forgotten", PROMPT)
    assert shell.leave(CTRL_D) == 0
    assert suite.control("config", "get", "auth.udp_size") == 1400


def test_what_was_committed_is_listed_and_rolled_back(suite, shell):
    before = suite.control("config", "history")["revisions"][0]["revision"]
    shell.keys(f"config set auth.udp_size 1300{ENTER}")
    shell.sees("bobctl [1 change]>")
    shell.keys(f"config commit -m 'a try'{ENTER}")
    shell.sees("is in effect, 1 change", PROMPT)
    shell.keys(f"config history{ENTER}")
    assert shell.sees("a try", PROMPT).index(str(before + 1)) < shell.text.index("a try")
    shell.keys(f"config rollback {before}{ENTER}")
    shell.sees(f"back to revision {before}", PROMPT)
    assert suite.control("config", "history")["revisions"][0]["revision"] == before + 2
    assert suite.control("config", "get", "auth.udp_size") != 1300


def test_modules_commands_and_arguments_are_completed(shell):
    shell.keys(f"call memm{TAB}")
    shell.sees("gr")
    shell.keys(f" rebu{TAB}")
    shell.sees("ild")
    shell.keys(f" ori{TAB}")
    shell.sees("gin=")
    shell.keys(f"oth{TAB}")
    shell.sees("er.example")
    shell.keys(f"{ENTER}")
    shell.sees(PROMPT)


def test_who_waits_sees_what_is_waited_for(suite, tmp_path):
    command = [*PYTHON, "bobctl", "--run-dir", str(suite.run), "component", "restart", "stats", "--wait"]
    with Terminal(command, {"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.sees("stats/0")
        assert terminal.ends() == 0


def test_zones_and_values_are_completed(shell):
    shell.keys(f"zone show oth{TAB}")
    shell.sees("er.example")
    shell.keys(f"{ENTER}")
    shell.sees("source:", PROMPT)
    shell.keys(f"config set auth.any_answer h{TAB}")
    shell.sees("info")
    shell.keys(f"{ENTER}")
    shell.sees("[1 change]>")
    shell.keys(f"config revert{ENTER}")
    shell.sees("1 change forgotten")


def test_help_comes_from_the_specs(shell):
    shell.keys("config set auth.any_answer ?")
    shell.sees("one of rrset, hinfo", "RFC 8482")


def test_an_answer_is_explained(suite):
    found = suite.control("explain", "www.example.org", "A", "--to", f"127.0.0.1@{suite.port}")
    assert found["taken_by"] == [f"udp 127.0.0.1@{suite.port}"]
    assert found["steps"][0]["rule"] == "exact"
    assert found["steps"][0]["zone"]["written"]["source"] == "loadzone"
    reply = suite.query("www.example.org", "A")
    assert found["reply"]["answer"] == reply.answer[0].to_text().splitlines()


def test_a_file_of_commands_stops_at_its_first_error(suite, tmp_path):
    script = tmp_path / "script"
    script.write_text("config set auth.udp_size 1410\nconfig set auth.udp_sise 1\nconfig commit\n")
    dry = suite.bobctl("execute", "--dry-run", str(script))
    assert (dry.returncode, f"{script}:2: " in dry.stderr) == (2, True)
    assert "did you mean 'udp_size'" in dry.stderr
    assert suite.control("config", "diff")["changes"] == []
    script.write_text("config set auth.udp_size 99999999\n")
    dry = suite.bobctl("execute", "--dry-run", str(script))
    assert (dry.returncode, "uncommitted" in dry.stderr) == (2, False)
    script.write_text("config set auth.udp_size 1410\nconfig set auth.udp_sise 1\nconfig commit\n")
    done = suite.bobctl("execute", str(script))
    assert done.returncode == 2
    assert f"{script}:2: " in done.stderr
    assert "did you mean 'udp_size'" in done.stderr
    (change,) = suite.control("config", "diff")["changes"]
    assert change["new"] == 1410
    suite.control("config", "revert")


def test_a_dry_run_says_what_each_line_would_do_and_does_nothing(suite, tmp_path):
    script = tmp_path / "script"
    lines = {
        "config set auth.udp_size 1410": "would change auth.udp_size: ",
        "config commit -m why": "would put it into effect: 1 changes",
        "log level debug auth": "would change logging.modules.auth: nothing -> ",
        "component restart auth/0": "would restart auth/0",
        "user add ann --role operate --no-password": "would add the user ann",
        "token add --user ann": "would make a token for ann",
        "key add new.example": f"would make a secret in {suite.state}/keys/new.example.key; would change keys.new.",
        "config set 'zones[example.org].query_acl' '[{action: ACCEPT, key: new.example}]'": "would change zones.",
        "config commit": "would put it into effect: 4 changes",
        "key add second.example --algorithm hmac-sha512": "would make a secret in ",
        "call memmgr rebuild origin=example.org": "would have memmgr rebuild",
        "zone delete example.org --yes": "would delete example.org",
        "config rollback 1": "back to revision 1",
        "log tail auth": "can be done",
        "status": "can be done",
    }
    script.write_text("".join(f"{line}\n" for line in lines))
    before = suite.control("config", "history")
    dry = suite.bobctl("--json", "execute", "--dry-run", str(script))
    assert dry.returncode == 0, dry.stderr
    told = json.loads(dry.stdout)["commands"]
    assert [(one["command"], one["outcome"][: len(lines[one["command"]])]) for one in told] == list(lines.items())
    assert (suite.control("config", "history"), suite.control("config", "diff")["changes"]) == (before, [])
    assert (suite.control("user", "list")["users"], suite.control("key", "list")["keys"]) == ([], [])
    assert [path.name for path in suite.state.rglob("*") if "example.key" in path.name] == []
    assert suite.serves("example.org", suite.control("zone", "show", "example.org")["serial"])
    acl = "[{action: ACCEPT, key: nosuch.example}]"
    script.write_text(f"config set zones.example.org.query_acl '{acl}'\nconfig commit\n")
    refused = suite.bobctl("execute", "--dry-run", str(script))
    assert (refused.returncode, f"{script}:2: " in refused.stderr) == (5, True)
    assert "there is no 'nosuch.example' in keys" in refused.stderr
    assert suite.control("config", "diff")["changes"] == []


def test_a_dry_run_and_another_session_of_the_same_person_have_nothing_to_do_with_each_other(suite, tmp_path):
    """What was rehearsed was in the candidate of both: a commit put it into effect, and its end took others' edits."""
    script = tmp_path / "script"
    os.mkfifo(script)
    command = [*PYTHON, "bobctl", "--run-dir", str(suite.run), "execute", "--dry-run", str(script)]
    trial = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    script.write_text("config set auth.udp_size 1410\nconfig set auth.version trial\nstatus\n" * 20)
    assert trial.stderr is not None
    assert "would change" in trial.stderr.readline()
    assert suite.control("config", "diff")["changes"] == []
    assert suite.bobctl("config", "set", "auth.identity", "other").returncode == 0
    trial.kill()
    trial.communicate(timeout=60)
    assert [one["path"] for one in suite.control("config", "diff")["changes"]] == ["auth.identity"]
    assert suite.bobctl("config", "commit").returncode == 0
    assert suite.control("config", "get", "auth.udp_size") != 1410
    assert suite.control("config", "get", "auth.version") != "trial"
    assert [one["author"] for one in suite.control("config", "candidates")["candidates"]] == []


def test_the_log_is_turned_up_for_one_module_and_down_again(suite):
    def level(module):
        return suite.control("log", "show")["modules"][module]["level"]

    done = suite.bobctl("log", "level", "debug", "auth", "-m", "ticket 7")
    assert (done.returncode, "the log of auth has the level debug (revision" in done.stderr) == (0, True)
    assert (level("auth"), level("cfgmgr")) == ("debug", "info")
    assert suite.control("config", "history")["revisions"][0]["reason"] == "ticket 7"
    before = suite.control("log", "show", "auth")["modules"]["auth"]["messages"]
    assert suite.bobctl("call", "auth", "reload").returncode == 0
    assert before["info"] > 0
    again = suite.bobctl("log", "level", "debug", "auth")
    assert (again.returncode, "already" in again.stderr) == (0, True)
    assert suite.bobctl("log", "level", "default", "auth").returncode == 0
    assert level("auth") == "info"
    assert suite.bobctl("log", "level", "debug", "nonsense").returncode == 3
    assert "AUTH_TSIG_BAD" in suite.bobctl("log", "messages", "tsig").stdout


def test_the_words_of_log_are_completed(shell):
    shell.keys(f"log level w{TAB}")
    shell.sees("arning")


SHELLS = {
    "bash": (["--noprofile", "--norc", "-i"], 'eval "$(bobctl completion bash)"'),
    "zsh": (["-f", "-i"], 'autoload -U compinit; compinit -D -u; eval "$(bobctl completion zsh)"'),
    "fish": (["--no-config", "--private", "-i"], "bobctl completion fish | source"),
}


@pytest.mark.parametrize("name", SHELLS)
def test_the_shell_of_a_person_completes_nouns_verbs_and_zones(suite, tmp_path, name):
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    arguments, begin = SHELLS[name]
    ours = tmp_path / "bobctl"
    ours.write_text(f'#!/bin/sh\nexec {shlex.join([*PYTHON, "bobctl"])} "$@"\n')
    ours.chmod(0o755)
    places = {variable: str(tmp_path) for variable in ("HOME", "ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "INPUTRC": "/dev/null", **places}
    on_its_own = ["setsid", "--ctty", "--wait"]  # with a controlling terminal, as a login has it
    with Terminal([*on_its_own, program, *arguments], environment) as terminal:
        terminal.keys(f"{begin}{ENTER}")
        terminal.keys(f"echo now it ''begins{ENTER}")
        terminal.sees("now it begins")
        terminal.keys(f"bobctl --run-dir {suite.run} zo{TAB}")
        terminal.sees("ne ")
        terminal.keys(f"sh{TAB}")
        terminal.sees("ow ")
        terminal.keys(f"oth{TAB}")
        terminal.sees("er.example")
        terminal.keys(ENTER)
        terminal.sees("source:", "other.example")
        assert terminal.leave(f"exit{ENTER}") == 0
