"""Scenarios of the Consistency test cases, written from the specification."""

from typing import Any

import dns.name
import dns.rcode
import pytest

from health.engine.cases.consistency import serial_range
from tests.health.stage import (
    AT_ONE,
    AT_TWO,
    NS1,
    NS2,
    ONE,
    PARENTS,
    TWO,
    ZONE,
    check,
    example,
    own_ns,
    own_soa,
    stage,
    undelegated,
)
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_behaviour import answers_with, no_aa, says, silent, to

SOA_CASES = ["consistency01", "consistency02", "consistency03", "consistency06"]


def with_two(**fields: Any) -> Internet:
    """The stage, where the second server has another SOA."""
    internet = stage()
    own_soa(internet, TWO, **fields)
    return internet


@pytest.mark.parametrize(
    ("case", "tag"),
    [
        ("consistency01", "ONE_SOA_SERIAL"),
        ("consistency02", "ONE_SOA_RNAME"),
        ("consistency03", "ONE_SOA_TIME_PARAMETER_SET"),
        ("consistency06", "ONE_SOA_MNAME"),
    ],
)
@pytest.mark.parametrize(
    ("behaviour", "gap"),
    [
        (to("SOA", silent), "NO_RESPONSE"),
        (to("SOA", answers_with()), "NO_RESPONSE_SOA_QUERY"),
        (to("SOA", answers_with("www.example 3600 IN SOA a. b. 1 2 3 4 5")), "NO_RESPONSE_SOA_QUERY"),
    ],
)
def test_a_server_without_soa_is_left_out(case, tag, behaviour, gap):
    internet = stage()
    internet.behave(TWO, behaviour)
    entries = check(internet, case)
    assert tags(entries) - {"SOA_SERIAL", "SOA_RNAME"} == {tag, gap}
    assert arguments(entries, gap) == [{"ns": AT_TWO}]


@pytest.mark.parametrize("case", [*SOA_CASES, "consistency04"])
def test_nothing_is_compared_where_nobody_answers(case):
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, silent)
    assert tags(check(internet, case)) == {"NO_RESPONSE"}


# --- Consistency01


def test_one_serial_is_well():
    entries = check(stage(), "consistency01")
    assert tags(entries) == {"ONE_SOA_SERIAL", "SOA_SERIAL"}
    assert arguments(entries, "ONE_SOA_SERIAL") == [{"serial": 2027011501}]
    assert arguments(entries, "SOA_SERIAL") == [{"serial": 2027011501, "ns_list": [AT_ONE, AT_TWO]}]


@pytest.mark.parametrize(
    ("first", "second", "smallest", "largest"),
    [
        (1, 2, 1, 2),
        (9, 10, 9, 10),  # not as text
        (4294967295, 1, 4294967295, 1),  # around the end of the numbers
        (0, 2147483648, 0, 2147483648),  # no order at all
    ],
)
def test_serials_are_compared_as_serials(first, second, smallest, largest):
    internet = stage()
    own_soa(internet, ONE, serial=first)
    own_soa(internet, TWO, serial=second)
    entries = check(internet, "consistency01")
    assert tags(entries) == {"MULTIPLE_SOA_SERIALS", "SOA_SERIAL", "SOA_SERIAL_VARIATION"}
    assert arguments(entries, "MULTIPLE_SOA_SERIALS") == [{"count": 2}]
    assert arguments(entries, "SOA_SERIAL_VARIATION") == [
        {"serial_min": smallest, "serial_max": largest, "max_variation": 0}
    ]
    assert {"serial": second, "ns_list": [AT_TWO]} in arguments(entries, "SOA_SERIAL")


@pytest.mark.parametrize(
    ("serials", "expected"),
    [
        ([5], (5, 5)),
        ([3, 1, 2], (1, 3)),
        ([4294967290, 5, 4294967295], (4294967290, 5)),
        ([0, 1431655765, 2863311530], (0, 2863311530)),  # each before the next, in a circle
    ],
)
def test_the_range_of_serials_follows_their_arithmetic(serials, expected):
    assert serial_range(serials) == expected


# --- Consistency02, Consistency03, Consistency06


def test_one_rname_is_well():
    entries = check(stage(), "consistency02")
    assert tags(entries) == {"ONE_SOA_RNAME", "SOA_RNAME"}
    assert arguments(entries, "ONE_SOA_RNAME") == [{"rname": "hostmaster.child.example"}]
    assert arguments(entries, "SOA_RNAME") == [{"rname": "hostmaster.child.example", "ns_list": [AT_ONE, AT_TWO]}]


def test_the_case_of_an_rname_makes_no_difference():
    entries = check(with_two(rname="HostMaster.Child.Example."), "consistency02")
    assert tags(entries) == {"ONE_SOA_RNAME", "SOA_RNAME"}


def test_several_rnames_are_said_with_their_servers():
    entries = check(with_two(rname="other.child.example."), "consistency02")
    assert tags(entries) == {"MULTIPLE_SOA_RNAMES", "SOA_RNAME"}
    assert arguments(entries, "MULTIPLE_SOA_RNAMES") == [{"count": 2}]
    assert arguments(entries, "SOA_RNAME") == [
        {"rname": "hostmaster.child.example", "ns_list": [AT_ONE]},
        {"rname": "other.child.example", "ns_list": [AT_TWO]},
    ]


def test_one_set_of_timers_is_well():
    entries = check(stage(), "consistency03")
    assert [(entry.tag, dict(entry.arguments)) for entry in entries] == [
        (
            "ONE_SOA_TIME_PARAMETER_SET",
            {"refresh": 14400, "retry": 3600, "expire": 1209600, "minimum": 3600},
        )
    ]


@pytest.mark.parametrize("timer", ["refresh", "retry", "expire", "minimum"])
def test_timers_that_differ_are_said_with_their_servers(timer):
    entries = check(with_two(**{timer: 77}), "consistency03")
    assert tags(entries) == {"MULTIPLE_SOA_TIME_PARAMETER_SET", "SOA_TIME_PARAMETER_SET"}
    assert arguments(entries, "MULTIPLE_SOA_TIME_PARAMETER_SET") == [{"count": 2}]
    usual = {"refresh": 14400, "retry": 3600, "expire": 1209600, "minimum": 3600}
    found = arguments(entries, "SOA_TIME_PARAMETER_SET")
    assert {**usual, "ns_list": [AT_ONE]} in found
    assert {**usual, timer: 77, "ns_list": [AT_TWO]} in found


def test_one_mname_is_well_whatever_its_case():
    entries = check(with_two(mname="NS1.child.example."), "consistency06")
    assert [(entry.tag, dict(entry.arguments)) for entry in entries] == [("ONE_SOA_MNAME", {"mname": NS1})]


def test_several_mnames_are_counted():
    entries = check(with_two(mname="ns9.child.example."), "consistency06")
    assert [(entry.tag, dict(entry.arguments)) for entry in entries] == [("MULTIPLE_SOA_MNAMES", {"count": 2})]


# --- Consistency04


def test_one_ns_set_is_well():
    entries = check(stage(), "consistency04")
    assert tags(entries) == {"NS_SET", "ONE_NS_SET"}
    assert arguments(entries, "ONE_NS_SET") == [{"nsname_list": [NS1, NS2]}]
    assert arguments(entries, "NS_SET") == [{"nsname_list": [NS1, NS2], "servers": [AT_ONE, AT_TWO]}]


def test_several_ns_sets_are_said_with_their_servers():
    internet = stage()
    own_ns(internet, TWO, NS2)
    entries = check(internet, "consistency04")
    assert tags(entries) == {"MULTIPLE_NS_SET", "NS_SET"}
    assert arguments(entries, "MULTIPLE_NS_SET") == [{"count": 2}]
    assert arguments(entries, "NS_SET") == [
        {"nsname_list": [NS1, NS2], "servers": [AT_ONE]},
        {"nsname_list": [NS2], "servers": [AT_TWO]},
    ]


@pytest.mark.parametrize(
    ("behaviour", "gap"),
    [(to("NS", silent), "NO_RESPONSE"), (to("NS", answers_with()), "NO_RESPONSE_NS_QUERY")],
)
def test_a_server_without_ns_is_left_out(behaviour, gap):
    internet = stage()
    internet.behave(TWO, behaviour)
    entries = check(internet, "consistency04")
    assert tags(entries) == {"NS_SET", "ONE_NS_SET", gap}
    assert arguments(entries, gap) == [{"ns": AT_TWO}]


# --- Consistency05


def test_glue_that_equals_the_zone_matches():
    assert tags(check(stage(), "consistency05")) == {"ADDRESSES_MATCH"}


def test_glue_that_is_not_in_the_zone_is_a_mismatch():
    entries = check(stage(delegation={NS1: [ONE], NS2: [TWO, "192.0.2.99"]}), "consistency05")
    assert tags(entries) >= {"IN_BAILIWICK_ADDR_MISMATCH"}
    assert "EXTRA_ADDRESS_CHILD" not in tags(entries)
    assert arguments(entries, "IN_BAILIWICK_ADDR_MISMATCH") == [
        {"parent_addresses": [AT_ONE, AT_TWO, f"{NS2}/192.0.2.99"], "zone_addresses": [AT_ONE, AT_TWO]}
    ]


def test_addresses_that_are_not_in_the_glue_are_extra():
    internet = stage({NS1: [ONE], NS2: [TWO, "2001:db8:1::2"]}, delegation={NS1: [ONE], NS2: [TWO]})
    entries = check(internet, "consistency05")
    assert tags(entries) == {"EXTRA_ADDRESS_CHILD"}
    assert arguments(entries, "EXTRA_ADDRESS_CHILD") == [{"ns_ip_list": [f"{NS2}/2001:db8:1::2"]}]


def test_an_exchanged_address_is_a_mismatch_and_extra():
    internet = stage({NS1: [ONE], NS2: [TWO]}, delegation={NS1: [ONE], NS2: [ONE]})
    entries = check(internet, "consistency05")
    assert tags(entries) == {"IN_BAILIWICK_ADDR_MISMATCH", "EXTRA_ADDRESS_CHILD"}


def outside(glue: str, real: str) -> Internet:
    """child.example on a server of a sibling zone, for which the parent has glue."""
    internet = example()
    internet.zone("hoster.example", {"ns1.hoster.example": [real]}, delegation={"ns1.hoster.example": [glue]})
    zone = internet.zone(ZONE, {"ns1.hoster.example": []})
    internet.serve(zone, [real])
    for zone in internet.at(real).zones.values():
        internet.serve(zone, [glue])
    return internet


def test_glue_outside_the_zone_that_looking_up_finds_matches():
    assert tags(check(outside("192.0.2.30", "192.0.2.30"), "consistency05")) == {"ADDRESSES_MATCH"}


def test_glue_outside_the_zone_that_looking_up_does_not_find_is_a_mismatch():
    entries = check(outside("192.0.2.31", "192.0.2.30"), "consistency05")
    assert tags(entries) == {"OUT_OF_BAILIWICK_ADDR_MISMATCH"}
    assert arguments(entries, "OUT_OF_BAILIWICK_ADDR_MISMATCH") == [
        {
            "parent_addresses": ["ns1.hoster.example/192.0.2.31"],
            "zone_addresses": ["ns1.hoster.example/192.0.2.30"],
        }
    ]


def test_a_name_server_in_a_zone_below_is_looked_up():
    internet = example()
    internet.zone(ZONE, {"ns1.sub.child.example": [ONE]}, delegation={"ns1.sub.child.example": [ONE]})
    internet.zone("sub.child.example", {"ns1.sub.child.example": [ONE]})
    assert tags(check(internet, "consistency05")) == {"ADDRESSES_MATCH"}


@pytest.mark.parametrize(
    ("behaviour", "tag"),
    [(silent, "NO_RESPONSE"), (no_aa, "CHILD_NS_FAILED"), (says(dns.rcode.REFUSED), "CHILD_NS_FAILED")],
)
def test_a_server_that_fails_is_left_out(behaviour, tag):
    internet = stage()
    internet.behave(TWO, to("A", behaviour), to("AAAA", behaviour))
    entries = check(internet, "consistency05")
    assert tags(entries) == {"ADDRESSES_MATCH", tag}
    assert {found["ns"] for found in arguments(entries, tag)} == {AT_TWO}


def test_a_zone_whose_servers_all_fail_is_lame():
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, to("A", says(dns.rcode.REFUSED)), to("AAAA", no_aa))
    assert tags(check(internet, "consistency05")) == {"CHILD_NS_FAILED", "CHILD_ZONE_LAME"}


def test_a_zone_whose_servers_are_not_asked_is_not_called_lame():
    internet = example()
    internet.at("198.51.100.1")
    internet.zone(ZONE, {NS1: ["2001:db8:1::1"]})
    entries = check(internet, "consistency05", profile={"net": {"ipv6": False}})
    assert "CHILD_ZONE_LAME" not in tags(entries)


def test_an_address_family_that_is_refused_does_not_make_a_server_fail():
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, to("AAAA", says(dns.rcode.NOTIMP)))
    assert tags(check(internet, "consistency05")) == {"ADDRESSES_MATCH", "CHILD_NS_FAILED"}


def test_a_name_that_does_not_exist_in_the_zone_is_a_mismatch_not_a_failure():
    internet = stage()
    for address in (ONE, TWO):
        internet.own_copy(address, ZONE).delete_node(f"{NS2}.")
    entries = check(internet, "consistency05")
    assert tags(entries) == {"IN_BAILIWICK_ADDR_MISMATCH"}


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ({NS1: [ONE], NS2: [TWO]}, "ADDRESSES_MATCH"),
        ({NS1: [ONE], NS2: [TWO, "192.0.2.99"]}, "IN_BAILIWICK_ADDR_MISMATCH"),
        ({NS1: [ONE]}, "EXTRA_ADDRESS_CHILD"),
    ],
)
def test_the_addresses_given_for_an_undelegated_test_are_its_glue(given, tag):
    entries = check(stage(delegated=False), "consistency05", undelegated=undelegated(given))
    assert tags(entries) - {"NO_RESPONSE"} == {tag}


def test_given_addresses_outside_the_zone_are_compared_by_looking_up():
    internet = outside("192.0.2.30", "192.0.2.30")
    given = {"ns1.hoster.example": ["192.0.2.30", "192.0.2.77"]}
    entries = check(internet, "consistency05", undelegated=undelegated(given))
    assert "OUT_OF_BAILIWICK_ADDR_MISMATCH" in tags(entries)


def test_the_glue_of_the_root_is_the_hints():
    internet = Internet()
    entries = check(internet, "consistency05", ".")
    assert tags(entries) == {"ADDRESSES_MATCH"}
    internet = Internet()
    root = internet.own_copy("198.51.100.1", ".")
    root.delete_node("b.root-servers.test.")
    internet.hosts["198.51.100.2"].zones = internet.hosts["2001:db8:ffff::1"].zones = {dns.name.root: root}
    assert tags(check(internet, "consistency05", ".")) == {"IN_BAILIWICK_ADDR_MISMATCH"}


def test_the_parent_silent_leaves_no_glue_to_compare():
    internet = stage()
    for address in PARENTS:
        internet.behave(address, silent)
    assert "IN_BAILIWICK_ADDR_MISMATCH" not in tags(check(internet, "consistency05"))


def test_records_of_another_class_are_no_answer():
    internet = stage()
    soa = "child.example. 3600 CH SOA ns1.child.example. hostmaster.child.example. 9 1 1 1 1"
    internet.behave(TWO, to("SOA", answers_with(soa)))
    entries = check(internet, "consistency01")
    assert arguments(entries, "NO_RESPONSE_SOA_QUERY") == [{"ns": AT_TWO}]
    assert "ONE_SOA_SERIAL" in tags(entries)
