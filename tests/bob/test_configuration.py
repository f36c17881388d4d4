"""Component definitions out of configuration and specs."""

from __future__ import annotations

import os
import resource
import sys

import pytest

from bob.configuration import own_components, processors, read_definitions
from bob.definition import Limits, built_in
from bob.states import Kind
from daemonkit.errors import Rejected
from daemonkit.spec import Component, Spec

OURS = {
    "auth": Component(program="auth", kind="needed", needs=("cfgmgr",), instances="cores", spare=True, sockets=True),
    "cmdctl": Component(program="cmdctl", kind="dispensable", needs=("cfgmgr",)),
}
PROGRAM = sys.executable


def effective(components):
    """What cfgmgr hands over for these."""
    return Spec.load("bob").effective({"components": components}, str)["components"]


def read(components=None, cores=4, ours=OURS):
    built = built_in(["udp/127.0.0.1@53"], ["--seed", "/etc/bob.yaml"])
    return read_definitions(effective(components or {}), ours, built, cores)


def rejected(components, **how):
    with pytest.raises(Rejected) as caught:
        read(components, **how)
    return str(caught.value)


def test_ours_run_without_being_listed_as_their_specs_say():
    definitions = read()
    assert set(definitions) == {"sockcreator", "msgq", "cfgmgr", "auth", "cmdctl"}
    auth = definitions["auth"]
    assert (auth.kind, auth.instances, auth.spare, auth.sockets, auth.needs) == (
        Kind.NEEDED,
        4,
        True,
        True,
        ("cfgmgr",),
    )
    assert auth.enabled
    assert not auth.foreign
    assert definitions["sockcreator"].arguments == ("udp/127.0.0.1@53",)
    assert definitions["cfgmgr"].arguments == ("--seed", "/etc/bob.yaml")


def test_what_is_configured_lies_over_the_spec():
    auth = read(
        {
            "auth": {
                "instances": 2,
                "spare": False,
                "kind": "dispensable",
                "needs": ["cmdctl"],
                "arguments": ["-v"],
                "priority": 7,
                "nice": 5,
                "limits": {"open_files": 100, "memory": "1G"},
                "hang_timeout": "10s",
                "give_up_after": 4,
            }
        }
    )["auth"]
    assert (auth.instances, auth.spare, auth.kind, auth.needs) == (2, False, Kind.DISPENSABLE, ("cfgmgr", "cmdctl"))
    assert (auth.arguments, auth.priority, auth.nice, auth.hang_timeout, auth.give_up_after) == (("-v",), 7, 5, 10.0, 4)
    assert auth.limits == Limits(open_files=100, memory=2**30)


def test_listing_a_component_of_ours_without_values_changes_nothing():
    assert read({"auth": {}, "cmdctl": {}}) == read()


def test_a_component_can_be_disabled():
    assert not read({"auth": {"enabled": False}})["auth"].enabled


@pytest.fixture
def spec(tmp_path):
    file = tmp_path / "greeter.yaml"
    file.write_text("module: greeter\ntitle: Greets\ncomponent: {kind: needed, needs: [cfgmgr], instances: cores}\n")
    return str(file)


def test_a_component_that_is_not_ours_brings_program_and_spec(spec):
    greeter = read({"greeter": {"program": PROGRAM, "spec": spec}})["greeter"]
    assert (greeter.program, str(greeter.spec), greeter.foreign) == (PROGRAM, spec, True)
    assert (greeter.kind, greeter.needs, greeter.instances) == (Kind.NEEDED, ("cfgmgr",), 4)


def test_a_program_that_cannot_be_run_is_refused(spec, tmp_path):
    assert rejected({"greeter": {"program": spec, "spec": spec}}).startswith("components.greeter.program: ")
    assert rejected({"greeter": {"program": str(tmp_path), "spec": spec}}).startswith("components.greeter.program: ")


def test_a_spec_that_cannot_be_read_is_refused(tmp_path):
    missing = str(tmp_path / "missing.yaml")
    assert rejected({"greeter": {"program": PROGRAM, "spec": missing}}).startswith("components.greeter.spec: ")


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ({"msgq": {}}, "components.msgq: is built in and cannot be configured"),
        ({"auth": {"program": "/bin/true"}}, "components.auth.program: auth is a component of ours"),
        ({"greeter": {}}, "components.greeter: greeter is no component of ours, so it needs a program"),
        ({"cmdctl": {"enabled": False}}, "components.cmdctl.enabled: without cmdctl no operator could give an order"),
        ({"auth": {"needs": ["nobody"]}}, "components.auth.needs: needs nobody, which is no component"),
        (
            {"auth": {"enabled": False}, "cmdctl": {"needs": ["auth"]}},
            "components.cmdctl.needs: needs auth, which is not",
        ),
        (
            {"auth": {"needs": ["cmdctl"]}, "cmdctl": {"needs": ["auth"]}},
            "components.auth.needs: needs itself by way of",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(components, said):
    assert rejected(components).startswith(said)


def test_only_one_component_can_have_the_sockets():
    two = OURS | {"other": Component(program="other", kind="needed", sockets=True)}
    assert "one only can" in rejected({}, ours=two)


def test_limits_that_cannot_be_set_are_refused(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (10, 100))
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    said = rejected({"auth": {"limits": {"open_files": 101}}})
    assert said == "components.auth.limits.open_files: 101 is over the limit bob itself has, 100"
    assert read({"auth": {"limits": {"open_files": 100}}})["auth"].limits.open_files == 100
    assert rejected({"auth": {"nice": -1}}) == "components.auth.nice: -1 needs a suite that runs as root"


def test_a_suite_that_was_started_nicer_needs_nothing_to_be_configured(monkeypatch):
    monkeypatch.setattr("os.getpriority", lambda *_: 5)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert read({"auth": {}}) == read()
    assert rejected({"auth": {"nice": 4}}) == "components.auth.nice: 4 needs a suite that runs as root"


def test_the_real_specs_name_auth_and_cmdctl():
    assert {"auth", "cmdctl"} <= set(own_components())
    assert not {"msgq", "cfgmgr", "sockcreator"} & set(own_components())
    assert processors() >= 1
