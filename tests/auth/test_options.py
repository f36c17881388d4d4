"""From the configuration to settings and the table of zones."""

from __future__ import annotations

import gc
import ipaddress
import sys

import dns.name
import pytest

from auth import options
from auth.acl import Action, Requester
from auth.options import MAX_IDENTITY, change_zones, read_settings, read_zones
from auth.settings import AnyAnswer, CookieSettings, RateLimitSettings, Settings, TcpSettings
from auth.zones import ZoneTable
from daemonkit.configuration import Difference, RowChanges
from daemonkit.errors import Rejected
from daemonkit.spec import Spec
from datasrc.keys import name_of

SOMEBODY = Requester(ipaddress.ip_address("192.0.2.1"))
ACCEPT, REJECT = [{"action": "ACCEPT"}], [{"action": "REJECT"}]


def effective(**own):
    return Spec.load("auth").effective({"auth": own}, lambda text: text)["auth"]


def zone(acl: object, *, statistics: bool = False) -> dict[str, object]:
    return {"query_acl": acl, "statistics": statistics, "hook": False}


def table(zones: dict[str, object], default: object = ACCEPT) -> ZoneTable:
    return read_zones(
        {
            "zones": {name: zone(acl) for name, acl in zones.items()},
            "templates": {"default": zone(default)},
        }
    )


def test_the_defaults_of_the_code_are_those_of_the_spec():
    assert read_settings(effective()) == Settings()


def test_every_option_arrives():
    values = effective(
        udp_size=4096,
        minimal_responses=False,
        any_answer="hinfo",
        any_ttl="2m",
        identity="here",
        version="7",
        udp_batch=8,
        tcp={"connections": 5, "connections_per_client": 4, "idle_timeout": "1s", "pipeline": 3},
        cookies={"enabled": False, "required": True},
        rate_limit={"enabled": True, "errors": 5, "window": "5s", "exempt": ["192.0.2.0/24"], "memory": "1M"},
    )
    assert read_settings(values) == Settings(
        udp_size=4096,
        minimal_responses=False,
        any_answer=AnyAnswer.HINFO,
        any_ttl=120,
        nsid=b"here",
        server_id="here",
        version="7",
        udp_batch=8,
        tcp=TcpSettings(connections=5, connections_per_client=4, idle_timeout=1.0, pipeline=3),
        cookies=CookieSettings(enabled=False, required=True),
        rate_limit=RateLimitSettings(enabled=True, errors=5, window=5.0, exempt=("192.0.2.0/24",), memory=1 << 20),
    )


@pytest.mark.parametrize(("name", "limit"), [("identity", MAX_IDENTITY), ("version", 255)])
def test_texts_are_measured_in_octets(name, limit):
    read_settings(effective(**{name: "x" * limit}))
    with pytest.raises(Rejected) as caught:
        read_settings(effective(**{name: "é" * (limit // 2 + 1)}))
    assert (caught.value.path, caught.value.reason) == (
        f"auth.{name}",
        f"must not be longer than {limit} octets in UTF-8",
    )


def test_zones_have_their_own_acl_and_all_others_that_of_the_default_template():
    zones = table({"example": REJECT})
    of_example, of_others = (zones.policy(dns.name.from_text(name)).query_acl for name in ("EXAMPLE.", "other."))
    assert of_example.decide(SOMEBODY) is Action.REJECT
    assert of_others.decide(SOMEBODY) is Action.ACCEPT


def test_zones_that_say_the_same_share_one_policy():
    zones = table({f"z{number}": [{"action": "REJECT"}] for number in range(3)})
    assert len({id(policy) for policy in zones.listed.values()}) == 1


def test_the_closest_listed_zone_is_found():
    zones = table({"example": ACCEPT, "b.example": ACCEPT, ".": ACCEPT})
    for name, closest in (("a.b.example.", "b.example."), ("x.example.", "example."), ("test.", ".")):
        assert zones.closest_listed(dns.name.from_text(name)) == dns.name.from_text(closest)
    assert ZoneTable().closest_listed(dns.name.from_text("example.")) is None


def test_an_acl_that_is_none_is_refused_with_its_place():
    with pytest.raises(Rejected) as caught:
        table({"example": [{"action": "MAYBE"}]})
    assert caught.value.path == "zones.example.query_acl[0].action"
    assert caught.value.reason == "must be one of ACCEPT, REJECT, DROP, not 'MAYBE'"


def test_a_zone_that_is_no_name_is_refused():
    with pytest.raises(Rejected) as caught:
        table({"a..b": ACCEPT})
    assert caught.value.path == "zones.a..b"


def decided(zones: ZoneTable) -> dict[str, Action]:
    listed = {name_of(key).to_text(): policy.query_acl.decide(SOMEBODY) for key, policy in zones.listed.items()}
    return {**listed, "*": zones.default.query_acl.decide(SOMEBODY)}


def test_a_table_changes_by_its_differences():
    before = table({"a.example": REJECT, "b.example": REJECT})
    rows = {"zones": RowChanges({"a.example": zone(ACCEPT), "c.example": zone(REJECT)}, ("b.example",))}
    values = {"templates": {"default": zone(REJECT)}}
    same_default, touched = change_zones(before, values, Difference(frozenset({"auth"}), rows))
    assert {name_of(key).to_text() for key in touched} == {"a.example.", "b.example.", "c.example."}
    assert decided(same_default) == {"a.example.": Action.ACCEPT, "c.example.": Action.REJECT, "*": Action.ACCEPT}
    other_default, _ = change_zones(before, values, Difference(frozenset({"templates"}), rows))
    assert decided(other_default)["*"] is Action.REJECT
    assert decided(before) == {"a.example.": Action.REJECT, "b.example.": Action.REJECT, "*": Action.ACCEPT}


def counted(zones: ZoneTable) -> set[str]:
    return {name_of(key).to_text() for key in zones.counted}


def test_which_zones_are_counted_changes_by_differences():
    default = {"default": zone(ACCEPT)}
    listed = {"a.example": zone(ACCEPT, statistics=True), "b.example": zone(ACCEPT), "c.example": zone(ACCEPT)}
    before = read_zones({"zones": listed | {"d.example": zone(ACCEPT, statistics=True)}, "templates": default})
    assert counted(before) == {"a.example.", "d.example."}
    changed = {"b.example": zone(ACCEPT, statistics=True), "d.example": zone(REJECT, statistics=True)}
    after, _ = change_zones(before, {}, Difference(frozenset(), {"zones": RowChanges(changed, ("a.example",))}))
    assert counted(after) == {"b.example.", "d.example."}
    other, _ = change_zones(after, {}, Difference(frozenset(), {"zones": RowChanges({"c.example": zone(REJECT)})}))
    assert other.counted is after.counted
    none = RowChanges({"b.example": zone(ACCEPT)}, ("d.example",))
    assert counted(change_zones(other, {}, Difference(frozenset(), {"zones": none}))[0]) == set()


def test_too_many_zones_to_count_are_refused(monkeypatch):
    monkeypatch.setattr(options, "MAX_COUNTED_ZONES", 2)
    with pytest.raises(Rejected, match="3 zones would be counted, and at most 2 can be"):
        read_zones(
            {
                "zones": {f"z{number}": zone(ACCEPT, statistics=True) for number in range(3)},
                "templates": {"default": zone(ACCEPT)},
            }
        )


def test_a_difference_that_cannot_be_is_refused_with_its_place():
    wrong = zone([{"action": "ACCEPT", "from": ["nonsense"]}])
    difference = Difference(frozenset(), {"zones": RowChanges({"a.example": wrong})})
    with pytest.raises(Rejected, match=r"zones\.a\.example\.query_acl"):
        change_zones(table({}), {}, difference)


def test_no_listed_zone_costs_an_object():
    """Of 100 000 zones the names alone were 25 MiB in each process that answers."""

    def blocks(count: int) -> int:
        row = {"query_acl": [{"action": "ACCEPT"}], "statistics": False, "hook": False}
        values = {"zones": {f"z{number}.example": row for number in range(count)}, "templates": {"default": row}}
        gc.collect()
        before = sys.getallocatedblocks()
        table = read_zones(values)
        assert len(table.listed) == count
        return sys.getallocatedblocks() - before

    blocks(100)
    assert abs(blocks(3000) - blocks(1000)) < 100
