"""set, unset, add, remove."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cfgmgr import edits
from cfgmgr.catalogue import our_catalogue
from cfgmgr.errors import Invalid, PathError

CATALOGUE = our_catalogue()
TREE: dict[str, Any] = {
    "auth": {"udp_size": 1400},
    "listen": ["192.0.2.1@53", "192.0.2.2@53"],
    "templates": {"default": {"query_acl": [{"action": "DROP", "from": ["10.0.0.0/8"]}, {"action": "ACCEPT"}]}},
    "zones": {"example.org": {"role": "primary"}},
}
ORG = TREE["zones"]["example.org"]
TEN = {"action": "DROP", "from": ["10.0.0.0/8"]}


@pytest.fixture(autouse=True)
def unchanged():
    """No edit changes a tree in place."""
    before = copy.deepcopy(TREE)
    yield
    assert before == TREE


@pytest.mark.parametrize(
    ("path", "value", "key", "stored"),
    [
        ("auth.udp_size", 1300, "auth", {"udp_size": 1300}),
        ("auth.minimal_responses", "off", "auth", {"udp_size": 1400, "minimal_responses": False}),
        ("auth.udp_size", 1232, "auth", None),  # the default: not stored
        ("auth.tcp.idle_timeout", "30s", "auth", {"udp_size": 1400, "tcp": {"idle_timeout": "30s"}}),
        ("listen", ["::@53"], "listen", ["::@53"]),
        ("listen", ["0.0.0.0@53", "::@53"], "listen", None),
        ("listen[1]", "192.0.2.9@53", "listen", ["192.0.2.1@53", "192.0.2.9@53"]),
        ("zones.example.org.role", "secondary", "zones", {"example.org": {"role": "secondary"}}),
        (
            "zones.new.example.role",
            "secondary",
            "zones",
            {"example.org": {"role": "primary"}, "new.example": {"role": "secondary"}},
        ),
        (
            "zones.example.org.query_acl[0].action",
            "REJECT",
            "zones",
            {
                "example.org": {
                    "role": "primary",
                    "query_acl": [{"action": "REJECT", "from": ["10.0.0.0/8"]}, {"action": "ACCEPT"}],
                }
            },
        ),
        (
            "data_sources.main.url",
            "sqlite:////z",
            "data_sources",
            {"main": {"type": "database", "url": "sqlite:////z"}},
        ),
    ],
)
def test_set(path, value, key, stored):
    assert edits.set_value(TREE, CATALOGUE, path, value).tree.get(key) == stored


@pytest.mark.parametrize(
    ("path", "value", "error", "problem"),
    [
        ("auth.udp_size", "big", Invalid, "auth.udp_size: must be a whole number"),
        ("auth.udp_sise", 1, PathError, "auth has no option 'udp_sise' (did you mean 'udp_size'?)"),
        ("listen[5]", "192.0.2.9@53", PathError, "there is no item 5 in listen"),
        ("zones.example.org.role", "boss", Invalid, "zones.example.org.role: must be one of primary, secondary"),
        ("zones", {"a..b": {}}, Invalid, "zones.a..b: the key must be a domain name"),
        ("", {"listn": []}, Invalid, "listn: unknown option (did you mean 'listen'?)"),
    ],
)
def test_set_refuses_what_cannot_be(path, value, error, problem):
    with pytest.raises(error) as caught:
        edits.set_value(TREE, CATALOGUE, path, value)
    assert problem in str(caught.value)


def test_everything_can_be_set_at_once():
    assert edits.set_value(TREE, CATALOGUE, "", {"listen": ["::@53"]}).tree == {"listen": ["::@53"]}


@pytest.mark.parametrize(
    ("path", "key", "stored"),
    [
        ("auth.udp_size", "auth", None),
        ("auth", "auth", None),
        ("auth.version", "auth", {"udp_size": 1400}),  # has its default already
        ("listen", "listen", None),
        ("listen[0]", "listen", ["192.0.2.2@53"]),
        ("zones.example.org.role", "zones", {"example.org": {}}),
        ("zones.example.org", "zones", None),
        ("data_sources.main", "data_sources", {}),
        (
            "zones.example.org.query_acl[0]",
            "zones",
            {"example.org": {"role": "primary", "query_acl": [{"action": "ACCEPT"}]}},
        ),
    ],
)
def test_unset(path, key, stored):
    assert edits.unset(TREE, CATALOGUE, path).tree.get(key) == stored


@pytest.mark.parametrize("path", ["zones.gone.example", "listen[7]", "keys.k"])
def test_an_entry_that_is_not_there_cannot_be_taken_away(path):
    with pytest.raises(PathError) as caught:
        edits.unset(TREE, CATALOGUE, path)
    assert caught.value.possible


@pytest.mark.parametrize(
    ("path", "value", "name", "key", "stored"),
    [
        ("listen", "::@53", None, "listen", ["192.0.2.1@53", "192.0.2.2@53", "::@53"]),
        ("zones", None, "New.Example.", "zones", {"example.org": {"role": "primary"}, "new.example": {}}),
        ("zones", "new.example", None, "zones", {"example.org": {"role": "primary"}, "new.example": {}}),
        ("zones.new.example", None, None, "zones", {"example.org": {"role": "primary"}, "new.example": {}}),
        (
            "zones",
            {"role": "secondary"},
            "new.example",
            "zones",
            {"example.org": {"role": "primary"}, "new.example": {"role": "secondary"}},
        ),
        (
            "data_sources",
            {"type": "master-files", "directory": "/z"},
            "files",
            "data_sources",
            {
                "main": {"type": "database", "url": "sqlite:///{state_dir}/zones.sqlite"},
                "files": {"type": "master-files", "directory": "/z"},
            },
        ),
        (
            "zones.example.org.query_acl",  # what the zone inherits is what the rule is appended to
            {"action": "REJECT"},
            None,
            "zones",
            {
                "example.org": {
                    "role": "primary",
                    "query_acl": [
                        {"action": "DROP", "from": ["10.0.0.0/8"]},
                        {"action": "ACCEPT"},
                        {"action": "REJECT"},
                    ],
                }
            },
        ),
        (
            "zones.example.org.notify",
            {"address": "192.0.2.9"},
            None,
            "zones",
            {"example.org": {"role": "primary", "notify": [{"address": "192.0.2.9"}]}},
        ),
        ("keys", None, "k.example", "keys", {"k.example": {}}),
    ],
)
def test_add(path, value, name, key, stored):
    assert edits.add(TREE, CATALOGUE, path, value, name).tree.get(key) == stored


@pytest.mark.parametrize(
    ("path", "value", "name", "error", "problem"),
    [
        ("listen", None, None, PathError, "what shall be added to listen?"),
        ("listen", "192.0.2.1@53", None, Invalid, "'192.0.2.1@53' is listed twice"),
        ("listen", "nonsense", None, Invalid, "listen[2]: must be ADDRESS@PORT"),
        ("listen", None, "x", PathError, "listen is no map with free keys"),
        ("zones", None, "example.org", PathError, "zones[example.org] is there already"),
        ("zones", None, "a..b", PathError, "a key of zones must be a domain name, not 'a..b'"),
        (
            "auth.udp_size",
            5,
            None,
            PathError,
            "auth.udp_size is neither a list nor a map with free keys: it can be set",
        ),
    ],
)
def test_add_refuses_what_cannot_be(path, value, name, error, problem):
    with pytest.raises(error) as caught:
        edits.add(TREE, CATALOGUE, path, value, name)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "name", "key", "stored"),
    [
        ("listen", "192.0.2.1@53", None, "listen", ["192.0.2.2@53"]),
        ("listen[1]", None, None, "listen", ["192.0.2.1@53"]),
        ("zones", None, "example.org", "zones", None),
        ("zones", "Example.org.", None, "zones", None),
        ("zones.example.org", None, None, "zones", None),
        (
            "zones.example.org.query_acl",
            {"action": "ACCEPT"},
            None,
            "zones",
            {"example.org": {"role": "primary", "query_acl": [{"action": "DROP", "from": ["10.0.0.0/8"]}]}},
        ),
    ],
)
def test_remove(path, value, name, key, stored):
    assert edits.remove(TREE, CATALOGUE, path, value, name).tree.get(key) == stored


@pytest.mark.parametrize(
    ("path", "value", "name", "problem"),
    [
        ("listen", "192.0.2.9@53", None, "listen has no item '192.0.2.9@53'"),
        ("zones", None, "gone.example", "there is no zones[gone.example]"),
        ("auth.udp_size", 5, None, "auth.udp_size is neither a list nor a map with free keys"),
    ],
)
def test_remove_refuses_what_is_not_there(path, value, name, problem):
    with pytest.raises(PathError, match=problem.replace("[", r"\[")):
        edits.remove(TREE, CATALOGUE, path, value, name)
