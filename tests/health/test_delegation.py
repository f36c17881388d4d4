"""Scenarios of the Delegation test cases, written from the specification."""

import dns.rcode
import pytest

from tests.health.stage import (
    AT_ONE,
    AT_TWO,
    NS1,
    NS2,
    ONE,
    TWO,
    ZONE,
    check,
    example,
    stage,
    undelegated,
)
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_behaviour import answers_with, no_aa, no_tcp, on, says, silent, to

SIX_ONE, SIX_TWO = "2001:db8:1::1", "2001:db8:2::1"
NS3 = "ns3.child.example"


def plain(entries):
    return [(entry.tag, dict(entry.arguments)) for entry in entries]


# --- Delegation01


def test_two_servers_with_both_families_are_enough():
    entries = check(stage({NS1: [ONE, SIX_ONE], NS2: [TWO, SIX_TWO]}), "delegation01")
    both = {f"ENOUGH_{kind}NS_{side}" for kind in ("", "IPV4_", "IPV6_") for side in ("DEL", "CHILD")}
    assert tags(entries) == both
    assert arguments(entries, "ENOUGH_NS_DEL") == [{"count": 2, "minimum": 2, "nsname_list": [NS1, NS2]}]
    assert arguments(entries, "ENOUGH_NS_CHILD") == [{"count": 2, "minimum": 2, "nsname_list": [NS1, NS2]}]
    for side in ("DEL", "CHILD"):
        assert arguments(entries, f"ENOUGH_IPV4_NS_{side}") == [{"count": 2, "minimum": 2, "ns_list": [AT_ONE, AT_TWO]}]
        assert arguments(entries, f"ENOUGH_IPV6_NS_{side}") == [
            {"count": 2, "minimum": 2, "ns_list": [f"{NS1}/{SIX_ONE}", f"{NS2}/{SIX_TWO}"]}
        ]


def test_one_server_is_not_enough():
    entries = check(stage({NS1: [ONE]}), "delegation01")
    assert tags(entries) == {
        f"{tag}_{side}" for tag in ("NOT_ENOUGH_NS", "NOT_ENOUGH_IPV4_NS", "NO_IPV6_NS") for side in ("DEL", "CHILD")
    }
    assert arguments(entries, "NOT_ENOUGH_NS_DEL") == [{"count": 1, "minimum": 2, "nsname_list": [NS1]}]
    assert arguments(entries, "NOT_ENOUGH_IPV4_NS_CHILD") == [{"count": 1, "minimum": 2, "ns_list": [AT_ONE]}]
    assert arguments(entries, "NO_IPV6_NS_DEL") == [{"minimum": 2}]


def test_one_server_with_two_addresses_counts_once():
    entries = check(stage({NS1: [ONE, TWO]}), "delegation01")
    assert arguments(entries, "NOT_ENOUGH_IPV4_NS_DEL") == [
        {"count": 1, "minimum": 2, "ns_list": [AT_ONE, f"{NS1}/{TWO}"]}
    ]


def test_servers_without_ipv4_and_few_with_ipv6_are_told():
    entries = check(stage({NS1: [SIX_ONE], NS2: []}), "delegation01")
    assert tags(entries) == {
        f"{tag}_{side}" for tag in ("ENOUGH_NS", "NO_IPV4_NS", "NOT_ENOUGH_IPV6_NS") for side in ("DEL", "CHILD")
    }
    assert arguments(entries, "NO_IPV4_NS_CHILD") == [{"minimum": 2}]


def test_delegation_and_zone_are_counted_apart():
    entries = check(stage({NS1: [ONE], NS2: [TWO]}, delegation={NS1: [ONE]}), "delegation01")
    assert tags(entries) >= {"NOT_ENOUGH_NS_DEL", "NOT_ENOUGH_IPV4_NS_DEL", "ENOUGH_NS_CHILD", "ENOUGH_IPV4_NS_CHILD"}


# --- Delegation02


def test_addresses_of_their_own_are_distinct():
    assert tags(check(stage(), "delegation02")) == {"DEL_DISTINCT_NS_IP", "CHILD_DISTINCT_NS_IP", "DISTINCT_IP_ADDRESS"}


def test_a_shared_address_is_said_with_the_names():
    entries = check(stage({NS1: [ONE], NS2: [ONE], NS3: [TWO]}), "delegation02")
    assert tags(entries) == {"DEL_NS_SAME_IP", "CHILD_NS_SAME_IP", "SAME_IP_ADDRESS"}
    for tag in tags(entries):
        assert arguments(entries, tag) == [{"ns_ip": ONE, "nsname_list": [NS1, NS2]}]


def test_an_address_shared_between_delegation_and_zone_shows_in_the_union():
    entries = check(stage({NS2: [ONE]}, delegation={NS1: [ONE]}), "delegation02")
    assert tags(entries) == {"DEL_DISTINCT_NS_IP", "CHILD_DISTINCT_NS_IP", "SAME_IP_ADDRESS"}


def test_without_addresses_nothing_is_distinct():
    assert check(example(), "delegation02", "missing.example") == []


# --- Delegation03


def test_a_small_referral_fits():
    entries = check(stage(), "delegation03")
    assert tags(entries) == {"REFERRAL_SIZE_OK"}
    (found,) = arguments(entries, "REFERRAL_SIZE_OK")
    # header 12, question 255 + 4, two NS (14 and 6 + ns1 and a pointer), one A
    assert found == {"size": 12 + 255 + 4 + 2 * (12 + 6) + 16}


def test_a_referral_with_long_names_is_too_large():
    names = {f"{'n' * 60}.{number}.ns.{'z' * 30}.test": [f"192.0.2.{number}"] for number in range(100, 113)}
    internet = example()
    internet.zone(f"{'z' * 30}.test", names)
    internet.zone(ZONE, names)
    entries = check(internet, "delegation03")
    assert tags(entries) == {"REFERRAL_SIZE_TOO_LARGE"}
    assert arguments(entries, "REFERRAL_SIZE_TOO_LARGE")[0]["size"] > 512  # type: ignore[operator]


def test_without_a_delegation_there_is_no_referral():
    assert check(example(), "delegation03", "missing.example") == []


def test_the_referral_of_an_undelegated_test_is_measured_too():
    entries = check(stage(delegated=False), "delegation03", undelegated=undelegated({NS1: [ONE], NS2: [TWO]}))
    assert arguments(entries, "REFERRAL_SIZE_OK") == [{"size": 323}]


# --- Delegation04


def test_authoritative_servers_are_well():
    entries = check(stage(), "delegation04")
    assert plain(entries) == [("ARE_AUTHORITATIVE", {"nsname_list": [NS1, NS2]})]


@pytest.mark.parametrize("proto", ["UDP", "TCP"])
def test_a_server_without_authority_is_said(proto):
    internet = stage()
    internet.behave(TWO, on(lambda query: query.transport.value == proto, to("SOA", no_aa)))
    assert plain(check(internet, "delegation04")) == [("IS_NOT_AUTHORITATIVE", {"ns": AT_TWO, "proto": proto})]


def test_every_address_of_a_name_is_asked_for_authority():
    internet = stage({NS1: [ONE, TWO]})
    internet.behave(TWO, to("SOA", no_aa))
    found = arguments(check(internet, "delegation04"), "IS_NOT_AUTHORITATIVE")
    assert found == [{"ns": f"{NS1}/{TWO}", "proto": proto} for proto in ("UDP", "TCP")]


def test_silence_says_nothing_about_authority():
    internet = stage()
    internet.behave(TWO, silent)
    internet.behave(ONE, no_tcp)
    assert plain(check(internet, "delegation04")) == [("ARE_AUTHORITATIVE", {"nsname_list": [NS1]})]
    internet.behave(ONE, silent)
    assert check(internet, "delegation04") == []


# --- Delegation05


def test_names_with_addresses_are_no_aliases():
    assert plain(check(stage(), "delegation05")) == [("NO_NS_CNAME", {})]


def test_an_alias_in_the_zone_is_said():
    internet = example()
    zone = internet.zone(
        ZONE,
        {NS1: [ONE], "alias.child.example": []},
        records=f"alias 3600 IN CNAME {NS1}.",
        delegation={NS1: [ONE]},
    )
    assert zone is not None
    entries = check(internet, "delegation05")
    assert plain(entries) == [("NS_IS_CNAME", {"nsname": "alias.child.example"})]


def test_an_alias_outside_the_zone_is_said():
    internet = example()
    internet.zone(
        "hoster.example",
        {"ns1.hoster.example": ["192.0.2.30"]},
        records="alias 3600 IN CNAME ns1",
    )
    zone = internet.zone(ZONE, {"alias.hoster.example": [], NS1: [ONE]})
    internet.serve(zone, ["192.0.2.30"])
    assert plain(check(internet, "delegation05")) == [("NS_IS_CNAME", {"nsname": "alias.hoster.example"})]


def test_an_alias_of_itself_outside_the_zone_is_said():
    internet = example()
    internet.zone("hoster.example", {"ns1.hoster.example": ["192.0.2.30"]}, records="loop 3600 IN CNAME loop")
    internet.zone(ZONE, {"loop.hoster.example": [], NS1: [ONE]})
    assert plain(check(internet, "delegation05")) == [("NS_IS_CNAME", {"nsname": "loop.hoster.example"})]


@pytest.mark.parametrize(("record", "tag"), [("CNAME real", "NS_IS_CNAME"), ("A 192.0.2.11", "NO_NS_CNAME")])
def test_a_name_in_a_zone_below_is_looked_up(record, tag):
    internet = example()
    internet.zone(ZONE, {NS1: [ONE], "ns2.sub.child.example": []}, delegation={NS1: [ONE]})
    internet.zone("sub.child.example", {"ns1.sub.child.example": [TWO]}, records=f"ns2 3600 IN {record}")
    assert tags(check(internet, "delegation05")) == {tag}


def test_an_unexpected_rcode_is_said():
    internet = stage()
    internet.behave(TWO, to("A", says(dns.rcode.SERVFAIL), NS1))
    entries = check(internet, "delegation05")
    assert tags(entries) == {"UNEXPECTED_RCODE", "NO_NS_CNAME"}
    assert arguments(entries, "UNEXPECTED_RCODE") == [
        {"ns": AT_TWO, "query_name": NS1, "rrtype": "A", "rcode": "SERVFAIL"}
    ]


def test_silence_is_said_for_each_name():
    internet = stage()
    internet.behave(TWO, silent)
    entries = check(internet, "delegation05")
    assert tags(entries) == {"NO_RESPONSE", "NO_NS_CNAME"}
    assert arguments(entries, "NO_RESPONSE") == [
        {"ns": AT_TWO, "query_name": name, "rrtype": "A"} for name in (NS1, NS2)
    ]


# --- Delegation06


def test_an_soa_at_all_servers_is_well():
    assert plain(check(stage(), "delegation06")) == [("SOA_EXISTS", {})]


@pytest.mark.parametrize("answer", [(), ("www.example 3600 IN SOA a. b. 1 2 3 4 5",)])
def test_a_server_without_soa_is_said(answer):
    internet = stage()
    internet.behave(TWO, to("SOA", answers_with(*answer)))
    assert plain(check(internet, "delegation06")) == [("SOA_NOT_EXISTS", {"ns": AT_TWO})]


def test_every_address_of_a_name_is_asked_for_soa():
    internet = stage({NS1: [ONE, TWO]})
    internet.behave(TWO, to("SOA", answers_with()))
    assert plain(check(internet, "delegation06")) == [("SOA_NOT_EXISTS", {"ns": f"{NS1}/{TWO}"})]


@pytest.mark.parametrize("behaviour", [silent, says(dns.rcode.REFUSED)])
def test_servers_that_do_not_tell_say_nothing_about_soa(behaviour):
    internet = stage()
    internet.behave(ONE, behaviour)
    assert plain(check(internet, "delegation06")) == [("SOA_EXISTS", {})]
    internet.behave(TWO, behaviour)
    assert check(internet, "delegation06") == []


# --- Delegation07


def named(parent: list[str], child: list[str]) -> Internet:
    return stage({name: [ONE] for name in child}, delegation={name: [ONE] for name in parent})


def test_the_same_names_match():
    assert plain(check(named([NS1, NS2], [NS1, NS2]), "delegation07")) == [("NAMES_MATCH", {})]


def test_names_are_compared_without_case():
    assert tags(check(named(["NS1.Child.Example"], [NS1]), "delegation07")) == {"NAMES_MATCH"}


def test_a_name_only_at_the_parent_is_said():
    assert plain(check(named([NS1, NS2], [NS1]), "delegation07")) == [("EXTRA_NAME_PARENT", {"extra": [NS2]})]


def test_a_name_only_in_the_zone_is_said():
    assert plain(check(named([NS1], [NS1, NS2]), "delegation07")) == [("EXTRA_NAME_CHILD", {"extra": [NS2]})]


def test_nothing_in_common_is_a_total_mismatch():
    assert tags(check(named([NS1], [NS2]), "delegation07")) == {
        "EXTRA_NAME_PARENT",
        "EXTRA_NAME_CHILD",
        "TOTAL_NAME_MISMATCH",
    }


def test_a_zone_that_gives_no_names_has_nothing_in_common():
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, to("NS", answers_with()))
    assert tags(check(internet, "delegation07")) == {"EXTRA_NAME_PARENT", "TOTAL_NAME_MISMATCH"}


def test_no_names_anywhere_are_no_match_and_no_mismatch():
    assert check(example(), "delegation07", "missing.example") == []
