"""Every tag has a text in English, and every text fits its tag."""

from __future__ import annotations

import re

import pytest

from health.engine import catalogue, system
from health.engine.errors import CatalogueError
from health.engine.levels import Level
from health.engine.plan import MODULES, all_cases
from health.engine.results import Entry

DECLARED = [
    *((case.module, tag, declared) for case in all_cases().values() for tag, declared in case.tags.items()),
    *((system.MODULE, tag, declared) for tag, declared in {**system.TAGS, **system.FRAME}.items()),
]


@pytest.mark.parametrize("module", [*MODULES, system.MODULE])
def test_every_tag_has_an_english_text(module):
    texts = catalogue.load("en")
    assert [tag for m, tag, _ in DECLARED if m == module and not texts.template(m, tag)] == []


@pytest.mark.parametrize("language", catalogue.languages())
def test_texts_name_only_arguments_of_their_tag(language):
    texts = catalogue.load(language)
    known: dict[tuple[str, str], set[str]] = {}
    for module, tag, declared in DECLARED:
        known.setdefault((module, tag), set()).update(declared.arguments)
    wrong = []
    for (module, tag), arguments in known.items():
        named = set(re.findall(r"\{(\w+)\}", texts.template(module, tag) or ""))
        wrong += [f"{module}.{tag}: {name}" for name in named - arguments]
    assert wrong == []


@pytest.mark.parametrize("language", [language for language in catalogue.languages() if language != "en"])
def test_a_translation_is_whole_and_says_as_much_as_the_english_text(language):
    english, translated = catalogue.load("en"), catalogue.own(language)
    assert english.tags.keys() - translated.tags.keys() == set()
    assert english.cases.keys() - translated.cases.keys() == set()
    assert english.words.keys() == translated.words.keys()

    def named(text):
        return sorted(re.findall(r"\{\w+\}", text))

    assert [key for key, text in english.tags.items() if named(text) != named(translated.tags[key])] == []


@pytest.mark.parametrize("language", catalogue.languages())
def test_there_is_no_text_for_a_tag_nobody_gives(language):
    known = {(module.lower(), tag) for module, tag, _ in DECLARED}
    assert [key for key in catalogue.load(language).tags if key not in known] == []


def test_every_case_has_a_title_in_english():
    assert [name for name in (c.name for c in all_cases().values()) if catalogue.load("en").title(name) == name] == []


def test_a_sentence_has_its_arguments():
    entry = Entry("System", "Unspecified", "CANNOT_CONTINUE", Level.CRITICAL, 0.0, {"domain": "a.example"})
    assert "a.example" in catalogue.load("en").text(entry)
    assert catalogue.load("de").text(entry) != catalogue.load("en").text(entry)
    assert catalogue.load("de_DE.UTF-8").language == "de"


def test_an_argument_that_looks_like_one_is_not_replaced_again():
    entry = Entry("System", "Unspecified", "CANNOT_CONTINUE", Level.CRITICAL, 0.0, {"domain": "{domain}"})
    assert "{domain}" in catalogue.load("en").text(entry)


def test_a_tag_without_a_text_is_shown_with_its_arguments():
    entry = Entry("Basic", "Basic01", "NEW", Level.INFO, 0.0, {"ns_list": ["a", "b"], "x": 1})
    assert catalogue.load("en").text(entry) == "NEW ns_list=a, b; x=1"


@pytest.mark.parametrize("language", ["xx", "../en", "", "e"])
def test_a_language_there_is_not_is_refused(language):
    with pytest.raises(CatalogueError):
        catalogue.load(language)
