"""How paths go on, and what options take."""

from __future__ import annotations

import pytest

from cfgmgr import guidance
from cfgmgr.catalogue import our_catalogue
from cfgmgr.edits import seen
from cfgmgr.errors import PathError

CATALOGUE = our_catalogue()
TREE = seen(
    {
        "templates": {"plain": {}, "hidden": {}},
        "zones": {"example.org": {"query_acl": [{"action": "DROP"}, {"action": "ACCEPT"}]}, "example.net": {}},
    },
    CATALOGUE,
)


def paths(text, limit=50, tree=TREE):
    return [known.path for known in guidance.paths(text, CATALOGUE.root, tree, limit)[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t", ["templates.plain", "templates.hidden"]),  # only one way on: what is inside it
        ("zones.", ["zones.example.org", "zones.example.net"]),
        ("zones.example.n", ["zones.example.net.", None]),
        ("zones.example.org.ro", ["zones.example.org.role"]),
        ("zones[example.org].ro", ["zones[example.org].role"]),
        ("zones[ex", ["zones[example.org]", "zones[example.net]"]),
        ("zones[new.example].ro", ["zones[new.example].role"]),  # one that is about to be made
        ("zones.new.example.ro", ["zones.new.example.role"]),
        ("zones.example.nowhere", []),
        ("zones.example.org.query_acl", ["zones.example.org.query_acl", "zones.example.org.query_acl[0]",
                                         "zones.example.org.query_acl[1]"]),
        ("zones.example.org.query_acl[1].act", ["zones.example.org.query_acl[1].action"]),
        ("auth.tcp.idle", ["auth.tcp.idle_timeout"]),
        ("auth.tcp.idle_timeout", ["auth.tcp.idle_timeout"]),
        ("auth.tcp.idle_timeout.", []),
        ("nothing", []),
    ],
)  # fmt: skip
def test_how_a_path_goes_on(text, expected):
    found = paths(text)
    if None in expected:
        assert all(path.startswith(expected[0]) for path in found)
        assert len(found) > 1
    else:
        assert found == expected


def test_every_top_level_key_is_offered_with_what_it_is():
    found, more = guidance.paths("", CATALOGUE.root, TREE, 200)
    assert [known.path for known in found] == list(CATALOGUE.options)
    assert not more
    assert all(known.kind and known.text and "\n" not in known.text for known in found)


def test_of_100_000_zones_only_as_many_as_asked_are_offered():
    tree = {**TREE, "zones": {f"z{number}.example": {} for number in range(100_000)}}
    found, more = guidance.paths("zones.z9", CATALOGUE.root, tree, 20)
    assert (len(found), more) == (20, True)
    assert "zones.z99999.example.role" in paths("zones.z99999.example.r", tree=tree)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("zones.example.org.role", ["primary", "secondary"]),
        ("auth.minimal_responses", ["true", "false"]),
        ("zones.example.org.data_source", list(TREE["data_sources"])),
        ("zones.example.org.template", ["plain", "hidden"]),
        ("zones.new.example.role", ["primary", "secondary"]),  # an entry that is about to be made
        ("auth.udp_size", []),
    ],
)
def test_values_there_are(path, values):
    assert guidance.describe(path, CATALOGUE.root, TREE).values == values


def test_values_are_narrowed_by_what_is_typed():
    assert guidance.describe("zones.example.org.template", CATALOGUE.root, TREE, prefix="hid").values == ["hidden"]


def test_an_option_is_described():
    described = guidance.describe("auth.udp_size", CATALOGUE.root, TREE)
    assert (described.kind, described.default, described.inside) == ("integer", 1232, [])
    assert "from" in described.expects
    assert described.text


def test_a_map_is_described_with_what_is_inside():
    described = guidance.describe("auth.tcp", CATALOGUE.root, TREE)
    assert "idle_timeout" in {known.path for known in described.inside}


def test_what_is_not_there_is_not_described():
    with pytest.raises(PathError):
        guidance.describe("auth.udp_sise", CATALOGUE.root, TREE)
