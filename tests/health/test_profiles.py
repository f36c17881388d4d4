"""Profiles."""

from __future__ import annotations

import json

import pytest

from health.engine.errors import ProfileError
from health.engine.levels import Level
from health.engine.profiles import Profile

# The properties of the original's profile.json, shortened.
ORIGINAL = {
    "asn_db": {"style": "cymru", "sources": {"cymru": ["asnlookup.zonemaster.net"], "ripe": ["riswhois.ripe.net"]}},
    "logfilter": {"BASIC": {"B02_NS_NO_RESPONSE": [{"when": {"ns": ["ns1.example/192.0.2.1"]}, "set": "INFO"}]}},
    "net": {"ipv4": True, "ipv6": False},
    "no_network": False,
    "resolver": {
        "defaults": {
            "debug": False,
            "fallback": True,
            "igntc": False,
            "recurse": False,
            "retrans": 3,
            "retry": 2,
            "timeout": 5,
            "usevc": False,
        },
        "source4": "",
        "source6": "",
    },
    "test_cases": ["Basic01", "zone02"],
    "test_cases_vars": {"zone02": {"SOA_REFRESH_MINIMUM_VALUE": 7200}},
    "test_levels": {"ZONE": {"REFRESH_MINIMUM_VALUE_LOWER": "ERROR", "NOT_EMITTED_ANY_MORE": "DEBUG"}},
}


def test_the_profile_of_the_original_is_taken(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(ORIGINAL))
    profile = Profile.load(path)
    assert (profile.ipv4, profile.ipv6) == (True, False)
    assert profile.variable("zone02", "SOA_REFRESH_MINIMUM_VALUE") == 7200
    assert profile.variable("zone04", "SOA_RETRY_MINIMUM_VALUE") == 3600
    assert profile.runs("zone02")
    assert not profile.runs("zone03")


def test_a_file_gives_only_what_differs(tmp_path):
    path = tmp_path / "profile.yaml"
    path.write_text("net: {ipv6: false}\n")
    profile = Profile.load(path)
    assert profile.ipv4
    assert not profile.ipv6
    assert profile.runs("dnssec18")


def test_an_empty_file_is_the_default(tmp_path):
    path = tmp_path / "profile.yaml"
    path.write_text("")
    assert Profile.load(path).document == Profile.default().document


def test_severities_are_those_of_the_profile_then_of_the_first_rule_that_holds():
    profile = Profile.default().overlaid(
        {
            "test_levels": {"BASIC": {"X": "ERROR"}},
            "logfilter": {
                "BASIC": {
                    "X": [
                        {"when": {"ns": ["a/192.0.2.1", "b/192.0.2.2"], "count": 2}, "set": "NOTICE"},
                        {"when": {"ns": "b/192.0.2.2"}, "set": "INFO"},
                    ]
                }
            },
        }
    )
    assert profile.level("Basic", "X", {}, Level.INFO) is Level.ERROR
    assert profile.level("Basic", "Y", {}, Level.INFO) is Level.INFO
    assert profile.level("Basic", "X", {"ns": "a/192.0.2.1"}, Level.INFO) is Level.ERROR
    assert profile.level("Basic", "X", {"ns": "b/192.0.2.2", "count": 2}, Level.INFO) is Level.NOTICE
    assert profile.level("Basic", "X", {"ns": "b/192.0.2.2"}, Level.INFO) is Level.INFO


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"nett": {}}, "nett"),
        ({"net": {"ipv4": "yes"}}, "net.ipv4"),
        ({"net": []}, "net"),
        ([], "the document"),
        ({"resolver": {"defaults": {"retry": 0}}}, "resolver.defaults.retry"),
        ({"resolver": {"defaults": {"timeout": "5"}}}, "resolver.defaults.timeout"),
        ({"resolver": {"source4": "here"}}, "resolver.source4"),
        ({"asn_db": {"style": "Whois"}}, "asn_db.style"),
        ({"test_cases": ["basic99"]}, "test_cases"),
        ({"test_cases_vars": {"zone02": {"X": 1}}}, "test_cases_vars.zone02.X"),
        ({"test_levels": {"basic": {}}}, "test_levels.basic"),
        ({"test_levels": {"BASIC": {"X": "BAD"}}}, "test_levels.BASIC.X"),
        ({"logfilter": {"BASIC": {"X": [{"when": {}}]}}}, "logfilter.BASIC.X[0]"),
        ({"limits": {"deadline": -1}}, "limits.deadline"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(document, place):
    with pytest.raises(ProfileError) as caught:
        Profile.default().overlaid(document)
    assert str(caught.value).startswith(f"{place}: ")


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    path = tmp_path / "profile.yaml"
    path.write_text("a: [")
    with pytest.raises(ProfileError, match=r"profile\.yaml"):
        Profile.load(path)
