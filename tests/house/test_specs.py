"""Handlers and specs agree both ways: commands, topics, statistics and log messages."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator

import pytest
import yaml

from daemonkit.module import commands_of, topics_of
from daemonkit.spec import Spec
from tests.house.packages import ROOT, daemons, trees

DAEMONS = daemons()
SPECS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "specs").glob("*.yaml"))}
LOG_METHODS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}


def log_calls(package: str) -> Iterator[tuple[str, str, str, set[str]]]:
    """Each call that writes a message: place, ID, severity, names of its fields."""
    for path, tree in trees():
        if path.relative_to(ROOT).parts[0] != package:
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LOG_METHODS
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
                and node.args[0].value.isupper()
            ):
                fields = {keyword.arg for keyword in node.keywords if keyword.arg}
                if node.func.attr == "exception":
                    fields.add("error")
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield place, node.args[0].value, LOG_METHODS[node.func.attr], fields


def message_fields(text: str) -> set[str]:
    return {name.split(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("package", sorted(DAEMONS))
def test_commands_and_handlers_agree(package):
    module = DAEMONS[package]
    assert set(commands_of(module)) == set(Spec.load(module.name).commands)


@pytest.mark.parametrize("package", sorted(DAEMONS))
def test_requests_name_their_module(package):
    module = DAEMONS[package]
    assert {request.module for request, _ in commands_of(module).values()} <= {module.name}


@pytest.mark.parametrize("package", sorted(DAEMONS))
def test_topics_heard_are_topics_somebody_publishes(package):
    published = {topic for spec in SPECS.values() for topic in spec.get("topics", {})}
    assert set(topics_of(DAEMONS[package])) <= published


@pytest.mark.parametrize("name", sorted(SPECS))
def test_spec_is_named_like_its_file(name):
    assert SPECS[name]["module"] == name


@pytest.mark.parametrize("name", sorted(SPECS))
def test_messages_written_and_messages_described_agree(name):
    described = SPECS[name].get("messages", {})
    calls = list(log_calls(name))
    wrong = []
    for place, message, severity, fields in calls:
        if message not in described:
            wrong.append(f"{place}: {message} is not in specs/{name}.yaml")
        else:
            if described[message]["severity"] != severity:
                wrong.append(f"{place}: {message} is {described[message]['severity']} in the spec")
            if missing := message_fields(described[message]["text"]) - fields:
                wrong.append(f"{place}: {message} wants {sorted(missing)}")
    written = {message for _, message, _, _ in calls}
    wrong += [f"specs/{name}.yaml: nobody writes {message}" for message in described if message not in written]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_message_is_explained(name):
    messages = SPECS[name].get("messages", {})
    assert [key for key, message in messages.items() if not message.get("explain", "").strip()] == []
