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


def text_of(node: ast.AST | None) -> set[str]:
    """The text a node is, if it is one."""
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def published_topics(package: str) -> set[str]:
    """Topics a package publishes: the `topic` of its event structs, and names given to publish()."""
    found: set[str] = set()
    for path, tree in trees():
        if path.relative_to(ROOT).parts[0] != package:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "topic":
                found |= text_of(node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "publish":
                found |= text_of(node.args[0] if node.args else None)
    return found


@pytest.mark.parametrize("package", sorted({"bob", "cfgmgr", "cmdctl", "msgq", "auth"}))
def test_what_a_daemon_publishes_is_in_a_spec(package):
    described = {topic for spec in SPECS.values() for topic in spec.get("topics", {})}
    assert published_topics(package) <= described


def counted_names(package: str) -> set[str]:
    """Names given to counters.add() and counters.set() as constants."""
    return {
        text
        for path, tree in trees()
        if path.relative_to(ROOT).parts[0] == package
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("add", "set")
        and "counters" in ast.unparse(node.func.value)
        for text in text_of(node.args[0])
    }


@pytest.mark.parametrize("name", sorted(name for name in SPECS if (ROOT / name).is_dir()))
def test_what_is_counted_is_in_the_spec(name):
    assert counted_names(name) <= set(SPECS[name].get("statistics", {}))


@pytest.mark.parametrize("name", sorted(name for name in SPECS if SPECS[name].get("statistics")))
def test_every_statistic_of_a_spec_is_named_in_the_code(name):
    text = "".join(path.read_text() for path, _ in trees() if path.relative_to(ROOT).parts[0] == name)
    missing = []
    for key in SPECS[name]["statistics"]:
        family, _, leaf = key.rpartition(".")
        if leaf not in text and f'f"{family}.{{' not in text:  # counted by a name made of the family and a value
            missing.append(key)
    assert missing == []


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
