"""Scenarios of the Basic test cases, written from the specification."""

import dns.flags
import dns.rcode
import dns.rrset
import pytest

from health.engine.levels import Level
from tests.health.stage import AT_ONE, AT_TWO, NS1, NS2, ONE, PARENTS, TWO, ZONE, check, example, stage, undelegated
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_behaviour import answers_with, edited, no_aa, on, says, silent, to

AT_PARENTS = [f"ns1.nic.example/{PARENTS[0]}", f"ns2.nic.example/{PARENTS[1]}"]


def basic01(internet: Internet, domain: str = ZONE, **options):
    return check(internet, "basic01", domain, **options)


# --- Basic01


def test_a_delegated_zone_and_its_parent_are_found():
    entries = basic01(stage())
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_CHILD_FOUND"}
    assert arguments(entries, "B01_PARENT_FOUND") == [{"domain": "example", "ns_list": AT_PARENTS}]
    assert arguments(entries, "B01_CHILD_FOUND") == [{"domain": ZONE}]


def test_a_zone_served_by_the_servers_of_its_parent_is_found():
    internet = example()
    internet.zone(ZONE, {"ns1.nic.example": [PARENTS[0]], "ns2.nic.example": [PARENTS[1]]})
    entries = basic01(internet)
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_CHILD_FOUND"}
    assert arguments(entries, "B01_PARENT_FOUND") == [{"domain": "example", "ns_list": AT_PARENTS}]


def test_a_zone_delegated_by_the_root_has_the_root_for_parent():
    entries = basic01(example(), "example")
    roots = ["a.root-servers.test/198.51.100.1", "a.root-servers.test/2001:db8:ffff::1"]
    roots.append("b.root-servers.test/198.51.100.2")
    assert arguments(entries, "B01_PARENT_FOUND") == [{"domain": ".", "ns_list": roots}]


def test_the_parent_is_found_above_an_empty_label():
    internet = example()
    internet.zone("deep.empty.example", {"ns1.deep.empty.example": [ONE]})
    entries = basic01(internet, "deep.empty.example")
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_CHILD_FOUND"}
    assert arguments(entries, "B01_PARENT_FOUND") == [{"domain": "example", "ns_list": AT_PARENTS}]


def test_the_root_has_no_parent():
    assert tags(basic01(example(), ".")) == {"B01_CHILD_FOUND", "B01_ROOT_HAS_NO_PARENT"}


def test_an_undelegated_test_disregards_the_parent():
    internet = stage(delegated=False)
    assert tags(basic01(internet, undelegated=undelegated({NS1: [ONE]}))) == {
        "B01_CHILD_FOUND",
        "B01_PARENT_DISREGARDED",
    }


def test_a_name_that_does_not_exist_is_no_child():
    entries = basic01(example(), "missing.example")
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_NO_CHILD"}
    assert arguments(entries, "B01_NO_CHILD") == [{"domain_child": "missing.example", "domain_super": "example"}]


def test_a_name_below_one_that_does_not_exist_is_no_child():
    entries = basic01(example(), "deep.missing.example")
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_NO_CHILD"}


def test_a_name_without_a_zone_is_no_child():
    internet = Internet()
    internet.zone("example", {"ns1.nic.example": [PARENTS[0]]}, records="host 3600 IN A 192.0.2.99")
    assert tags(basic01(internet, "host.example"), Level.INFO) == {"B01_PARENT_FOUND", "B01_NO_CHILD"}


def test_a_cname_makes_no_child_and_is_no_alias_message():
    internet = Internet()
    internet.zone("example", {"ns1.nic.example": [PARENTS[0]]}, records="alias 3600 IN CNAME www.example.")
    assert tags(basic01(internet, "alias.example"), Level.INFO) == {"B01_PARENT_FOUND", "B01_NO_CHILD"}


def test_a_dname_makes_an_alias():
    internet = Internet()
    internet.zone("example", {"ns1.nic.example": [PARENTS[0]]}, records="alias 3600 IN DNAME target.example.")
    entries = basic01(internet, "alias.example")
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_NO_CHILD", "B01_CHILD_IS_ALIAS"}
    assert arguments(entries, "B01_CHILD_IS_ALIAS") == [
        {"domain_child": "alias.example", "domain_target": "target.example", "ns_list": AT_PARENTS[:1]}
    ]


def test_two_targets_make_an_inconsistent_alias():
    internet = example()
    for address, target in zip(PARENTS, ("red.example", "blue.example"), strict=True):
        internet.records(internet.own_copy(address, "example"), f"alias 3600 IN DNAME {target}.")
    entries = basic01(internet, "alias.example")
    assert tags(entries, Level.INFO) >= {"B01_CHILD_IS_ALIAS", "B01_INCONSISTENT_ALIAS"}
    assert arguments(entries, "B01_INCONSISTENT_ALIAS") == [{"domain": "alias.example"}]


@pytest.mark.parametrize(
    "behaviour",
    [
        to("SOA", says(dns.rcode.NXDOMAIN), ZONE),
        to("SOA", answers_with(f"{ZONE} 3600 IN CNAME www.example."), ZONE),
        to("SOA", answers_with(), ZONE),
    ],
    ids=["NXDOMAIN", "CNAME", "NODATA"],
)
def test_a_parent_server_that_does_not_delegate_makes_it_inconsistent(behaviour):
    internet = stage()
    internet.behave(PARENTS[1], behaviour, to("SOA", edited(_set_aa), ZONE))
    entries = basic01(internet)
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_CHILD_FOUND", "B01_INCONSISTENT_DELEGATION"}
    assert arguments(entries, "B01_INCONSISTENT_DELEGATION") == [
        {"domain_parent": "example", "domain_child": ZONE, "ns_list": AT_PARENTS[1:]}
    ]


def _set_aa(answer):
    answer.flags |= dns.flags.AA


def test_a_cname_with_a_referral_elsewhere_makes_it_inconsistent():
    def refer(answer):
        answer.flags &= ~dns.flags.AA
        answer.authority.append(_rrset("other.example. 3600 IN NS ns1.other.example."))

    internet = stage()
    internet.behave(PARENTS[1], to("SOA", answers_with(f"{ZONE} 3600 IN CNAME www.other.example."), ZONE))
    internet.behave(PARENTS[1], to("SOA", edited(refer), ZONE))
    assert "B01_INCONSISTENT_DELEGATION" in tags(basic01(internet))


def _rrset(text):
    owner, ttl, rdclass, rdtype, rdata = text.split(None, 4)
    return dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, rdata)


def test_two_zones_that_claim_the_child_leave_the_parent_undetermined():
    internet = example()
    internet.zone("mid.example", {"ns1.mid.example": ["192.0.2.5"]})
    internet.zone("child.mid.example", {"ns1.child.mid.example": [ONE]})
    # One server of example has the delegation of the child, not of the zone between.
    other = internet.own_copy(PARENTS[1], "example")
    other.delete_rdataset("mid.example.", "NS")
    internet.records(other, "child.mid 3600 IN NS ns1.child.mid.example.\nns1.child.mid 3600 IN A 192.0.2.11")
    entries = basic01(internet, "child.mid.example")
    assert tags(entries, Level.INFO) == {"B01_PARENT_FOUND", "B01_PARENT_UNDETERMINED", "B01_CHILD_FOUND"}
    assert arguments(entries, "B01_PARENT_UNDETERMINED") == [{"ns_list": ["ns1.mid.example/192.0.2.5", AT_PARENTS[1]]}]


def test_without_a_working_parent_server_there_is_no_parent():
    internet = stage()
    for address in PARENTS:
        internet.behave(address, silent)
    entries = basic01(internet)
    assert tags(entries, Level.INFO) == {"B01_PARENT_NOT_FOUND", "B01_NO_CHILD"}
    assert {found["ns"] for found in arguments(entries, "B01_SERVER_ZONE_ERROR")} == set(AT_PARENTS)


@pytest.mark.parametrize(
    ("behaviour", "name", "rrtype"),
    [
        (to("SOA", no_aa, "example"), "example", "SOA"),
        (to("SOA", says(dns.rcode.SERVFAIL), "example"), "example", "SOA"),
        (to("SOA", answers_with("other.example 3600 IN SOA a. b. 1 2 3 4 5"), "example"), "example", "SOA"),
        (
            to("SOA", answers_with(*(f"example 3600 IN SOA a. b. {n} 2 3 4 5" for n in (1, 2))), "example"),
            "example",
            "SOA",
        ),
        (to("NS", answers_with(), "example"), "example", "NS"),
        (to("NS", answers_with("other.example 3600 IN NS a."), "example"), "example", "NS"),
        (to("SOA", silent, ZONE), ZONE, "SOA"),
        (to("SOA", says(dns.rcode.REFUSED), ZONE), ZONE, "SOA"),
    ],
)
def test_a_reply_that_breaks_the_walk_is_reported(behaviour, name, rrtype):
    internet = stage()
    internet.behave(PARENTS[0], behaviour)
    entries = basic01(internet)
    assert {"query_name": name, "rrtype": rrtype, "ns": AT_PARENTS[0]} in arguments(entries, "B01_SERVER_ZONE_ERROR")
    assert arguments(entries, "B01_PARENT_FOUND") == [{"domain": "example", "ns_list": AT_PARENTS[1:]}]


def test_a_healthy_walk_reports_no_error():
    assert not arguments(basic01(stage()), "B01_SERVER_ZONE_ERROR")


def test_an_alias_of_a_name_server_name_is_followed_on_the_way():
    internet = Internet()
    internet.zone("test", {"ns1.test": ["192.0.2.3"]}, records="real 3600 IN A 192.0.2.4\nalias 3600 IN CNAME real")
    zone = internet.zone("example", {"alias.test": []})
    internet.serve(zone, ["192.0.2.4"])
    internet.zone(ZONE, {NS1: [ONE]})
    entries = basic01(internet)
    assert arguments(entries, "B01_PARENT_FOUND") == [{"domain": "example", "ns_list": ["alias.test/192.0.2.4"]}]


def test_servers_of_a_family_not_in_use_are_skipped_not_faulted():
    entries = basic01(stage(), profile={"net": {"ipv6": False}})
    assert tags(entries) == {"B01_PARENT_FOUND", "B01_CHILD_FOUND", "IPV6_DISABLED"}
    assert arguments(entries, "IPV6_DISABLED") == [{"ns": "a.root-servers.test/2001:db8:ffff::1", "rrtype": "SOA"}]


# --- Basic02


def basic02(internet: Internet, domain: str = ZONE, **options):
    return check(internet, "basic02", domain, **options)


def test_working_servers_are_said_and_nothing_else():
    internet = stage()
    internet.behave(TWO, no_aa)
    entries = basic02(internet)
    assert tags(entries, Level.INFO) == {"B02_AUTH_RESPONSE_SOA"}
    assert arguments(entries, "B02_AUTH_RESPONSE_SOA") == [{"domain": ZONE, "ns_list": [AT_ONE]}]


def test_all_working_servers_are_listed():
    assert arguments(basic02(stage()), "B02_AUTH_RESPONSE_SOA") == [{"domain": ZONE, "ns_list": [AT_ONE, AT_TWO]}]


def test_servers_outside_the_zone_are_looked_up():
    internet = example()
    internet.zone("hoster.example", {"ns1.hoster.example": ["192.0.2.20"]})
    internet.zone(ZONE, {"ns1.hoster.example": ["192.0.2.20"]}, delegation={"ns1.hoster.example": []})
    assert arguments(basic02(internet), "B02_AUTH_RESPONSE_SOA") == [
        {"domain": ZONE, "ns_list": ["ns1.hoster.example/192.0.2.20"]}
    ]


def test_a_zone_without_addresses_of_its_servers_is_found_through_glue():
    internet = stage()
    for address in (ONE, TWO):
        for name in (NS1, NS2):
            internet.behave(address, to("A", says(dns.rcode.NXDOMAIN), name))
    assert tags(basic02(internet)) >= {"B02_AUTH_RESPONSE_SOA"}


def test_without_ns_at_the_parent_there_is_no_delegation():
    entries = basic02(example(), "missing.example")
    assert tags(entries, Level.WARNING) == {"B02_NO_DELEGATION"}
    assert arguments(entries, "B02_NO_DELEGATION") == [{"domain": "missing.example"}]


@pytest.mark.parametrize(
    ("behaviour", "tag", "more"),
    [
        (silent, "B02_NS_NO_RESPONSE", {}),
        (to("SOA", says(dns.rcode.REFUSED)), "B02_UNEXPECTED_RCODE", {"rcode": "REFUSED"}),
        (to("SOA", no_aa), "B02_NS_NOT_AUTH", {}),
        (to("SOA", answers_with()), "B02_NS_BROKEN", {}),
        (to("SOA", answers_with("www.child.example 3600 IN SOA a. b. 1 2 3 4 5")), "B02_NS_BROKEN", {}),
    ],
)
def test_what_is_wrong_is_said_where_no_server_works(behaviour, tag, more):
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, behaviour)
    entries = basic02(internet)
    assert tags(entries, Level.WARNING) == {"B02_NO_WORKING_NS", tag}
    assert arguments(entries, "B02_NO_WORKING_NS") == [{"domain": ZONE}]
    assert arguments(entries, tag) == [{"ns": AT_ONE, **more}, {"ns": AT_TWO, **more}]


def test_name_servers_without_address_are_said():
    internet = example()
    internet.zone(ZONE, {NS1: []}, delegation={NS1: []})
    entries = basic02(internet)
    assert tags(entries, Level.WARNING) == {"B02_NO_WORKING_NS", "B02_NS_NO_IP_ADDR"}
    assert arguments(entries, "B02_NS_NO_IP_ADDR") == [{"nsname": NS1}]


def test_the_given_servers_of_an_undelegated_test_are_asked():
    internet = stage(delegated=False)
    entries = basic02(internet, undelegated=undelegated({NS1: [ONE]}))
    assert arguments(entries, "B02_AUTH_RESPONSE_SOA") == [{"domain": ZONE, "ns_list": [AT_ONE]}]


# --- Basic03


def basic03(internet: Internet, domain: str = ZONE):
    return check(internet, "basic03", domain)


def test_an_address_of_www_is_found():
    entries = basic03(stage(records="www 3600 IN A 192.0.2.99"))
    assert tags(entries) == {"HAS_A_RECORDS"}
    assert arguments(entries, "HAS_A_RECORDS") == [
        {"ns": AT_ONE, "domain": "www.child.example"},
        {"ns": AT_TWO, "domain": "www.child.example"},
    ]


def test_no_address_of_www_is_said():
    entries = basic03(stage())
    assert arguments(entries, "NO_A_RECORDS") == [
        {"ns": AT_ONE, "domain": "www.child.example"},
        {"ns": AT_TWO, "domain": "www.child.example"},
    ]
    assert tags(entries) == {"NO_A_RECORDS"}


def test_silence_about_www_is_said_once():
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, on(lambda query: query.name.labels[0] == b"www", silent))
    entries = basic03(internet)
    assert [entry.tag for entry in entries] == ["A_QUERY_NO_RESPONSES"]


def test_a_name_with_no_room_for_www_is_left_alone():
    long = ".".join(["x" * 63, "x" * 63, "x" * 63, "x" * 50, "example"])
    internet = example()
    internet.zone(long, {"ns1.nic.example": ["192.0.2.1"]}, soa="a. b. 1 2 3 4 5")
    assert not basic03(internet, long)


def test_basic03_is_not_needed_where_a_server_works():
    internet = stage()
    entries = internet.check(ZONE, "basic")
    assert arguments(entries, "HAS_NAMESERVER_NO_WWW_A_TEST") == [{}]
    assert not tags(entries) & {"HAS_A_RECORDS", "A_QUERY_NO_RESPONSES"}


def test_basic03_runs_where_no_server_works():
    internet = stage(records="www 3600 IN A 192.0.2.99")
    for address in (ONE, TWO):
        internet.behave(address, to("SOA", says(dns.rcode.SERVFAIL)))
    entries = internet.check(ZONE, "basic")
    assert "HAS_A_RECORDS" in tags(entries)
    assert "HAS_NAMESERVER_NO_WWW_A_TEST" not in tags(entries)
