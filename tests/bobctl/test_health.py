"""`bobctl health`: a domain is checked from the command line, without a suite and here without a network."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys

import pytest

from bobctl import health_checks
from bobctl.health_report import Report
from health.engine import catalogue
from health.engine.hints import Hints
from health.engine.levels import Level
from health.engine.profiles import Profile
from health.engine.recording import Recorder
from health.engine.runner import Test
from tests.bobctl.run import bobctl
from tests.kit import internet_time
from tests.kit.internet import Internet
from tests.kit.internet_behaviour import no_aa, silent

ROOT = {"a.root-servers.test": ["198.51.100.1"]}


@pytest.fixture
def recorded(tmp_path):
    """Make a recording of a test, and the hints for it; gives the options to replay it."""

    def make(internet, domain="child.example", undelegated=None):
        path, hints = tmp_path / "recording", tmp_path / "hints"
        hints.write_text(". 60 NS a.root-servers.test.\na.root-servers.test. 60 A 198.51.100.1\n")
        with path.open("w") as file:
            door = Recorder(internet, file, internet.clock)
            test = Test(domain, network=door, clock=internet.clock, hints=Hints.load(hints), undelegated=undelegated)

            async def run():
                return [entry async for entry in test.run()]

            internet_time.run(run())
        return ["--replay", str(path), "--hints", str(hints)]

    return make


def internet():
    made = Internet(root_servers=ROOT)
    made.zone("example", {"ns1.nic.example": ["192.0.2.1"]})
    made.zone("child.example", {"ns1.child.example": ["192.0.2.11"], "ns2.child.example": ["192.0.2.12"]})
    return made


def bobctl_now(*words, **more):
    return asyncio.run(bobctl(None, *words, **more))


def test_a_report_is_grouped_by_module_and_ends_with_a_summary(recorded):
    done = bobctl_now("health", "run", "child.example", *recorded(internet()), "--level", "info", "--test", "basic")
    lines = done.out.splitlines()
    assert lines.index("Basic") > lines.index("System")
    assert "  INFO     Basic01: " in done.out
    assert lines[-1].startswith("child.example: ")
    assert "\x1b" not in done.out + done.err
    assert done.code == 0


def test_json_is_one_object_a_line(recorded):
    done = bobctl_now("health", "run", "child.example", "--json", *recorded(internet()), "--level", "debug")
    entries = [json.loads(line) for line in done.out.splitlines()]
    assert entries[0]["tag"] == "START_TIME"
    found = next(entry for entry in entries if entry["tag"] == "B02_AUTH_RESPONSE_SOA")
    assert found["args"]["ns_list"] == ["ns1.child.example/192.0.2.11", "ns2.child.example/192.0.2.12"]
    assert found["module"] == "Basic"
    assert found["testcase"] == "Basic02"
    assert "192.0.2.11" in found["message"]


def test_raw_shows_tags_and_arguments(recorded):
    done = bobctl_now("health", "run", "child.example", "--raw", *recorded(internet()), "--level", "info")
    assert "B01_CHILD_FOUND" in done.out
    assert "domain=child.example" in done.out


def test_the_exit_code_is_that_of_the_worst(recorded):
    broken = internet()
    for address in ("192.0.2.11", "192.0.2.12"):
        broken.behave(address, no_aa)
    done = bobctl_now("health", "run", "child.example", *recorded(broken))
    assert done.code == 12
    assert "CRITICAL" in done.out


def test_messages_come_in_another_language(recorded):
    options = recorded(internet())
    english = bobctl_now("health", "run", "child.example", *options, "--level", "debug", "--test", "basic01")
    german = bobctl_now(
        "health", "run", "child.example", *options, "--level", "debug", "--test", "basic01", "--lang", "de"
    )
    assert "Geprüft wird die Domain child.example." in german.out
    assert english.out != german.out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["a..example"], "two dots"),
        (["child.example", "--ns", "ns1.child.example/here"], "IPv4"),
        (["child.example", "--ns", "a..b"], "two dots"),
        (["child.example", "--ds", "1,2,3"], "KEYTAG,ALGORITHM,TYPE,DIGEST"),
        (["child.example", "--ds", "70000,8,2,00"], "65535"),
        (["child.example", "--ds", "1,8,2,xyz"], "hexadecimal"),
        (["child.example", "--test", "basic99"], "basic99"),
        (["child.example", "--level", "bad"], "NOTICE"),
        (["child.example", "--lang", "xx"], "xx"),
        (["child.example", "--profile", "/nowhere/profile"], "/nowhere/profile"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(words, reason):
    done = bobctl_now("health", "run", *words)
    assert done.code == 2
    assert reason in done.err
    assert done.out == ""


def test_a_wrong_profile_is_named_with_its_place(tmp_path):
    path = tmp_path / "profile.yaml"
    path.write_text("net: {ipv4: perhaps}")
    done = bobctl_now("health", "run", "child.example", "--profile", str(path))
    assert done.code == 2
    assert "net.ipv4" in done.err
    assert "profile.yaml" in done.err


def test_without_both_families_there_is_nothing_to_test():
    done = bobctl_now("health", "run", "child.example", "--no-ipv4", "--no-ipv6")
    assert done.code == 12
    assert "Neither IPv4 nor IPv6" in done.out


class Terminal(io.StringIO):
    """What a terminal is told."""

    def isatty(self):
        return True


@pytest.fixture
def on_terminal(monkeypatch):
    """Run a coroutine in simulated time; what a terminal of 60 columns is told."""

    def run(coroutine):
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        terminal = Terminal()
        with monkeypatch.context() as patch:
            for stream in ("stdout", "stderr"):
                patch.setattr(sys, stream, terminal)
            internet_time.run(coroutine)
        return terminal.getvalue()

    return run


async def followed(made, **limits):
    """A test of child.example as `health run` follows it."""
    test = Test(
        "child.example",
        network=made,
        clock=made.clock,
        hints=Hints(made.root_servers),
        profile=Profile.default().overlaid({"limits": limits}),
    )
    await health_checks._follow(test, Report("child.example", Level.NOTICE, catalogue.load("en")))


def test_a_terminal_sees_that_a_test_goes_on_while_it_waits(on_terminal):
    slow = internet()
    slow.behave("192.0.2.12", silent)
    shown = on_terminal(followed(slow))
    assert re.search(r"\r\x1b\[K  1% Basic01 +\d+\.\d s, \d+ queries sent", shown)
    assert "\x1b[31m\x1b[1mERROR" in shown
    words = re.sub(r"\x1b\[[0-9;]*[mK]", "", shown).replace("\r", "\n").splitlines()
    assert max(len(line) for line in words if line.startswith("  ")) <= 60
    assert "  NOTICE   " in "\n".join(words)
    assert any(line.startswith(" " * 11) and line[11] != " " for line in words)


def test_what_was_found_in_time_is_shown_with_what_is_missing(on_terminal):
    slow = internet()
    slow.behave("192.0.2.12", silent)
    shown = on_terminal(followed(slow, deadline=4))
    assert "The time of 4 seconds is over" in shown
    assert "Interrupted" not in shown
    assert "1 CRITICAL" in shown


def test_an_interrupted_test_does_not_look_ok(on_terminal):
    slow = internet()
    slow.behave("192.0.2.12", silent)

    async def interrupted():
        task = asyncio.create_task(followed(slow))
        await asyncio.sleep(4)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    shown = on_terminal(interrupted())
    assert "Interrupted; this is what was found until then." in shown
    assert "Looks OK." not in shown


def test_a_name_in_other_letters_is_shown_as_given_and_as_tested(recorded):
    made = internet()
    made.zone("xn--mnchen-3ya.example", {"ns1.child.example": ["192.0.2.11"], "ns2.child.example": ["192.0.2.12"]})
    done = bobctl_now("health", "run", "München.example", *recorded(made, "münchen.example"))
    assert done.out.splitlines()[-1].startswith("München.example (xn--mnchen-3ya.example): ")


def test_where_no_root_server_answers_the_test_could_not_be_run(recorded):
    dead = Internet(root_servers=ROOT)
    dead.behave("198.51.100.1", silent)
    done = bobctl_now("health", "run", "child.example", *recorded(dead))
    assert done.code == 1
    assert "None of the root servers answered." in done.out


def test_all_cases_are_listed():
    done = bobctl_now("health", "list", "--json")
    assert len(done.json) == 73
    assert done.json[0]["case"] == "Basic01"
    assert "Zone11" in bobctl_now("health", "list").out


def test_a_tag_and_a_case_are_explained():
    done = bobctl_now("health", "explain", "b01_child_found")
    assert "Basic01" in done.out
    assert "INFO" in done.out
    several = bobctl_now("health", "explain", "NO_RESPONSE", "--json").json
    assert {found["module"] for found in several} >= {"Consistency", "Delegation"}
    assert bobctl_now("health", "explain", "Basic01", "--json").json[0]["case"] == "Basic01"


def test_a_tag_there_is_not_is_said():
    done = bobctl_now("health", "explain", "NO_SUCH_TAG")
    assert done.code == 3
    assert "NO_SUCH_TAG" in done.err
