"""A zone's values: built-in defaults, the template `default`, the template it names, its own."""

from __future__ import annotations

import pytest

from cfgmgr import zones
from cfgmgr.catalogue import our_catalogue
from tests.cfgmgr.configurations import validated

OPTIONS = our_catalogue().options
LAYERS = {
    "templates": {
        "default": {"notify": "off", "health": {"every": "2d"}, "query_acl": [{"action": "DROP"}]},
        "named": {"notify": [], "health": {"profile": "strict"}},
    },
    "zones": {
        "plain.example": {},
        "named.example": {"template": "named"},
        "own.example": {"template": "named", "notify": "auto", "health": {"every": "3d"}},
        "also.plain.example": {},
    },
}


@pytest.fixture
def resolved():
    return zones.complete(zones.resolve(LAYERS, OPTIONS), OPTIONS)


@pytest.mark.parametrize(
    ("zone", "option", "value"),
    [
        ("plain.example", "role", "primary"),  # built in
        ("plain.example", "notify", "off"),  # templates.default
        ("named.example", "notify", []),  # the named template
        ("named.example", "query_acl", [{"action": "DROP"}]),  # templates.default, below the named one
        ("own.example", "notify", "auto"),  # its own
        ("named.example", "health", {"profile": "strict", "every": "2d"}),  # maps are merged
        ("own.example", "health", {"profile": "strict", "every": "3d"}),
    ],
)
def test_the_nearest_layer_wins(resolved, zone, option, value):
    assert resolved["zones"][zone][option] == value


def test_what_a_zone_gets_that_is_not_listed_is_always_there():
    empty = zones.complete(zones.resolve({}, OPTIONS), OPTIONS)
    assert empty["templates"]["default"]["query_acl"] == [{"action": "ACCEPT"}]
    assert empty["zones"] == {}


def test_templates_arrive_resolved_too(resolved):
    assert resolved["templates"]["named"]["query_acl"] == [{"action": "DROP"}]


def test_zones_that_say_the_same_share_one_value(resolved):
    assert resolved["zones"]["plain.example"] is resolved["zones"]["also.plain.example"]
    converted = zones.convert(OPTIONS["zones"], resolved["zones"], str)
    assert converted["plain.example"] is converted["also.plain.example"]
    assert converted["own.example"]["health"]["every"] == 3 * 86400.0


def test_what_a_zone_would_inherit_can_be_asked_for():
    assert zones.inherited(LAYERS, OPTIONS, ("zones", "plain.example", "query_acl")) == [{"action": "DROP"}]
    assert zones.inherited(LAYERS, OPTIONS, ("zones", "new.example", "notify")) == "off"
    assert zones.inherited(LAYERS, OPTIONS, ("templates", "named", "query_acl")) == [{"action": "DROP"}]
    assert zones.inherited({}, OPTIONS, ("zones", "new.example", "notify")) is None


def test_a_hundred_thousand_zones_are_resolved_by_their_few_kinds():
    text = "templates: {t: {notify: 'off'}}\nzones:\n" + "".join(
        f"  z{i}.example: {{template: t}}\n" for i in range(2000)
    )
    complete = validated(text).usable().complete()
    assert len({id(zone) for zone in complete["zones"].values()}) == 1
