"""`bobctl health`: a domain is checked from the command line, without a suite and here without a network."""

from __future__ import annotations

import json

import pytest

from health.engine.hints import Hints
from health.engine.recording import Recorder
from health.engine.runner import Test
from tests.bobctl.run import bobctl
from tests.kit import internet_time
from tests.kit.internet import Internet
from tests.kit.internet_behaviour import no_aa

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
    import asyncio

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
