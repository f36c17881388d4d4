"""Validation of whole configurations: every mistake with file, line, path and reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cfgmgr.configurations import NORMATIVE, handed, problems, rules, validated, warnings


def test_the_normative_example_is_valid():
    assert problems(NORMATIVE) == []


def test_the_normative_example_says_what_has_no_effect_yet():
    told = "\n".join(warnings(NORMATIVE))
    for path in ("bob.yaml:15: zones.example.org.health",):
        assert f"{path}: has no effect yet: " in told


def test_a_secret_that_cannot_be_read_is_a_warning():
    assert any(
        "/etc/bob/transfer.key cannot be used: No such file or directory" in line for line in warnings(NORMATIVE)
    )


def test_that_the_default_template_counts_no_zone_that_is_not_listed_is_a_warning():
    counting = "templates:\n  default:\n    statistics: {}\n"
    assert warnings(counting.format("true")) == [
        (
            "bob.yaml:3: templates.default.statistics: zones that are served without being listed in `zones` are not "
            "counted: list those that are to be"
        )
    ]
    assert warnings(counting.format("false")) == []
    assert warnings("templates: {counted: {statistics: true}}\nzones: {example.org: {template: counted}}") == []


def test_an_empty_configuration_is_valid_and_has_no_warnings():
    assert problems("") == []
    assert warnings("") == []


def test_a_zone_has_the_values_of_its_templates():
    checked = validated(NORMATIVE).usable()
    got = handed(checked, "auth")
    assert got["zones"]["example.net"]["role"] == "secondary"
    assert got["zones"]["example.net"]["primaries"] == [{"address": "192.0.2.1", "port": 53, "key": "transfer.example"}]
    assert got["zones"]["example.org"]["health"] == {"profile": "default", "every": 86400.0}
    assert got["zones"]["example.org"]["query_acl"] == [{"action": "ACCEPT"}]
    assert got["data_sources"]["main"]["url"] == "sqlite:////state/zones.sqlite"
    assert got["templates"]["default"]["role"] == "primary"


def test_only_what_differs_from_the_defaults_is_stored():
    stored = validated(NORMATIVE).usable().values
    assert "listen" not in stored
    assert "cmdctl" not in stored
    assert stored["keys"] == {"transfer.example": {"secret_file": "/etc/bob/transfer.key"}}
    assert stored["templates"]["default"]["role"] == "primary"  # a layer: it could lie over another


BAD = [
    ("[]", "bob.yaml:1: the configuration must be a map, not a list"),
    ("listn: []", "bob.yaml:1: listn: there is no such part of the configuration (did you mean 'listen'?)"),
    (
        "zones:\n  example.org:\n    query_acl: [{action: ALLOW}]",
        "bob.yaml:3: zones.example.org.query_acl[0].action: must be one of ACCEPT, REJECT, DROP, not 'ALLOW'",
    ),
    (
        "auth: {minimal_response: true}",
        "bob.yaml:1: auth.minimal_response: unknown option (did you mean 'minimal_responses'?)",
    ),
    ("auth: {minimal_responses: maybe}", "bob.yaml:1: auth.minimal_responses: must be true or false, not 'maybe'"),
    ("listen: [nonsense]", "bob.yaml:1: listen[0]: must be ADDRESS@PORT such as 127.0.0.1@53, not 'nonsense'"),
    ("listen: 127.0.0.1@53", "bob.yaml:1: listen: must be a list, not '127.0.0.1@53'"),
    ("listen: [127.0.0.1@53, 127.0.0.1@53]", "bob.yaml:1: listen[1]: '127.0.0.1@53' is listed twice"),
    (
        "listen:\n- 0.0.0.0@53\n- ::@53\n- 127.0.0.1@53",
        "bob.yaml:4: listen[2]: 127.0.0.1@53 overlaps with 0.0.0.0@53 of listen",
    ),
    ("listen:\n- 127.0.0.1@53\n- 0.0.0.0@53", "bob.yaml:3: listen[1]: 0.0.0.0@53 overlaps with 127.0.0.1@53 of listen"),
    (
        "zones:\n  Example.org.: {}\n  example.ORG: {}",
        "bob.yaml:3: zones.example.ORG: is the same as 'Example.org.', which is given too",
    ),
    ("zones: {a..b: {}}", "bob.yaml:1: zones.a..b: the key must be a domain name"),
    (
        "zones: {example.org: {template: missing}}",
        "bob.yaml:1: zones.example.org.template: there is no 'missing' in templates",
    ),
    (
        "templates: {secondaries: {}}\nzones:\n  example.org:\n    template: secondary",
        "bob.yaml:4: zones.example.org.template: there is no 'secondary' in templates (did you mean 'secondaries'?)",
    ),
    (
        "zones: {example.org: {data_source: mian}}",
        "bob.yaml:1: zones.example.org.data_source: there is no 'mian' in data_sources (did you mean 'main'?)",
    ),
    (
        "templates:\n  default:\n    transfer_acl:\n    - action: ACCEPT\n      key: k.example",
        "bob.yaml:5: templates.default.transfer_acl[0].key: there is no 'k.example' in keys",
    ),
    ("templates: {a: {template: b}}", "bob.yaml:1: templates.a.template: unknown option; there are "),
    (
        "zones: {example.org: {role: secondary}}",
        "bob.yaml:1: zones.example.org: is a secondary zone, but no primaries are given for it",
    ),
    (
        """data_sources: {f: {type: master-files, directory: /z}}
zones: {example.org: {role: secondary, primaries: [{address: 192.0.2.1}], data_source: f}}""",
        "bob.yaml:2: zones.example.org: cannot be kept in f: master files are only read",
    ),
    (
        "data_sources: {main: {type: database}}",
        "bob.yaml:1: data_sources.main: url is missing: a data source of type database needs it",
    ),
    (
        "data_sources: {main: {url: 'sqlite:///x'}}",
        "bob.yaml:1: data_sources.main: type is missing: one of database, master-files",
    ),
    (
        "data_sources: {f: {type: master-files, directory: /z, url: 'sqlite:///x'}}",
        "bob.yaml:1: data_sources.f.url: has no meaning for a data source of type master-files",
    ),
    (
        "data_sources:\n  a: {type: database, url: 'sqlite:///x'}\n  b: {type: database, url: 'sqlite:///x'}",
        "bob.yaml:3: data_sources.b.url: is the same as that of a",
    ),
    (
        "data_sources: {a: {type: database, url: 'postgresql://u:secret@h/d'}}",
        "bob.yaml:1: data_sources.a.url: must not hold a password: it would be shown to everybody who may look",
    ),
    ("keys: {k: {secret: xyz}}", "bob.yaml:1: keys.k.secret: unknown option (did you mean 'secret_file'?)"),
    (
        "logging: {modules: {atuh: {level: debug}}}",
        "bob.yaml:1: logging.modules.atuh: there is no module 'atuh' (did you mean 'auth'?)",
    ),
    ("keys: {k: {}}", "bob.yaml:1: keys.k: secret_file is missing: an absolute path"),
    ("components: {cfgmgr: {instances: 2}}", "bob.yaml:1: components.cfgmgr: is built in and cannot be configured"),
    (
        "components: {atuh: {instances: 2}}",
        "bob.yaml:1: components.atuh: is no component of ours (did you mean 'auth'?)",
    ),
    ("components: {zones: {}}", "bob.yaml:1: components.zones: is no component of ours"),
    ("components: {auth: {program: /bin/true}}", "bob.yaml:1: components.auth.program: auth is a component of ours"),
    ("components: {auth: {needs: [nobody]}}", "bob.yaml:1: components.auth.needs[0]: there is no component 'nobody'"),
    (
        "components:\n  x: {program: /bin/true, needs: [y]}\n  y: {program: /bin/true, needs: [x]}",
        "bob.yaml:2: components.x.needs[0]: y needs x itself",
    ),
    (
        "components: {x: {program: /bin/true, spec: /gone.yaml}}",
        "bob.yaml:1: components.x.spec: the spec cannot be used: /gone.yaml: cannot be read",
    ),
    ("components: {auth: {instances: many}}", "bob.yaml:1: components.auth.instances: must be "),
    ("auth: 5", "bob.yaml:1: auth: must be a map, not 5"),
    ("listen: [127.0.0.1@53]\nlisten: []", "bob.yaml:2: the key 'listen' is given twice (first in line 1)"),
]


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_a_mistake_is_told_with_file_line_path_and_reason(text, problem):
    from daemonkit.document import DocumentError

    try:
        told = problems(text)
    except DocumentError as error:
        told = [str(error)]
    assert [line for line in told if line.startswith(problem)], told


def test_every_mistake_is_told_not_only_the_first():
    text = """
listen: [x]
auth: {udp_sise: 1, minimal_responses: maybe}
zones: {a.example: {role: boss}, b.example: {template: none}, c.example: {role: secondary}}
nonsense: 1
"""
    assert len(problems(text)) == 7


def test_two_families_of_one_wildcard_port_do_not_overlap():
    assert problems('listen: ["0.0.0.0@53", "::@53", "127.0.0.1@54"]') == []


def test_the_template_default_need_not_be_given():
    assert problems("zones: {example.org: {template: default}}") == []


def test_no_data_source_is_a_warning():
    assert warnings("data_sources: {}") == ["bob.yaml:1: data_sources: there is no data source: no zone can be served"]


@pytest.fixture
def spec(tmp_path):
    """A spec of a component that is not ours, in a file; a function of its text."""

    def write(text, name="toy.yaml"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


TOY = "module: toy\ntitle: x\ncomponent: {program: toy}\noptions: {word: {type: string}, door: {type: endpoint}}\n"


def test_a_component_that_is_not_ours_brings_its_options(spec):
    file = spec(TOY)
    text = f"components: {{toy: {{program: /bin/true, spec: {file}}}}}\ntoy: {{word: hello}}"
    assert problems(text) == []
    checked = validated(text)
    part = handed(checked, "toy")
    assert part.pop("logging")["level"] == "info"  # concerns every module
    assert part == {"toy": {"word": "hello", "door": None}}


def test_its_options_are_checked_like_ours(spec):
    file = spec(TOY)
    text = f"components: {{toy: {{program: /bin/true, spec: {file}}}}}\ntoy: {{wrod: hello}}"
    assert problems(text) == ["bob.yaml:2: toy.wrod: unknown option (did you mean 'word'?)"]


def test_its_endpoints_must_not_overlap_with_ours(spec):
    file = spec(TOY)
    text = f"components: {{toy: {{program: /bin/true, spec: {file}}}}}\ntoy:\n  door: 127.0.0.1@53"
    assert problems(text) == ["bob.yaml:3: toy.door: 127.0.0.1@53 overlaps with 0.0.0.0@53 of listen"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("module: other\ntitle: x", "the spec is of module 'other'; the component must have the same name"),
        ("module: auth\ntitle: x", "module: there is a module 'auth' already"),
        (TOY + "roots: {listen: {type: string}}", "roots: 'listen' belongs to another module"),
        (TOY + "reads: [zoens]", "reads: there is no top-level key 'zoens'"),
        ("modul: toy", "modul: unknown field (did you mean 'module'?)"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(spec, text, reason):
    file = spec(text)
    told = problems(f"components: {{toy: {{program: /bin/true, spec: {file}}}}}")
    assert told[0].startswith("bob.yaml:1: components.toy.spec: ")
    assert reason in told[0]


WORDS = """
components listen auth cmdctl data_sources keys templates zones default main type role primaries query_acl action from
key ANY NOT spec needs program health template data_source example.org secret_file url rest logging modules level
"""
KEYS = st.sampled_from(WORDS.split()) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ACCEPT", "secondary", "main", "default", "127.0.0.1@53", "/dev/null", "auth", "database"])
)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)


@given(DOCUMENTS)
@settings(max_examples=200, deadline=None)
def test_any_tree_gives_findings_and_raises_nothing(document):
    result = rules().validate(document)
    assert all(finding.reason for finding in result.findings.errors)
    handed(result, "auth")


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=5))
@settings(max_examples=200, deadline=None)
def test_what_is_stored_is_valid_and_stays_the_same(document):
    first = rules().validate(document)
    if not first.findings.errors:
        second = rules().validate(first.values)
        assert second.findings.errors == []
        assert second.values == first.values
        assert second.complete() == first.complete()
