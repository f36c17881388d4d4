"""bobctl as a person has it: the shell under a pseudo-terminal, and files of commands, against the real suite."""

from __future__ import annotations

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
