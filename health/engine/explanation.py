"""What there is to know of a test case or a tag, for people who ask."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from health.engine import system
from health.engine.catalogue import Catalogue
from health.engine.plan import all_cases
from health.engine.registry import Case, Tag


def cases() -> list[Case]:
    """All test cases in the order they run."""
    return list(all_cases().values())


def explain(word: str, texts: Catalogue) -> list[dict[str, object]]:
    """Every meaning of a tag, or a case by its name; empty where there is none."""
    case = all_cases().get(word.lower())
    if case is not None:
        return [_case(case, texts)]
    found: dict[tuple[str, str], dict[str, object]] = {}
    for module, name, tag, declared in _declared():
        if tag == word.upper():
            document = found.setdefault((module, tag), _tag(module, tag, declared, texts))
            named = document["cases"]
            assert isinstance(named, list)
            if name:
                named.append(name)
    return list(found.values())


def _declared() -> Iterator[tuple[str, str, str, Tag]]:
    for case in cases():
        for tag, declared in case.tags.items():
            yield case.module, case.name, tag, declared
    for tag, declared in system.TAGS.items():
        yield system.MODULE, "", tag, declared


def _tag(module: str, tag: str, declared: Tag, texts: Catalogue) -> dict[str, object]:
    return {
        "tag": tag,
        "module": module,
        "level": declared.level.name,
        "message": texts.template(module, tag) or "",
        "arguments": list(declared.arguments),
        "cases": [],
    }


def _case(case: Case, texts: Catalogue) -> dict[str, object]:
    return {
        "case": case.name,
        "module": case.module,
        "about": texts.title(case.name),
        "details": " ".join((inspect.getdoc(case.function) or "").split()),
        "tags": [f"{tag} ({declared.level.name})" for tag, declared in case.tags.items()],
    }
