"""YAML as we read it: plain values that remember their lines, without YAML's surprises.

Read by its events, so that depth, size and aliases are bounded before anything is built. Where YAML 1.1 would guess we
do not: `on`, `off`, `yes`, `no`, dates, `0x1f`, `010` and `12:30:45` stay text; only `true`, `false`, `null`, `~`,
decimal numbers and nothing at all are more than text. Keys are always text. Tags, merge keys, duplicate keys and a
second document are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from daemonkit.errors import DaemonError
from daemonkit.findings import Finding, Path, format_path, shown

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 5_000_000
# What all aliases together may expand to: enough for shared lists, far from a "billion laughs".
MAX_ALIASED_NODES = 100_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_NUMBER = re.compile(r"[-+]?([0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30})([eE][-+]?[0-9]{1,3})?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}

# The line of a value, and for containers the places of what is inside.
Place = int | tuple[int, "dict[str, Place] | list[Place]"]


class DocumentError(DaemonError):
    """The text is not a document we read: `name:line: reason`."""

    def __init__(self, name: str, line: int | None, reason: str) -> None:
        super().__init__(f"{name}:{line}: {reason}" if line else f"{name}: {reason}")
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Document:
    """A document read: its value, and where everything stands in it."""

    name: str
    value: Any
    place: Place

    def line(self, path: Path) -> int:
        """The line (from 1) of the deepest part of `path` that is there."""
        place: Any = self.place
        for part in path:
            if isinstance(place, int) or isinstance(place[1], dict) != isinstance(part, str):
                break
            children = place[1]
            if part not in (children if isinstance(part, str) else range(len(children))):
                break
            place = children[part]
        return place if isinstance(place, int) else int(place[0])

    def locate(self, finding: Finding) -> str:
        """The finding as a line of text: `bob.yaml:12: zones.example.org.role: must be ...`."""
        return f"{self.name}:{self.line(finding.path)}: {finding}"


def read_file(path: FilePath, name: str | None = None) -> Document:
    """Read a YAML file; raises DocumentError, also where the file cannot be read."""
    label = name or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(label, None, f"cannot be read: {error.strerror or error}") from error
    return read_text(data, label)


def read_text(text: str | bytes, name: str = "<text>") -> Document:
    """Read YAML text; raises DocumentError. Nothing at all is an empty map."""
    if len(text) > MAX_BYTES:
        raise DocumentError(name, None, f"is larger than {MAX_BYTES} bytes")
    builder = _Builder(name)
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        for event in _events(text):
            builder.take(event)
    except UnicodeDecodeError as error:
        raise DocumentError(name, error.object.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from error
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise DocumentError(name, error.object.count("\n", 0, error.start) + 1, "is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise _syntax_error(name, str(text), error) from error
    value = {} if builder.result is None else builder.result
    return Document(name, value, builder.place)


def read_value(text: str, name: str = "<value>") -> Any:
    """Read one value as an operator types it on a command line; raises DocumentError. Nothing at all is null."""
    value = read_text(text, name).value
    return None if value == {} and "{" not in text else value


def _events(text: str) -> Iterator[Any]:
    return iter(yaml.parse(text, Loader=_Loader))


def _syntax_error(name: str, text: str, error: yaml.YAMLError) -> DocumentError:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return DocumentError(name, line, f"is not YAML: {error.reason}")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    if "nesting depth" in problem:  # libyaml 0.2.6 and later look ahead, and give up before we would
        reason = f"nested deeper than {MAX_DEPTH} levels"
    else:
        reason = f"is not YAML: {context}: {problem}" if context else f"is not YAML: {problem}"
    lines = text.count("\n") + (not text.endswith("\n"))  # the mark may be behind the last one
    return DocumentError(name, min(mark.line + 1, lines) if mark else None, reason.replace("\n", " "))


@dataclass(slots=True)
class _Open:
    """A container whose end has not come yet."""

    value: dict[str, Any] | list[Any]
    line: int
    places: Any  # the children's places: a dict or a list, like the value
    anchor: str | None
    nodes_before: int
    key: str | None = None
    key_line: int = 0


@dataclass(slots=True)
class _Anchored:
    """What an alias stands for; `place` is missing while it is still open."""

    value: Any
    place: Place | None
    nodes: int


@dataclass(slots=True)
class _Builder:
    """Builds the value from the events of one document."""

    name: str
    result: Any = None
    place: Place = 1
    documents: int = 0
    nodes: int = 0
    aliased: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        """Take the next event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._begin(event, {}, {})
            case yaml.SequenceStartEvent():
                self._begin(event, [], [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._document(event)
            case _:
                pass  # start and end of the stream and of documents carry nothing

    def _fail(self, event: Any, reason: str) -> DocumentError:
        path = format_path(self._path())
        return DocumentError(self.name, event.start_mark.line + 1, f"{path}: {reason}" if path else reason)

    def _path(self) -> Path:
        parts: list[str | int] = []
        for container in self.stack:
            if isinstance(container.value, list):
                parts.append(len(container.value))
            elif container.key is not None:
                parts.append(container.key)
        return tuple(parts)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self._fail(event, "a second document begins here; one file holds one document")

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._fail(event, f"more than {MAX_NODES} values in one document")
        if event.tag is not None:
            raise self._fail(event, f"the tag {shown(event.tag)} is not allowed here")

    def _scalar(self, event: Any) -> None:
        container = self.stack[-1] if self.stack else None
        if container is not None and isinstance(container.value, dict) and container.key is None:
            self._take_key(event, container)
            return
        self._count(event)
        value = event.value if event.style else _resolve(event.value)
        line = event.start_mark.line + 1
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, line, 1)
        self._add(value, line)

    def _take_key(self, event: Any, container: _Open) -> None:
        self._count(event)
        key = event.value
        if key == "<<" and not event.style:
            raise self._fail(event, "merge keys (<<) are not supported; zones share values through templates")
        if key in container.value:
            first = container.places[key]
            line = first if isinstance(first, int) else first[0]
            raise self._fail(event, f"the key {shown(key)} is given twice (first in line {line})")
        container.key, container.key_line = key, event.start_mark.line + 1

    def _begin(self, event: Any, value: Any, places: Any) -> None:
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise self._fail(event, "a key must be plain text")
        if len(self.stack) >= MAX_DEPTH:
            raise self._fail(event, f"nested deeper than {MAX_DEPTH} levels")
        self._count(event)
        opened = _Open(value, event.start_mark.line + 1, places, event.anchor, self.nodes - 1)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, None, 0)
        self.stack.append(opened)

    def _end(self) -> None:
        container = self.stack.pop()
        place = (container.line, container.places)
        if container.anchor:
            nodes = self.nodes - container.nodes_before
            self.anchors[container.anchor] = _Anchored(container.value, place, nodes)
        self._add(container.value, place)

    def _alias(self, event: Any) -> None:
        target = self.anchors.get(event.anchor)
        if target is None:
            raise self._fail(event, f"the alias *{event.anchor} has no anchor before it")
        if target.place is None:
            raise self._fail(event, f"the alias *{event.anchor} stands inside what it names")
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise self._fail(event, "a key must be plain text")
        self.aliased += target.nodes
        self.nodes += target.nodes
        if self.aliased > MAX_ALIASED_NODES or self.nodes > MAX_NODES:
            raise self._fail(event, f"aliases expand to more than {MAX_ALIASED_NODES} values")
        if len(self.stack) + _depth(target.value) > MAX_DEPTH:
            raise self._fail(event, f"nested deeper than {MAX_DEPTH} levels")
        self._add(target.value, event.start_mark.line + 1)

    def _add(self, value: Any, place: Place) -> None:
        if not self.stack:
            self.result, self.place = value, place
            return
        container = self.stack[-1]
        if isinstance(container.value, list):
            container.value.append(value)
            container.places.append(place)
            return
        key = container.key
        assert key is not None
        container.value[key] = value
        # A map's entry is where its key stands; what is inside it knows better.
        container.places[key] = container.key_line if isinstance(place, int) else (container.key_line, place[1])
        container.key = None


def _resolve(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return text


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
