"""Writes the operator's reference, docs/reference/, and the manual pages, docs/man/, from the specs, the bus messages
and the command line.

python scripts/reference.py            write it
python scripts/reference.py --check    say what differs, and exit 1 if anything does
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import manual  # noqa: E402
from configuration_page import SPECS, configuration, json_of  # noqa: E402
from manual_pages import MAN_PAGES  # noqa: E402

from bobctl.nouns import NOUNS, Nouns  # noqa: E402
from daemonkit.spec import Command  # noqa: E402

TARGET = ROOT / "docs" / "reference"
MAN = ROOT / "docs" / "man"
MADE = "<!-- Made by `make docs` from the specs and the code: change those. -->\n"


# Commands of modules.


def commands() -> Iterator[str]:
    """Every command of every module."""
    yield "# Commands of modules"
    yield (
        "What `bobctl call MODULE COMMAND name=value ...` and `POST /v1/call/MODULE/COMMAND` send. The role is the"
        " least that may: read, operate, configure, admin. Many have a noun of their own in [bobctl](bobctl.md)."
        " Commands that change the configuration go only through `bobctl config`, under the name of who calls."
    )
    for name, spec in SPECS.items():
        if spec.commands:
            yield f"## {name}"
            yield f"{spec.title}."
            requests = _requests(name)
            for command in spec.commands.values():
                yield from _command(name, command, requests.get(command.name))


def _command(module: str, command: Command, request: type[msgspec.Struct] | None) -> Iterator[str]:
    yield f"### {module} {command.name}"
    yield command.text.strip()
    effect = "changes something" if command.changes else "only reads"
    yield f"Role {command.role}; {effect}."
    if request is None:
        return
    fields = msgspec.structs.fields(request)
    if fields:
        yield "\n".join(
            [
                "| argument | type | default | |",
                "|---|---|---|---|",
                *(_argument(field, command.arguments.get(field.name, "")) for field in fields),
            ]
        )
    yield from _shape("Answer", request.reply)  # type: ignore[attr-defined]


def _argument(field: msgspec.structs.FieldInfo, text: str) -> str:
    default = "" if field.required else f"`{json_of(_default(field))}`"
    return f"| `{field.name}` | {_type(field.type)} | {default} | {' '.join(text.split())} |"


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _shape(title: str, struct: Any) -> Iterator[str]:
    """A struct and those in it, one line each."""
    if not _is_struct(struct):
        return
    lines, seen, waiting = [], set(), [struct]
    while waiting:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        fields = msgspec.structs.fields(one)
        waiting += [inner for field in fields for inner in _structs_in(field.type)]
        told = ", ".join(f"`{field.name}` {_type(field.type)}" for field in fields) or "nothing"
        lines.append(f"- **{one.__name__}**: {told}")
    yield "\n".join([f"{title}:", "", *lines])


def _structs_in(kind: Any) -> list[Any]:
    return [kind] if _is_struct(kind) else [found for part in typing.get_args(kind) for found in _structs_in(part)]


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _type(kind: Any) -> str:
    """A type as a reader of JSON knows it."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _type(parts[0])
    if origin in (list, tuple):
        return f"list of {_type(parts[0])}" if parts else "list"
    if origin is dict:
        return f"map of {_type(parts[1])}"
    if origin is typing.Literal:
        return " or ".join(f'"{part}"' for part in parts)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(part) for part in parts)
    names = {str: "text", int: "integer", float: "number", bool: "boolean", type(None): "null", Any: "any", dict: "map"}
    return names.get(kind) or str(getattr(kind, "__name__", kind))


def _requests(module: str) -> dict[str, type[msgspec.Struct]]:
    """The request structs of a module's commands, by command."""
    found: dict[str, type[msgspec.Struct]] = {}
    for place in (f"{module}.api", "daemonkit.api"):
        try:
            api = importlib.import_module(place)
        except ModuleNotFoundError:
            continue
        for value in vars(api).values():
            command = getattr(value, "command", None)
            if _is_struct(value) and isinstance(command, str) and getattr(value, "module", module) == module:
                found.setdefault(command, value)
    return found


# REST.


def rest() -> Iterator[str]:
    """Every operation of REST, from the OpenAPI document that cmdctl serves."""
    from cmdctl.app import all_routes
    from cmdctl.openapi import openapi
    from cmdctl.routing import Operation
    from cmdctl.services import Services

    nothing = Services(**dict.fromkeys(field.name for field in dataclasses.fields(Services)))  # routes only, no service
    operations = [route for route in all_routes(nothing) if isinstance(route, Operation)]
    document = openapi(operations)
    roles = {(operation.path, operation.method.lower()): operation.role.name.lower() for operation in operations}
    yield "# REST"
    yield (
        "What cmdctl serves at its control socket and over HTTPS. The same, with the schemas of all bodies in full, is"
        " at `/v1/openapi.json` of a running suite. The role is the least that may. Errors are"
        ' `{"error": {"code", "message", "details"}}`.'
    )
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"## {method.upper()} {path}"
            yield f"{operation['summary'].rstrip('.')}. Role {roles[path, method]}."
            yield "\n".join(_rest_facts(operation))
    yield "## Shapes"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {name}"
        yield " ".join(schema.get("description", "").split())
        yield _rest_schema(schema)


def _rest_facts(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        needed = ", required" if parameter.get("required") else ""
        text = parameter.get("description", "").rstrip(".")
        kind = _json_type(parameter["schema"])
        yield f"- {parameter['in']} `{parameter['name']}`: {kind}{needed}{f'; {text}' if text else ''}"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield f"- body: {_json_type(content['schema'])}"
    for status, response in operation["responses"].items():
        for media, content in response.get("content", {}).items():
            if status.startswith("2"):
                shape = _json_type(content["schema"]) if "schema" in content else ""
                yield f"- answer {status}: {shape if media == 'application/json' else media}"


def _rest_schema(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {_json_type(inner)} | {'' if name in required else 'may be left out'} |"
        for name, inner in schema.get("properties", {}).items()
    ]
    return "\n".join(["| field | type | |", "|---|---|---|", *rows]) if rows else _json_type(schema)


def _json_type(schema: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_json_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_json_type(schema['items'])}" if isinstance(schema.get("items"), dict) else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_json_type(schema['additionalProperties'])}"
    words = {"string": "text", "object": "map"}
    kind = schema.get("type", "any")
    return words.get(kind, kind) if isinstance(kind, str) else " or ".join(words.get(one, one) for one in kind)


# Log messages, statistics.


def messages() -> Iterator[str]:
    """Every log message."""
    yield "# Log messages"
    yield (
        "Every message has an ID that stays; `bobctl explain ID` shows its paragraph. Fields in braces are filled in;"
        " with the JSON format of the log they are there by name."
    )
    for name, spec in SPECS.items():
        if spec.messages:
            yield f"## {name}"
            for message in spec.messages.values():
                yield f"### {message.name}"
                yield f"*{message.severity}*: `{message.text.strip()}`"
                yield message.explain.strip() or "It means what it says."


def statistics() -> Iterator[str]:
    """Every counter and gauge."""
    yield "# Statistics"
    yield (
        "What each instance counts, and what it tells of its state. A counter only grows: "
        "a process that takes the place of another goes on from its counts."
    )
    for name, spec in SPECS.items():
        if spec.statistics:
            yield f"## {name}"
            rows = [f"| `{s.name}` | {s.kind} | {' '.join(s.text.split())} |" for s in spec.statistics.values()]
            yield "\n".join(["| name | type | |", "|---|---|---|", *rows])


# The command line.


def command_line() -> Iterator[str]:
    """Every noun and verb of bobctl."""
    yield "# bobctl"
    from bobctl.cli import root

    yield from _help(root, "bobctl", 2)
    group = Nouns("bobctl")
    for noun in sorted(NOUNS):
        command = group.get_command(click.Context(group), noun)
        assert command is not None
        yield from _help(command, f"bobctl {noun}", 2)
        if isinstance(command, click.Group):
            for name, verb in sorted(command.commands.items()):
                if not verb.hidden:
                    yield from _help(verb, f"bobctl {noun} {name}", 3)


def _help(command: click.Command, name: str, depth: int) -> Iterator[str]:
    """What `--help` says, without the layout of the click at hand."""
    yield f"{'#' * depth} {name}"
    arguments = [manual.place(param) for param in command.params if isinstance(param, click.Argument)]
    yield f"    {' '.join([name, '[OPTION]...', *arguments])}"
    yield "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    rows = [f"| {_spelling(param)} | {param.help or ''} |" for param in command.params if _is_shown(param)]
    if rows:
        yield "\n".join(["| option | |", "|---|---|", *rows])


def _is_shown(param: click.Parameter) -> typing.TypeGuard[click.Option]:
    return isinstance(param, click.Option) and not param.hidden


def _spelling(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.metavar or (option.name or '').upper()}"
    return ", ".join(f"`{spelling}{value}`" for spelling in (*option.opts, *option.secondary_opts))


# All together.


PAGES: Mapping[str, tuple[str, typing.Callable[[], Iterator[str]]]] = {
    "bobctl.md": ("the command line", command_line),
    "commands.md": ("commands of modules: roles, arguments, answers", commands),
    "configuration.md": ("every option, with its type, default and text", configuration),
    "messages.md": ("log messages and what they mean", messages),
    "rest.md": ("the REST interface", rest),
    "statistics.md": ("counters and gauges", statistics),
}


def index() -> Iterator[str]:
    """The list of pages."""
    yield "# Reference"
    yield "\n".join(f"- [{name.removesuffix('.md')}]({name}): {text}" for name, (text, _) in PAGES.items())


def page(make: typing.Callable[[], Iterator[str]]) -> str:
    """The text of one page."""
    return MADE + "\n" + "\n\n".join(part for part in make() if part) + "\n"


def main() -> int:
    """Write or check all pages; the exit status."""
    pages = {"README.md": page(index)} | {name: page(make) for name, (_, make) in PAGES.items()}
    manuals = {name: "\n".join(make()) + "\n" for name, make in MAN_PAGES.items()}
    if "--check" in sys.argv[1:]:
        return max(_check(TARGET, pages), _check(MAN, manuals))
    manual.write(pages, TARGET)
    manual.write(manuals, MAN)
    return 0


def _check(directory: Path, pages: Mapping[str, str]) -> int:
    present = {path.name: path.read_text() for path in directory.glob("*")}
    for name in sorted(pages.keys() | present.keys()):
        old, new = present.get(name, ""), pages.get(name, "")
        place = str((directory / name).relative_to(ROOT))
        difference = difflib.unified_diff(old.splitlines(), new.splitlines(), place, "as it should be")
        sys.stdout.writelines(f"{line}\n" for line in difference)
    return 0 if present == pages else 1


if __name__ == "__main__":
    sys.exit(main())
