"""Specs: ours all load, and a wrong one is refused with file, line and path."""

from __future__ import annotations

import textwrap

import pytest

from daemonkit.spec import Spec, SpecError, modules

GOOD = """
    module: toy
    title: Greets
    component: {program: toy, kind: needed, needs: [cfgmgr], instances: cores, spare: true}
    reads: [zones]
    roots: {words: {type: list, item: {type: string}}}
    options: {word: {type: string, default: hello}, wait: {type: duration, default: 5s}}
    commands: {greet: {text: Greet., role: read, arguments: {name: whom}}}
    topics: {greeted: {text: Somebody was greeted.}}
    statistics: {greetings: {type: counter, text: Greetings.}}
    messages: {TOY_GREETED: {severity: info, text: "{name} was greeted {times} times"}}
"""


def load(tmp_path, text):
    file = tmp_path / "toy.yaml"
    file.write_text(textwrap.dedent(text))
    return Spec.load(file)


@pytest.mark.parametrize("name", modules())
def test_our_own_specs_load(name):
    spec = Spec.load(name)
    assert spec.module == name
    assert spec.title


def test_a_spec_tells_everything_about_a_module(tmp_path):
    spec = load(tmp_path, GOOD)
    assert spec.component is not None
    assert (spec.component.kind, spec.component.instances, spec.component.spare) == ("needed", "cores", True)
    assert set(spec.configurable) == {"toy", "words"}
    assert spec.commands["greet"].arguments == {"name": "whom"}
    assert spec.statistics["greetings"].kind == "counter"
    assert spec.messages["TOY_GREETED"].fields == {"name", "times"}


def test_effective_values_are_complete_and_converted(tmp_path):
    spec = load(tmp_path, GOOD)
    assert spec.effective({"toy": {"word": "ciao"}}, str) == {"toy": {"word": "ciao", "wait": 5.0}, "words": []}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title: x", "toy.yaml:1: module is missing: text"),
        ("module: toy\ntitle: x\nopions: {}", "toy.yaml:3: opions: unknown field (did you mean 'options'?)"),
        ("module: Toy!\ntitle: x", "toy.yaml:1: module: must match [a-z][a-z0-9_-]{0,62}, not 'Toy!'"),
        ("module: toy\ntitle: 5", "toy.yaml:2: title: must be text, not 5"),
        (
            "module: toy\ntitle: x\noptions:\n  a: {type: strin}",
            "toy.yaml:4: options.a.type: must be one of boolean, integer, number, duration, size, string, choice,",
        ),
        (
            "module: toy\ntitle: x\noptions: {a: {type: string, minimum: 1}}",
            "toy.yaml:3: options.a.minimum: unknown field",
        ),
        (
            "module: toy\ntitle: x\noptions: {a: {type: integer, minimum: 2, default: 1}}",
            "toy.yaml:3: options.a.default: must be a whole number, at least 2, not 1",
        ),
        (
            "module: toy\ntitle: x\noptions: {a: {type: string, required: true, default: b}}",
            "toy.yaml:3: options.a.default: a required option has no default",
        ),
        ("module: toy\ntitle: x\noptions: {A: {type: string}}", "toy.yaml:3: options.A: the name must match"),
        ("module: toy\ntitle: x\noptions: {a: {type: list}}", "toy.yaml:3: options.a: item is missing: an option"),
        ("module: toy\ntitle: x\noptions: {a: {type: choice}}", "toy.yaml:3: options.a: values is missing"),
        (
            "module: toy\ntitle: x\noptions: {a: {type: string, pattern: '['}}",
            "toy.yaml:3: options.a.pattern: must be a regular expression",
        ),
        (
            (
                "module: toy\ntitle: x\n"
                "options: {a: {type: set, item: {type: name}, key: {type: list, item: {type: name}}}}"
            ),
            "toy.yaml:3: options.a.key: must be of a type with plain values",
        ),
        (
            "module: toy\ntitle: x\noptions: {a: {type: integer}}\nroots: {toy: {type: string}}",
            "toy.yaml:4: roots.toy: the module has options below its own name",
        ),
        (
            "module: toy\ntitle: x\ncommands: {greet: {text: x}}",
            "toy.yaml:3: commands.greet.role: must be one of read,",
        ),
        (
            "module: toy\ntitle: x\ncommands: {greet: {text: x, role: boss}}",
            "toy.yaml:3: commands.greet.role: must be one of read, operate, configure, admin, not 'boss'",
        ),
        (
            "module: toy\ntitle: x\nmessages: {TOY_X: {severity: info, text: 'a {b'}}",
            "toy.yaml:3: messages.TOY_X.text: must be a text with {fields}",
        ),
        (
            "module: toy\ntitle: x\nmessages: {toy: {severity: info, text: x}}",
            "toy.yaml:3: messages.toy: the name must",
        ),
        (
            "module: toy\ntitle: x\ncomponent: {program: toy, kind: vital}",
            "toy.yaml:3: component.kind: must be one of dispensable, needed, core, not 'vital'",
        ),
        (
            "module: toy\ntitle: x\ncomponent: {program: toy, instances: many}",
            "toy.yaml:3: component.instances: must be a whole number from 0 to 1024 or cores, not 'many'",
        ),
        ("[]", "toy.yaml:1: must be a map, not a list"),
        ("a: [\n", "toy.yaml:1: is not YAML"),
    ],
)
def test_a_wrong_spec_says_where_and_why(tmp_path, text, problem):
    with pytest.raises(SpecError) as caught:
        load(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert any(problem in line for line in lines), lines


def test_all_problems_of_a_spec_are_told(tmp_path):
    with pytest.raises(SpecError) as caught:
        load(tmp_path, "module: toy\ntitle: x\nfoo: 1\noptions: {a: {}, b: {type: integer, text: 5}}")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("name", ["nothing", "../specs/bob", "", "Bob"])
def test_a_module_without_a_spec_is_said_to_have_none(name):
    with pytest.raises(SpecError, match="there is no spec of a module"):
        Spec.load(name)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        Spec.load(tmp_path / "gone.yaml")
