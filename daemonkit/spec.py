"""Specs: what a module is, told in one YAML file (docs/internals.md section 4).

Ours are in the `specs` package and are loaded by module name; a component that is not ours brings its own file.
"""

from __future__ import annotations

import importlib.resources
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from daemonkit.document import Document, DocumentError, read_file, read_text
from daemonkit.errors import DaemonError
from daemonkit.findings import Findings
from daemonkit.option_trees import MapOption
from daemonkit.options import Option, Substitute
from daemonkit.schema import IDENTIFIER, Fields, read_option, read_options

ROLES = ("read", "operate", "configure", "admin")
SEVERITIES = ("debug", "info", "warning", "error")
KINDS = ("dispensable", "needed", "core")
COUNTER, GAUGE = "counter", "gauge"
INSTANCES_PER_CORE = "cores"
MAX_INSTANCES = 1024

_MESSAGE_ID = re.compile(r"[A-Z][A-Z0-9_]{2,63}")
_MEMBER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class SpecError(DaemonError):
    """A spec cannot be used; the text lists every problem with file, line and path."""


@dataclass(frozen=True, slots=True)
class Component:
    """How bob runs the module."""

    program: str  # a package of ours; empty in the spec of a component that is not: the configuration says
    kind: str
    needs: tuple[str, ...] = ()
    instances: int | str = 1  # a number, or INSTANCES_PER_CORE
    spare: bool = False
    sockets: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its arguments' texts; their types are in the daemon's api module."""

    name: str
    text: str
    role: str
    changes: bool
    arguments: Mapping[str, str]
    zone: str = ""  # the argument that names the one zone it is about, where there is one


@dataclass(frozen=True, slots=True)
class Topic:
    """Events a module publishes."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Statistic:
    """A counter or a gauge."""

    name: str
    kind: str
    text: str

    @property
    def is_gauge(self) -> bool:
        """Whether it goes up and down."""
        return self.kind == GAUGE


@dataclass(frozen=True, slots=True)
class Message:
    """A log message."""

    name: str
    severity: str
    text: str
    explain: str
    provoked: bool = False  # whoever sends us packets can cause it: written a few times a minute at most

    @property
    def fields(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.text) if name)


@dataclass(frozen=True, slots=True)
class Spec:
    """One module."""

    module: str
    title: str
    text: str
    component: Component | None  # None: a virtual module, configuration only
    reads: tuple[str, ...]
    roots: Mapping[str, Option]
    options: MapOption
    commands: Mapping[str, Command]
    topics: Mapping[str, Topic]
    statistics: Mapping[str, Statistic]
    messages: Mapping[str, Message]
    source: str
    common: bool = False  # its keys concern every module

    @classmethod
    def load(cls, where: str | FilePath) -> Spec:
        """The spec of one of our modules, by name, or one in a file; raises SpecError."""
        return load_file(where) if isinstance(where, FilePath) else load_module(where)

    @property
    def configurable(self) -> Mapping[str, Option]:
        """Every top-level configuration key this module owns: its own name, where it has options, and its roots."""
        own: dict[str, Option] = {self.module: self.options} if self.options.options else {}
        return {**own, **self.roots}

    def effective(self, values: Mapping[str, Any], substitute: Substitute) -> dict[str, Any]:
        """The stored values of the keys it owns as a daemon gets them: complete, converted, substituted."""
        return {
            key: option.convert(option.complete(values.get(key)), substitute)
            for key, option in self.configurable.items()
        }


def modules() -> list[str]:
    """The names of all modules of ours that have a spec."""
    files = importlib.resources.files("specs").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


@cache
def load_module(name: str) -> Spec:
    """The spec of one of our modules; raises SpecError."""
    file = importlib.resources.files("specs") / f"{name}.yaml"
    if not IDENTIFIER.fullmatch(name) or not file.is_file():
        raise SpecError(f"there is no spec of a module {name!r}")
    spec = _load(lambda: read_text(file.read_bytes(), f"specs/{name}.yaml"))
    if spec.module != name:
        raise SpecError(f"specs/{name}.yaml: module: must be {name!r}, not {spec.module!r}")
    return spec


def load_all() -> None:
    """Load the specs of all our modules, so that processes that are forked now share them."""
    for name in modules():
        load_module(name)


def load_file(path: FilePath) -> Spec:
    """The spec in a file; raises SpecError."""
    return _load(lambda: read_file(path))


def _load(read: Any) -> Spec:
    try:
        document: Document = read()
    except DocumentError as error:
        raise SpecError(str(error)) from error
    findings = Findings()
    spec = read_spec(document, findings)
    if findings.errors:
        raise SpecError("\n".join(document.locate(finding) for finding in findings.errors))
    return spec


def read_spec(document: Document, findings: Findings) -> Spec:
    """Read a spec out of a document; it can be used only when there are no errors in the findings."""
    fields = Fields(document.value, (), findings)
    module = fields.text("module", required=True)
    if module and not _MEMBER_NAME.fullmatch(module):
        findings.error(("module",), f"must match {_MEMBER_NAME.pattern}, not {module!r}")
    spec = Spec(
        module=module,
        title=fields.text("title", required=True),
        text=fields.text("text"),
        component=_component(fields),
        reads=fields.words("reads"),
        roots=read_options(fields, "roots"),
        options=MapOption(options=read_options(fields, "options")),
        commands={name: _command(name, inner) for name, inner in fields.maps("commands").items()},
        topics={name: _topic(name, inner) for name, inner in fields.maps("topics").items()},
        statistics={name: _statistic(name, inner) for name, inner in fields.maps("statistics", _STATISTIC).items()},
        messages={name: _message(name, inner) for name, inner in fields.maps("messages", _MESSAGE_ID).items()},
        source=document.name,
        common=fields.flag("common"),
    )
    if module in spec.roots and spec.options.options:
        findings.error(("roots", module), "the module has options below its own name, so that cannot be a root")
    fields.finish()
    return spec


_STATISTIC = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,126}")


def _component(fields: Fields) -> Component | None:
    if fields.take("component") is None:
        return None
    inner = Fields(fields.raw["component"], ("component",), fields.findings)
    component = Component(
        program=inner.text("program"),
        kind=inner.word("kind", KINDS),
        needs=inner.words("needs"),
        instances=_instances(inner),
        spare=inner.flag("spare"),
        sockets=inner.flag("sockets"),
    )
    inner.finish()
    return component


def _instances(fields: Fields) -> int | str:
    value = fields.take("instances")
    if value is None:
        return 1
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INSTANCES
    if not whole and value != INSTANCES_PER_CORE:
        fields.wrong("instances", f"a whole number from 0 to {MAX_INSTANCES} or {INSTANCES_PER_CORE}", value)
        return 1
    return value  # type: ignore[no-any-return]


def _command(name: str, fields: Fields) -> Command:
    arguments = Fields(fields.take("arguments"), (*fields.path, "arguments"), fields.findings)
    command = Command(
        name=name,
        text=fields.text("text", required=True),
        role=fields.word("role", ROLES, required=True),
        changes=fields.flag("changes"),
        arguments={key: arguments.text(key, required=True) for key in arguments.raw},
        zone=fields.text("zone"),
    )
    if command.zone and command.zone not in command.arguments:
        fields.findings.error((*fields.path, "zone"), f"there is no argument {command.zone!r}")
    fields.finish()
    return command


def _topic(name: str, fields: Fields) -> Topic:
    topic = Topic(name, fields.text("text", required=True))
    fields.finish()
    return topic


def _statistic(name: str, fields: Fields) -> Statistic:
    statistic = Statistic(
        name, fields.word("type", (COUNTER, GAUGE), required=True), fields.text("text", required=True)
    )
    fields.finish()
    return statistic


def _message(name: str, fields: Fields) -> Message:
    message = Message(
        name=name,
        severity=fields.word("severity", SEVERITIES, required=True),
        text=fields.text("text", required=True),
        explain=fields.text("explain"),
        provoked=fields.flag("provoked"),
    )
    try:
        _ = message.fields
    except ValueError as error:
        fields.wrong("text", f"a text with {{fields}} ({error})", message.text)
    fields.finish()
    return message


def read_inline_option(raw: Any) -> Option:
    """An option described in code (tests and tools); raises SpecError."""
    findings = Findings()
    option = read_option(Fields(raw, (), findings))
    if findings.errors:
        raise SpecError("\n".join(map(str, findings.errors)))
    return option
