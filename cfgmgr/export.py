"""The configuration as a `bob.yaml`: what is stored, written into the file it came from, whose comments stay.

What is the same in the file and in the store is left as somebody wrote it, lines that only say the default included.
The outcome is read again and must be exactly what is stored; where that cannot be had, or the file is gone or wrong,
the configuration is written without the comments, and it is told why.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, ScalarString

from cfgmgr.current import Current, Rules
from cfgmgr.seed import read_seed
from cfgmgr.tree import ROWS, Tree, flat
from daemonkit.document import DocumentError, read_text
from daemonkit.option_trees import SetOption
from daemonkit.options import Option, Wrong

FLOW_LENGTH = 100  # characters: what is no longer stands on one line
# Reading with comments takes a minute for 100 000 zones; beyond this they are left behind.
MAX_COMMENTED = 512 * 1024  # octets
MAX_COMMENTED_ROWS = 5000

# What is not printable in YAML, its line breaks beyond ASCII, and the mark of byte order.
_NO_YAML = re.compile("[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]")
_BARE = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.-]*(@[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True, slots=True)
class Exported:
    """A `bob.yaml`."""

    text: str
    commented: bool  # it is the file, with its comments, brought to what is stored
    left: str = ""  # why not, where there is a file


def export(current: Current, rules: Rules, file: Path | None) -> Exported:
    """The stored configuration as text; `file` is the one it came from, if any."""
    left = ""
    if file is not None:
        try:
            text = _into(file, current, rules)
            if _says(text, rules, current.state):
                return Exported(text, commented=True)
            left = f"what {file} says cannot be brought to what is stored line by line"
        except _CannotComment as error:
            left = str(error)
    head = f"# The configuration of bobdns, revision {current.revision}.\n"
    return Exported(head + _without_comments(flat(current.state)), commented=False, left=left)


class _CannotComment(Exception):
    """The comments of a file cannot be kept; the text says why."""


def _into(file: Path, current: Current, rules: Rules) -> str:
    """The text of a file brought to what is stored. Raises _CannotComment."""
    try:
        size, rows = file.stat().st_size, len(current.state.get("zones", ()))
        if size > MAX_COMMENTED or rows > MAX_COMMENTED_ROWS:
            raise _CannotComment(
                f"{file} has {size} octets and there are {rows} zones; they are kept up to {MAX_COMMENTED} octets and "
                f"{MAX_COMMENTED_ROWS} zones"
            )
        seed = read_seed(file, rules)
        if seed.validated.findings.errors:
            raise _CannotComment(f"{file} has errors by now: {seed.validated.findings.errors[0]}")
        document = _yaml().load(file.read_text(encoding="utf-8"))
    except (OSError, DocumentError, YAMLError, UnicodeDecodeError) as error:
        raise _CannotComment(f"{file} cannot be read: {error}") from error
    if document is None:
        raise _CannotComment(f"{file} is empty")
    _merge(document, flat(seed.validated.values), flat(current.state), current.catalogue.root)
    return _dump(document)


def _without_comments(state: Tree) -> str:
    """Values as text. Many rows are written one a line, as JSON, which is YAML, too: a second for 100 000."""
    long = {key: value for key, value in state.items() if key in ROWS and len(value) > MAX_COMMENTED_ROWS}
    rest = {key: value for key, value in state.items() if key not in long}
    parts = [_dump(_plain(rest, top=True))] if rest else []
    for key, rows in long.items():
        parts.append(f"{key}:\n")
        parts += (f"  {_json(name)}: {_json(row)}\n" for name, row in rows.items())
    return "".join(parts)


def _json(value: Any) -> str:
    """As JSON that a YAML reader takes as it is: JSON lets stand raw what YAML refuses or folds as a line break."""
    return _NO_YAML.sub(_escaped, msgspec.json.encode(value).decode())


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"  # beyond U+FFFF all is printable


def _merge(document: CommentedMap, old: Tree, new: Tree, option: Option | None) -> None:
    """Bring a map as it is written to its new values; `old` is what it says, without defaults."""
    written = {_key(key, option): key for key in document}
    for key, spelling in written.items():
        before, after = old.get(key), new.get(key)
        if before == after and type(before) is type(after):
            continue
        if after is None:
            del document[spelling]
        elif isinstance(before, dict) and isinstance(after, dict) and isinstance(document[spelling], CommentedMap):
            _merge(document[spelling], before, after, None if option is None else option.child(key))
        else:
            document[spelling] = _in_style_of(document[spelling], _plain(after, top=key in ROWS))
    for key, value in new.items():
        if key not in written:
            document[_scalar(key)] = _plain(value, top=key in ROWS)


def _key(text: Any, option: Option | None) -> str:
    """A key as it is stored."""
    if isinstance(option, SetOption):
        try:
            return str(option.key.read(str(text)))
        except Wrong:
            return str(text)
    return str(text)


def _plain(value: Any, *, top: bool = False) -> Any:
    """Values with a layout: what is short stands on one line."""
    if isinstance(value, dict):
        made: Any = CommentedMap({_scalar(key): _plain(inner) for key, inner in value.items()})
    elif isinstance(value, list):
        made = CommentedSeq([_plain(inner) for inner in value])
    else:
        return _scalar(value)
    if not top and len(str(value)) <= FLOW_LENGTH:
        made.fa.set_flow_style()
    return made


def _scalar(value: Any) -> Any:
    """A value between quotes where the reader could take it for something else."""
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not _BARE.fullmatch(value) else value


def _in_style_of(before: Any, after: Any) -> Any:
    """Text between the quotes that were there."""
    return type(before)(after) if isinstance(before, ScalarString) and isinstance(after, str) else after


def _says(text: str, rules: Rules, state: Tree) -> bool:
    """Whether a text is exactly what is stored."""
    try:
        checked = rules.validate(read_text(text, "the export").value)
    except DocumentError:
        return False
    return not checked.findings.errors and checked.values == state


def _dump(document: Any) -> str:
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.width = 150
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
