"""The texts of messages in the languages there are: `messages/<language>/<module>.yaml`.

A language need not be complete: what it lacks is English. Catalogues are read only, and safe to share.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from health.engine.errors import CatalogueError
from health.engine.results import Entry, Value

MESSAGES = Path(__file__).with_name("messages")
ENGLISH = "en"
_ARGUMENT = re.compile(r"\{(\w+)\}")
_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{2,8})?(\.[\w-]+)?\Z")  # also as in LANG: de_DE.UTF-8


@dataclass(frozen=True)
class Catalogue:
    """The texts of one language: of tags by module and tag, of cases by name ("Basic01"), and words about a report."""

    language: str
    tags: Mapping[tuple[str, str], str]
    cases: Mapping[str, str]
    words: Mapping[str, str] = field(default_factory=dict)

    def text(self, entry: Entry) -> str:
        """An entry as a sentence; one of a tag without a text is the tag with its arguments."""
        template = self.template(entry.module, entry.tag)
        if template is None:
            listed = "; ".join(f"{name}={value_text(value)}" for name, value in sorted(entry.arguments.items()))
            return f"{entry.tag} {listed}".rstrip()
        return _filled(template, entry.arguments)

    def word(self, name: str, **arguments: Value) -> str:
        """What a report says of itself: LOOKS_OK, NOTHING_SHOWN, INTERRUPTED, COST."""
        return _filled(self.words[name], arguments)

    def template(self, module: str, tag: str) -> str | None:
        """The text of a tag with its arguments in braces; what all modules say is among the texts of System."""
        return self.tags.get((module.lower(), tag)) or self.tags.get(("system", tag))

    def title(self, case: str) -> str:
        """What a case is about; its name where nobody said."""
        return self.cases.get(case, case)


def _filled(template: str, arguments: Mapping[str, Value]) -> str:
    return _ARGUMENT.sub(lambda found: value_text(arguments.get(found[1], found[0])), template)


def value_text(value: Value) -> str:
    """The value of an argument within a sentence."""
    return ", ".join(value) if isinstance(value, list) else str(value)


def languages() -> list[str]:
    """The languages there are texts in."""
    return sorted(path.name for path in MESSAGES.iterdir() if any(path.glob("*.yaml")))


@functools.cache
def load(language: str) -> Catalogue:
    """The catalogue of a language ("de", "de_DE", "de_DE.UTF-8"), filled up with English.

    Raises CatalogueError for a language there is none of.
    """
    short = re.split(r"[_.-]", language)[0].lower()
    if not _LANGUAGE.match(language) or short not in languages():
        raise CatalogueError(f"there are no messages in {language!r}, only in {', '.join(languages())}")
    english, translated = own(ENGLISH), own(short)
    return Catalogue(
        short,
        {**english.tags, **translated.tags},
        {**english.cases, **translated.cases},
        {**english.words, **translated.words},
    )


def own(language: str) -> Catalogue:
    """What there is in a language ("de"), and nothing else; raises CatalogueError where it cannot be read."""
    tags: dict[tuple[str, str], str] = {}
    cases: dict[str, str] = {}
    words: dict[str, str] = {}
    for path in sorted((MESSAGES / language).glob("*.yaml")):
        document = _read(path)
        tags |= {(path.stem, tag): text for tag, text in document.get("tags", {}).items()}
        cases |= document.get("cases", {})
        words |= document.get("words", {})
    return Catalogue(language, tags, cases, words)


def _read(path: Path) -> Mapping[str, Mapping[str, str]]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(path.read_text("utf-8"), Loader=loader)  # noqa: S506 - the safe loader, in C if it can be
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogueError(f"the message catalogue {path} cannot be read: {error}") from error
    if not isinstance(document, Mapping) or set(document) - {"cases", "tags", "words"}:
        raise CatalogueError(f"the message catalogue {path} must have `cases`, `tags` and `words` and nothing else")
    for part in document.values():
        for name, text in part.items():
            if not isinstance(name, str) or not isinstance(text, str):
                raise CatalogueError(f"the message catalogue {path}: {name!r} must be a text")
    return document
