"""Paths as operators write them, keys with dots among them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmgr.addressing import find
from cfgmgr.catalogue import our_catalogue
from cfgmgr.errors import PathError

ROOT = our_catalogue().root
TREE = {
    "zones": {"example.org": {"query_acl": [{"action": "ACCEPT"}]}, "b.example": {}, "health": {}},
    "keys": {"k.example": {}},
    "data_sources": {"main": {}},
    "listen": ["192.0.2.1@53"],
}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("listen", ("listen",)),
        ("listen[0]", ("listen", 0)),
        ("auth.tcp.idle_timeout", ("auth", "tcp", "idle_timeout")),
        ("zones.example.org", ("zones", "example.org")),
        ("zones.example.org.", ("zones", "example.org")),
        ("zones.Example.ORG", ("zones", "example.org")),
        ("zones.example.org.role", ("zones", "example.org", "role")),
        ("zones.example.org.health.every", ("zones", "example.org", "health", "every")),
        ("zones[example.org].role", ("zones", "example.org", "role")),
        ("zones['new.example'].role", ("zones", "new.example", "role")),
        ('zones["new.example"]', ("zones", "new.example")),
        ("zones.new.example", ("zones", "new.example")),
        ("zones.example.org.query_acl[0].action", ("zones", "example.org", "query_acl", 0, "action")),
        ("zones.example.org.query_acl[1].ANY[0].from", ("zones", "example.org", "query_acl", 1, "ANY", 0, "from")),
        ("zones.example.org.notify[0].address", ("zones", "example.org", "notify", 0, "address")),
        ("keys.k.example.algorithm", ("keys", "k.example", "algorithm")),
        ("data_sources.main.url", ("data_sources", "main", "url")),
        ("zones.health", ("zones", "health")),
        ("zones.health.health", ("zones", "health", "health")),
    ],
)
def test_a_path_leads_to_one_place(text, path):
    assert find(text, ROOT, TREE).path == path


@pytest.mark.parametrize(
    ("text", "value", "path"),
    [
        ("zones.new.example.role", "secondary", ("zones", "new.example", "role")),
        ("zones.new.example.role", {"role": "secondary"}, ("zones", "new.example.role")),
        ("zones.new.example", {}, ("zones", "new.example")),
        ("keys.a.b.algorithm", "hmac-sha512", ("keys", "a.b", "algorithm")),
    ],
)
def test_the_value_tells_what_is_meant_where_nothing_is_there_yet(text, value, path):
    assert find(text, ROOT, TREE, value).path == path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("liste", "there is no part of the configuration called 'liste' (did you mean 'listen'?)"),
        ("auth.tcp.idle", "auth.tcp has no option 'idle'; there are connections, "),
        ("auth.minimal_response", "auth has no option 'minimal_response' (did you mean 'minimal_responses'?)"),
        ("zones.example.org.rol", "zones.example.org has no option 'rol' (did you mean 'role'?)"),
        ("listen.0", "listen is a list; its items are listen[0], listen[1] and so on"),
        ("listen[first]", "listen is a list; its items are listen[0], listen[1] and so on"),
        ("listen[9999999]", "listen is a list; its items are listen[0], listen[1] and so on"),
        ("listen[0].port", "listen[0] has nothing inside that could be called 'port'"),
        ("auth..tcp", "'auth..tcp' is not a path: unexpected '.' at character 5"),
        ("auth[tcp", "'auth[tcp' is not a path: unexpected '[' at character 5"),
        ("zones.a b.role", "zones['a b']: the key must be a domain name"),
        (
            "zones.new.example.role",
            "zones.new.example.role may mean zones[new.example].role or zones[new.example.role]: write the one",
        ),
        ("x" * 3000, "a path of 3000 characters is too long"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(text, problem):
    with pytest.raises(PathError) as caught:
        find(text, ROOT, TREE)
    assert problem in str(caught.value)


def test_a_place_is_spelled_without_doubt():
    assert find("zones.example.org.query_acl[0]", ROOT, TREE).spelling == "zones[example.org].query_acl[0]"


@given(st.text(alphabet="zonesaukthlig.[]'\"0 ", max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_place_or_refused(text):
    try:
        place = find(text, ROOT, TREE)
    except PathError:
        return
    assert find(place.spelling, ROOT, TREE).path == place.path
