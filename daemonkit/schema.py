"""Reads options out of a spec file (docs/internals.md section 4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from daemonkit.findings import Findings, Path, did_you_mean, shown
from daemonkit.option_acl import AclOption
from daemonkit.option_addresses import (
    AddressOption,
    EndpointOption,
    NameOption,
    PathOption,
    PrefixOption,
    SecretFileOption,
    UrlOption,
)
from daemonkit.option_quantities import DurationOption, SizeOption, duration_seconds, size_bytes
from daemonkit.option_trees import AnyOfOption, ListOption, MapOption, SetOption
from daemonkit.options import (
    ADMIN,
    CONFIGURE,
    MISSING,
    BooleanOption,
    ChoiceOption,
    IntegerOption,
    NumberOption,
    Option,
    Scalar,
    StringOption,
)

# Names of options, commands, topics and modules.
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(slots=True)
class Fields:
    """The fields of one map of a spec, taken one by one; `finish` reports those nobody took."""

    raw: Any
    path: Path
    findings: Findings
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.raw is None:
            self.raw = {}
        if not isinstance(self.raw, dict):
            self.findings.error(self.path, f"must be a map, not {shown(self.raw)}")
            self.raw = {}

    def take(self, name: str) -> Any:
        """The field's value, or None."""
        self.taken.add(name)
        return self.raw.get(name)

    def text(self, name: str, *, required: bool = False, default: str = "") -> str:
        """A field of text."""
        value = self.take(name)
        if value is None and required:
            self.findings.error(self.path, f"{name} is missing: text")
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(name, "text", value)
            return default
        return value

    def word(self, name: str, values: tuple[str, ...], *, required: bool = False) -> str:
        """A field with one of a few words; the first where it is absent."""
        value = self.take(name)
        if value is None and not required:
            return values[0]
        if value not in values:
            self.wrong(name, f"one of {', '.join(values)}", value)
            return values[0]
        return str(value)

    def flag(self, name: str) -> bool:
        """A boolean field, false where it is absent."""
        value = self.take(name)
        if not isinstance(value, bool | None):
            self.wrong(name, "true or false", value)
        return value is True

    def whole(self, name: str) -> int | None:
        """A field with a whole number, or None."""
        value = self.take(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            self.wrong(name, "a whole number", value)
            return None
        return value

    def measured(self, name: str, measure: Callable[[Any], float | None], expects: str) -> Any:
        """A field that `measure` understands, as written, or None."""
        value = self.take(name)
        if value is not None and measure(value) is None:
            self.wrong(name, expects, value)
            return None
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """A field with a list of text."""
        value = self.take(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(name, "a list of words", value)
            return ()
        return tuple(value)

    def maps(self, name: str, pattern: re.Pattern[str] = IDENTIFIER) -> dict[str, Fields]:
        """A field with a map of named maps."""
        inner = Fields(self.take(name), (*self.path, name), self.findings)
        for key in inner.raw:
            if not pattern.fullmatch(key):
                self.findings.error((*inner.path, key), f"the name must match {pattern.pattern}")
        return {key: Fields(value, (*inner.path, key), self.findings) for key, value in inner.raw.items()}

    def wrong(self, name: str, expects: str, value: Any) -> None:
        """Report a value that is not what it must be."""
        self.findings.error((*self.path, name), f"must be {expects}, not {shown(value)}")

    def finish(self) -> None:
        """Report the fields that do not exist."""
        for name in self.raw:
            if name not in self.taken:
                self.findings.error((*self.path, name), f"unknown field{did_you_mean(name, self.taken)}")


def read_options(fields: Fields, name: str) -> dict[str, Option]:
    """The options in a field with a map of them."""
    return {key: read_option(inner) for key, inner in fields.maps(name).items()}


def read_option(fields: Fields) -> Option:
    """One option; problems go to the findings, and something that can stand in its place comes back."""
    kind = fields.take("type")
    text, pending = fields.text("text"), fields.text("pending")
    role = fields.word("role", (CONFIGURE, ADMIN))
    required, default = fields.flag("required"), fields.take("default")
    build = _BUILDERS.get(kind) if isinstance(kind, str) else None
    if build is None:
        known = ", ".join(_BUILDERS)
        fields.findings.error((*fields.path, "type"), f"must be one of {known}, not {shown(kind)}")
        return StringOption()
    option = replace(build(fields), text=text, pending=pending, required=required, role=role)
    fields.finish()
    if required and default is not None:
        fields.findings.error((*fields.path, "default"), "a required option has no default")
    return option if default is None else _with_default(option, default, fields)


def _with_default(option: Option, default: Any, fields: Fields) -> Option:
    trial = Findings()
    stored = option.check(default, (*fields.path, "default"), trial)
    for finding in trial.errors:
        fields.findings.error(finding.path, finding.reason)
    return option if stored is MISSING or trial.errors else replace(option, default=stored)


def _integer(fields: Fields) -> Option:
    return IntegerOption(minimum=fields.whole("minimum"), maximum=fields.whole("maximum"), unit=fields.text("unit"))


def _number(fields: Fields) -> Option:
    return NumberOption(
        minimum=fields.measured("minimum", _as_number, "a number"),
        maximum=fields.measured("maximum", _as_number, "a number"),
        unit=fields.text("unit"),
    )


def _as_number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _duration(fields: Fields) -> Option:
    return DurationOption(
        minimum=fields.measured("minimum", duration_seconds, "a duration"),
        maximum=fields.measured("maximum", duration_seconds, "a duration"),
    )


def _size(fields: Fields) -> Option:
    return SizeOption(
        minimum=fields.measured("minimum", size_bytes, "a size"),
        maximum=fields.measured("maximum", size_bytes, "a size"),
    )


def _string(fields: Fields) -> Option:
    pattern = fields.text("pattern")
    try:
        re.compile(pattern)
    except re.error as error:
        fields.wrong("pattern", f"a regular expression ({error})", pattern)
        pattern = ""
    option = StringOption(pattern=pattern, example=fields.text("example"), refers=fields.text("refers"))
    length = fields.whole("max_length")
    return option if length is None else replace(option, max_length=length)


def _choice(fields: Fields) -> Option:
    values = fields.words("values")
    if not values:
        fields.findings.error(fields.path, "values is missing: a list of words")
    pending = Fields(fields.take("pending_values"), (*fields.path, "pending_values"), fields.findings)
    for key in pending.raw:
        if key not in values:
            fields.findings.error((*pending.path, key), "is none of the values")
    return ChoiceOption(values=values or ("",), pending_values={key: pending.text(key) for key in pending.raw})


def _list(fields: Fields) -> Option:
    return ListOption(
        item=_inner(fields, "item"),
        min_length=fields.whole("min_length") or 0,
        max_length=fields.whole("max_length"),
        unique=fields.flag("unique"),
    )


def _map(fields: Fields) -> Option:
    options = read_options(fields, "options") | read_options(fields, "more_options")
    return MapOption(options=options, optional=fields.flag("optional"), layered=fields.flag("layered"))


def _set(fields: Fields) -> Option:
    key = _inner(fields, "key") if "key" in fields.raw else StringOption(pattern="[a-zA-Z][a-zA-Z0-9_-]{0,62}")
    if not isinstance(key, Scalar):
        fields.findings.error((*fields.path, "key"), "must be of a type with plain values")
        key = StringOption()
    return SetOption(key=key, item=_inner(fields, "item"), max_length=fields.whole("max_length"))


def _any_of(fields: Fields) -> Option:
    raw = fields.take("alternatives")
    path = (*fields.path, "alternatives")
    if not isinstance(raw, list) or not raw:
        fields.findings.error(path, "must be a list of options")
        raw = []
    return AnyOfOption(
        alternatives=tuple(read_option(Fields(item, (*path, i), fields.findings)) for i, item in enumerate(raw))
    )


def _inner(fields: Fields, name: str) -> Option:
    if name not in fields.raw:
        fields.findings.error(fields.path, f"{name} is missing: an option")
        return StringOption()
    return read_option(Fields(fields.take(name), (*fields.path, name), fields.findings))


_BUILDERS: Mapping[str, Callable[[Fields], Option]] = {
    "boolean": lambda _: BooleanOption(),
    "integer": _integer,
    "number": _number,
    "duration": _duration,
    "size": _size,
    "string": _string,
    "choice": _choice,
    "name": lambda fields: NameOption(refers=fields.text("refers")),
    "address": lambda _: AddressOption(),
    "prefix": lambda _: PrefixOption(),
    "endpoint": lambda fields: EndpointOption(off=fields.flag("off")),
    "path": lambda _: PathOption(),
    "url": lambda fields: UrlOption(example=fields.text("example")),
    "secret-file": lambda _: SecretFileOption(),
    "list": _list,
    "map": _map,
    "set": _set,
    "any_of": _any_of,
    "acl": lambda _: AclOption(),
}
