"""Parent, delegation and child servers, by both methods of the specification."""

from __future__ import annotations

import dns.name
import pytest

from health.engine.clock import FixedClock
from health.engine.context import Undelegated
from health.engine.hints import Hints
from health.engine.methods1 import Methods1
from health.engine.methods2 import Methods2
from health.engine.profiles import Profile
from health.engine.session import Session
from tests.kit import internet_time
from tests.kit.internet import NOW, Internet
from tests.kit.internet_behaviour import no_aa, silent, to

ZONE = "child.example"


@pytest.fixture
def internet():
    made = Internet()
    made.zone("example", {"ns1.nic.example": ["192.0.2.1"], "ns2.nic.example": ["192.0.2.2"]})
    made.zone(
        "far.test", {"ns.far.test": ["192.0.2.51"]}, records="out 60 IN A 192.0.2.13\nout 60 IN AAAA 2001:db8::13"
    )
    return made


def find(internet, domain, *wanted, undelegated=None):
    """What the named methods ("v1.parent_zone", ...) give, as texts, for a domain."""

    async def run():
        said = []
        session = Session(
            dns.name.from_text(domain),
            internet,
            FixedClock(NOW),
            Profile.default(),
            Hints(internet.root_servers),
            undelegated,
            lambda tag, **_: said.append(tag),
        )
        await session.prepare()
        methods = {"v1": Methods1(session), "v2": Methods2(session)}
        found = []
        for path in wanted:
            version, name = path.split(".")
            found.append(texts(await getattr(methods[version], name)()))
        await session.close()
        return found

    found = internet_time.run(run())
    return found[0] if len(found) == 1 else found


def texts(value):
    match value:
        case None | str():
            return value
        case dns.name.Name():
            return value.to_text(omit_final_dot=True)
        case dict():
            return {texts(name): list(addresses) for name, addresses in value.items()}
        case list():
            return [texts(item) for item in value]
        case _:
            return str(value)


SERVERS = {"ns1.child.example": ["192.0.2.11", "2001:db8::11"], "out.far.test": ["192.0.2.13", "2001:db8::13"]}
ALL = [
    "ns1.child.example/192.0.2.11",
    "ns1.child.example/2001:db8::11",
    "out.far.test/192.0.2.13",
    "out.far.test/2001:db8::13",
]
PARENTS = ["ns1.nic.example/192.0.2.1", "ns2.nic.example/192.0.2.2"]
NAMES = ["ns1.child.example", "out.far.test"]


def test_both_methods_agree_on_a_healthy_zone(internet):
    internet.zone(ZONE, SERVERS)
    assert find(internet, ZONE, "v1.parent_zone") == "example"
    for version in ("v1", "v2"):
        assert find(internet, ZONE, f"{version}.parent_servers") == PARENTS
        assert find(internet, ZONE, f"{version}.delegation_names") == NAMES
        assert find(internet, ZONE, f"{version}.zone_names") == NAMES
        for what in ("delegation_servers", "zone_servers", "servers"):
            assert find(internet, ZONE, f"{version}.{what}") == ALL


def test_a_parent_above_an_empty_label_is_found(internet):
    internet.zone("deep.empty.example", {"ns1.deep.empty.example": ["192.0.2.21"]})
    assert find(internet, "deep.empty.example", "v1.parent_zone") == "example"
    assert find(internet, "deep.empty.example", "v2.parent_servers") == PARENTS


def test_the_parent_is_found_where_it_shares_servers_with_the_child(internet):
    internet.zone("shared.example", {"ns1.nic.example": ["192.0.2.1"], "ns2.nic.example": ["192.0.2.2"]})
    parent, servers, names = find(
        internet, "shared.example", "v1.parent_zone", "v1.parent_servers", "v1.delegation_names"
    )
    assert parent == "example"
    assert servers == PARENTS
    assert names == ["ns1.nic.example", "ns2.nic.example"]
    assert find(internet, "shared.example", "v2.delegation_names") == ["ns1.nic.example", "ns2.nic.example"]


def test_the_zone_between_is_the_parent_where_servers_serve_grandparent_too(internet):
    internet.zone("mid.example", {"ns1.nic.example": ["192.0.2.1"], "ns2.nic.example": ["192.0.2.2"]})
    internet.zone("child.mid.example", {"ns1.child.mid.example": ["192.0.2.31"]})
    assert find(internet, "child.mid.example", "v1.parent_zone") == "mid.example"
    assert find(internet, "child.mid.example", "v2.parent_servers") == PARENTS


def test_delegation_and_child_may_differ(internet):
    internet.zone(
        ZONE,
        {"ns1.child.example": ["192.0.2.11"], "ns3.child.example": ["192.0.2.14"]},
        delegation={"ns1.child.example": ["192.0.2.11"], "ns2.child.example": ["192.0.2.12"]},
    )
    for version in ("v1", "v2"):
        assert find(internet, ZONE, f"{version}.delegation_names") == ["ns1.child.example", "ns2.child.example"]
        assert find(internet, ZONE, f"{version}.zone_names") == ["ns1.child.example", "ns3.child.example"]
        assert find(internet, ZONE, f"{version}.servers") == [
            "ns1.child.example/192.0.2.11",
            "ns2.child.example/192.0.2.12",
            "ns3.child.example/192.0.2.14",
        ]


def test_glue_counts_where_the_child_does_not_know_its_servers(internet):
    zone = internet.zone(ZONE, {"ns1.child.example": ["192.0.2.11"]})
    zone.delete_rdataset(dns.name.from_text("ns1.child.example"), "A")
    for version in ("v1", "v2"):
        assert find(internet, ZONE, f"{version}.delegation_servers") == ["ns1.child.example/192.0.2.11"]


def test_parents_that_differ_are_all_heard_by_version_2(internet):
    internet.zone(ZONE, {"ns1.child.example": ["192.0.2.11"]})
    other = internet.own_copy("192.0.2.2", "example")
    name = dns.name.from_text(ZONE)
    other.delete_rdataset(name, "NS")
    internet.records(other, "child 60 IN NS ns9.child\nns9.child 60 IN A 192.0.2.19")
    assert find(internet, ZONE, "v2.delegation_glue") == {
        "ns1.child.example": ["192.0.2.11"],
        "ns9.child.example": ["192.0.2.19"],
    }
    assert find(internet, ZONE, "v1.delegation_names") == ["ns1.child.example"]


def test_undefined_is_not_empty(internet):
    assert find(internet, "nobody.example", "v2.parent_servers", "v2.delegation_names", "v2.zone_servers") == [None] * 3
    assert find(internet, "nobody.example", "v2.servers") == []


def test_silent_parents_leave_version_2_undefined(internet):
    internet.zone(ZONE, {"ns1.child.example": ["192.0.2.11"]})
    for address in ("192.0.2.1", "192.0.2.2"):
        internet.behave(address, silent)
    assert find(internet, ZONE, "v2.parent_servers") is None
    assert find(internet, ZONE, "v1.delegation_names") == []


def test_names_of_a_lame_zone_are_heard_by_version_1_only(internet):
    internet.zone(ZONE, {"ns1.child.example": ["192.0.2.11"]})
    internet.behave("192.0.2.11", to("NS", no_aa))
    assert find(internet, ZONE, "v1.zone_names") == ["ns1.child.example"]
    assert find(internet, ZONE, "v2.zone_names") == []


def test_the_root_has_its_hints_for_a_delegation(internet):
    assert find(internet, ".", "v1.parent_zone") is None
    assert find(internet, ".", "v2.parent_servers") == []
    for version in ("v1", "v2"):
        assert find(internet, ".", f"{version}.delegation_names") == ["a.root-servers.test", "b.root-servers.test"]
        assert len(find(internet, ".", f"{version}.zone_servers")) == 3


def test_a_pretended_delegation_is_the_delegation(internet):
    internet.zone(ZONE, {"ns1.child.example": ["192.0.2.11"], "out.far.test": ["192.0.2.13"]}, delegated=False)
    given = Undelegated(
        (
            (dns.name.from_text("ns1.child.example"), ("192.0.2.11",)),
            (dns.name.from_text("out.far.test"), ()),
        )
    )
    for version in ("v1", "v2"):
        assert find(internet, ZONE, f"{version}.delegation_names", undelegated=given) == NAMES
        assert find(internet, ZONE, f"{version}.parent_servers", undelegated=given) == []
        assert find(internet, ZONE, f"{version}.delegation_servers", undelegated=given) == [ALL[0], *ALL[2:]]
    assert find(internet, ZONE, "v1.parent_zone", undelegated=given) is None
    glue = find(internet, ZONE, "v2.delegation_glue", undelegated=given)
    assert glue == {"ns1.child.example": ["192.0.2.11"], "out.far.test": []}
