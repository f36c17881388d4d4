"""Access control lists: the language, and what is said about mistakes."""

from __future__ import annotations

import pytest

from daemonkit.findings import Findings
from daemonkit.option_acl import MAX_DEPTH
from daemonkit.spec import read_inline_option

ACL = read_inline_option({"type": "acl", "default": [{"action": "ACCEPT"}]})


def checked(value):
    findings = Findings()
    stored = ACL.check(value, ("acl",), findings)
    return stored, [str(finding) for finding in findings.errors], findings


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ([], []),
        ([{"action": "ACCEPT"}], [{"action": "ACCEPT"}]),
        ([{"action": "DROP", "from": "192.0.2.1"}], [{"action": "DROP", "from": ["192.0.2.1"]}]),
        (
            [{"action": "ACCEPT", "from": ["192.0.2.0/24", "2001:DB8::/32"], "key": "K.Example."}],
            [{"action": "ACCEPT", "from": ["192.0.2.0/24", "2001:db8::/32"], "key": ["k.example"]}],
        ),
        (
            [{"action": "ACCEPT", "ANY": [{"from": "192.0.2.1"}, {"NOT": {"key": "k"}}]}],
            [{"action": "ACCEPT", "ANY": [{"from": ["192.0.2.1"]}, {"NOT": {"key": ["k"]}}]}],
        ),
    ],
)
def test_a_list_of_rules_is_kept_with_lists_of_values(value, stored):
    assert checked(value)[:2] == (stored, [])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "acl: must be a list of rules such as {action: ACCEPT, from: 192.0.2.0/24}, not nothing"),
        ("any", "acl: must be a list of rules such as {action: ACCEPT, from: 192.0.2.0/24}, not 'any'"),
        (["any"], "acl[0]: must be a rule such as {action: ACCEPT, from: 192.0.2.0/24}, not 'any'"),
        ([{}], "acl[0]: action is missing: one of ACCEPT, REJECT, DROP"),
        ([{"action": "ALLOW"}], "acl[0].action: must be one of ACCEPT, REJECT, DROP, not 'ALLOW'"),
        ([{"action": "accept"}], "acl[0].action: must be one of ACCEPT, REJECT, DROP, not 'accept'"),
        (
            [{"action": "DROP", "form": "192.0.2.1"}],
            "acl[0].form: unknown check (did you mean 'from'?); there are from, key, ANY, ALL, NOT",
        ),
        (
            [{"action": "DROP", "from": []}],
            "acl[0].from: must not be empty: an IP address or prefix such as 192.0.2.0/24 or a list of them",
        ),
        (
            [{"action": "DROP", "from": "localhost"}],
            "acl[0].from: must be an IP address or prefix such as 192.0.2.0/24, not 'localhost'",
        ),
        ([{"action": "DROP", "ANY": []}], "acl[0].ANY: must have at least 1 item"),
        ([{"action": "DROP", "NOT": {}}], "acl[0].NOT: must not be empty: at least one of from, key, ANY, ALL, NOT"),
        (
            [{"action": "DROP", "ALL": [{}]}],
            "acl[0].ALL[0]: must not be empty: at least one of from, key, ANY, ALL, NOT",
        ),
        (
            [{"action": "DROP", "ANY": [{"action": "DROP"}]}],
            "acl[0].ANY[0].action: unknown check (did you mean 'action'?)",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(value, problem):
    _, problems, _ = checked(value)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_checks_are_nested_so_deep_and_no_deeper():
    rule: dict[str, object] = {"from": "192.0.2.1"}
    for _ in range(MAX_DEPTH - 1):
        rule = {"NOT": rule}
    assert checked([{"action": "DROP", **rule}])[1] == []
    assert "nested deeper than 8 levels" in checked([{"action": "DROP", "NOT": rule}])[1][0]


def test_keys_are_references():
    _, _, findings = checked([{"action": "ACCEPT", "ALL": [{"key": ["a.example", "b.example"]}]}])
    assert [(reference.root, reference.key) for reference in findings.references] == [
        ("keys", "a.example"),
        ("keys", "b.example"),
    ]


def test_no_list_is_not_an_empty_list():
    assert read_inline_option({"type": "acl"}).complete() is None
    assert read_inline_option({"type": "acl"}).complete([]) == []
