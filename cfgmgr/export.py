"""The configuration as a `bob.yaml`: what is stored, written into the file it came from, whose comments stay.

What is the same in the file and in the store is left as somebody wrote it, lines that only say the default included.
The outcome is read again and must be exactly what is stored; where that cannot be had, or the file is gone or wrong,
the configuration is written without the comments.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

_BARE = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.-]*(@[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True, slots=True)
class Exported:
    """A `bob.yaml`."""

    text: str
    commented: bool  # it is the file, with its comments, brought to what is stored


def export(current: Current, rules: Rules, file: Path | None) -> Exported:
    """The stored configuration as text; `file` is the one it came from, if any."""
    if file is not None:
        text = _into(file, current, rules)
        if text is not None and _says(text, rules, current.state):
            return Exported(text, commented=True)
    head = f"# The configuration of bobdns, revision {current.revision}.\n"
    return Exported(head + _dump(_plain(flat(current.state), top=True)), commented=False)


def _into(file: Path, current: Current, rules: Rules) -> str | None:
    """The text of a file brought to what is stored, or None where that cannot be."""
    try:
        if file.stat().st_size > MAX_COMMENTED or len(current.state.get("zones", ())) > MAX_COMMENTED_ROWS:
            return None
        seed = read_seed(file, rules)
        if seed.validated.findings.errors:
            return None
        document = _yaml().load(file.read_text(encoding="utf-8"))
    except (OSError, DocumentError, YAMLError, UnicodeDecodeError):
        return None
    if document is None:
        return None
    _merge(document, flat(seed.validated.values), flat(current.state), current.catalogue.root)
    return _dump(document)


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
