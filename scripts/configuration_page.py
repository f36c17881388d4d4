"""What there is to configure, from the specs: a page of the reference, and parts of a manual page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from daemonkit.option_trees import AnyOfOption, ListOption, MapOption, SetOption
from daemonkit.options import ADMIN, Option, Scalar
from daemonkit.spec import Spec, modules

SPECS = {name: Spec.load(name) for name in modules()}


def configuration() -> Iterator[str]:
    """Every option of every module."""
    yield "# Configuration"
    yield (
        "Every option, by top-level key. Paths are as `bobctl config set` takes them: `NAME` stands for a key of your"
        " own choice, `[N]` for the place of an item in a list. `bobctl config describe PATH` says the same of one."
    )
    yield "\n".join(f"- [`{key}`](#{key}): {spec.title}" for key, spec in owners())
    for key, spec in owners():
        yield f"## {key}"
        yield f"Owned by the module {spec.module}."
        yield from option_parts(key, spec.configurable[key])


def owners() -> list[tuple[str, Spec]]:
    """Top-level keys, each with the module that owns it."""
    return sorted((key, spec) for spec in SPECS.values() for key in spec.configurable)


def option_parts(path: str, option: Option) -> Iterator[str]:
    """An option and all within it."""
    if "." in path or "[" in path:
        yield f"### `{path}`"
    if option.text:
        yield option.text.strip()
    yield "\n".join(_facts(option))
    yield from _inner(path, option)


def _facts(option: Option) -> Iterator[str]:
    if isinstance(option, MapOption):
        yield "- a map" + (", or nothing" if option.optional else "")
    else:
        yield f"- {option.expects()}"
    if option.required:
        yield "- required"
    elif option.default is not None:
        yield f"- default: `{json_of(option.default)}`"
    if isinstance(option, Scalar) and option.refers:
        yield f"- one of the names in [`{option.refers}`](#{option.refers})"
    if option.role == ADMIN:
        yield "- changing it takes the role `admin`"
    if option.pending:
        yield f"- accepted, without effect in this release: {option.pending}"


def _inner(path: str, option: Option) -> Iterator[str]:
    if isinstance(option, MapOption):
        for name, inner in option.options.items():
            yield from option_parts(f"{path}.{name}", inner)
    elif isinstance(option, SetOption):
        yield f"Keys: {option.key.expects()}."
        yield from option_parts(f"{path}.NAME", option.item)
    elif isinstance(option, ListOption) and isinstance(option.item, MapOption):
        yield from option_parts(f"{path}[N]", option.item)
    elif isinstance(option, AnyOfOption):
        for alternative in option.alternatives:
            if isinstance(alternative, MapOption | ListOption):
                yield from _inner(path, alternative)


def json_of(value: Any) -> str:
    """A value as JSON has it."""
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
