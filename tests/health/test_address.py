"""Scenarios of the Address test cases, written from the specification."""

import dns.rcode
import pytest

from tests.health.stage import NS1, NS2, ONE, TWO, ZONE, check, example, stage, undelegated
from tests.kit.internet import Internet, Servers, arguments, tags
from tests.kit.internet_behaviour import says, silent, to

PUBLIC, ALSO_PUBLIC = "9.9.9.9", "2620:fe::fe"


# --- Address01


@pytest.mark.parametrize(
    ("address", "tag"),
    [
        (PUBLIC, "A01_GLOBALLY_REACHABLE_ADDR"),
        (ALSO_PUBLIC, "A01_GLOBALLY_REACHABLE_ADDR"),
        ("192.175.48.1", "A01_GLOBALLY_REACHABLE_ADDR"),
        ("192.0.2.1", "A01_DOCUMENTATION_ADDR"),
        ("2001:db8::1", "A01_DOCUMENTATION_ADDR"),
        ("10.0.0.1", "A01_LOCAL_USE_ADDR"),
        ("127.0.0.1", "A01_LOCAL_USE_ADDR"),
        ("100.64.0.1", "A01_LOCAL_USE_ADDR"),
        ("169.254.0.1", "A01_LOCAL_USE_ADDR"),
        ("::1", "A01_LOCAL_USE_ADDR"),
        ("fe80::1", "A01_LOCAL_USE_ADDR"),
        ("fd00::1", "A01_LOCAL_USE_ADDR"),
        ("198.18.0.1", "A01_ADDR_NOT_GLOBALLY_REACHABLE"),
        ("192.88.99.1", "A01_ADDR_NOT_GLOBALLY_REACHABLE"),
        ("2002::1", "A01_ADDR_NOT_GLOBALLY_REACHABLE"),
    ],
)
def test_the_kind_of_a_name_server_address_is_said(address, tag):
    entries = check(stage({NS1: [address]}), "address01")
    none = set() if tag == "A01_GLOBALLY_REACHABLE_ADDR" else {"A01_NO_GLOBALLY_REACHABLE_ADDR"}
    assert tags(entries) == {tag} | none
    assert arguments(entries, tag) == [{"ns_list": [f"{NS1}/{address}"]}]


def test_one_globally_reachable_address_is_enough_to_be_reached():
    entries = check(stage({NS1: [PUBLIC], NS2: ["10.1.1.1"]}), "address01")
    assert tags(entries) == {"A01_GLOBALLY_REACHABLE_ADDR", "A01_LOCAL_USE_ADDR"}


def test_addresses_of_child_and_delegation_are_looked_at():
    internet = stage({NS1: [PUBLIC], NS2: ["10.1.1.1"]}, delegation={NS1: [PUBLIC, "192.0.2.7"]})
    entries = check(internet, "address01")
    assert arguments(entries, "A01_LOCAL_USE_ADDR") == [{"ns_list": [f"{NS2}/10.1.1.1"]}]
    assert arguments(entries, "A01_DOCUMENTATION_ADDR") == [{"ns_list": [f"{NS1}/192.0.2.7"]}]


def test_without_name_servers_there_is_nothing_to_reach():
    assert tags(check(example(), "address01", "missing.example")) == {"A01_NO_NAME_SERVERS_FOUND"}


def test_the_addresses_of_an_undelegated_test_count():
    internet = stage({NS1: [ONE]}, delegated=False)
    entries = check(internet, "address01", undelegated=undelegated({NS1: [ONE]}))
    assert tags(entries) == {"A01_DOCUMENTATION_ADDR", "A01_NO_GLOBALLY_REACHABLE_ADDR"}


# --- Address02 and Address03


def reverse(records: str, servers: Servers = {NS1: [ONE], NS2: [TWO]}) -> Internet:  # noqa: B006 - read only
    internet = stage(servers)
    internet.zone("2.0.192.in-addr.arpa", {"ns1.nic.example": ["192.0.2.1"]}, records=records)
    return internet


MATCHING = f"11 3600 IN PTR {NS1}.\n12 3600 IN PTR {NS2}."


def test_reverse_dns_for_every_address_is_well():
    assert tags(check(reverse(MATCHING), "address02")) == {"NAMESERVERS_IP_WITH_REVERSE"}


def test_reverse_dns_through_an_alias_is_well():
    # RFC 2317: the reverse zone of a network smaller than an octet
    records = f"12 3600 IN PTR {NS2}.\n11 3600 IN CNAME 11.0/28\n11.0/28 3600 IN PTR {NS1}."
    assert tags(check(reverse(records), "address02")) == {"NAMESERVERS_IP_WITH_REVERSE"}


@pytest.mark.parametrize(
    "records", [f"11 3600 IN PTR {NS1}.", f"11 3600 IN PTR {NS1}.\n12 3600 IN TXT none"], ids=["NXDOMAIN", "NODATA"]
)
def test_an_address_without_reverse_dns_is_said(records):
    entries = check(reverse(records), "address02")
    assert tags(entries) == {"NAMESERVER_IP_WITHOUT_REVERSE"}
    assert arguments(entries, "NAMESERVER_IP_WITHOUT_REVERSE") == [{"nsname": NS2, "ns_ip": TWO}]


def test_a_refused_reverse_lookup_counts_as_none():
    internet = stage({NS1: ["192.0.99.1"]})
    internet.zone("99.0.192.in-addr.arpa", {"ns1.reverse.test": ["192.0.2.50"]})
    internet.zone("reverse.test", {"ns1.reverse.test": ["192.0.2.50"]})
    internet.behave("192.0.2.50", to("PTR", says(dns.rcode.REFUSED)))
    entries = check(internet, "address02")
    assert [(entry.tag, dict(entry.arguments)) for entry in entries] == [
        ("NAMESERVER_IP_WITHOUT_REVERSE", {"nsname": NS1, "ns_ip": "192.0.99.1"})
    ]


def silent_reverse() -> Internet:
    internet = stage()
    internet.zone("2.0.192.in-addr.arpa", {"ns1.other.example": ["192.0.2.50"]}, records=MATCHING)
    internet.zone("other.example", {"ns1.other.example": ["192.0.2.51"]}, records="ns1 3600 IN A 192.0.2.50")
    internet.behave("192.0.2.50", silent)
    return internet


@pytest.mark.parametrize("case", ["address02", "address03"])
def test_silence_about_reverse_dns_is_said(case):
    entries = check(silent_reverse(), case)
    assert tags(entries) == {"NO_RESPONSE_PTR_QUERY"}
    assert arguments(entries, "NO_RESPONSE_PTR_QUERY") == [
        {"domain": "11.2.0.192.in-addr.arpa"},
        {"domain": "12.2.0.192.in-addr.arpa"},
    ]


def test_a_shared_address_is_said_once():
    entries = check(reverse("", {NS1: [ONE], NS2: [ONE]}), "address02")
    assert arguments(entries, "NAMESERVER_IP_WITHOUT_REVERSE") == [{"nsname": NS1, "ns_ip": ONE}]


def test_names_in_reverse_dns_that_match_are_well():
    assert tags(check(reverse(MATCHING), "address03")) == {"NAMESERVER_IP_PTR_MATCH"}


def test_one_matching_name_of_several_is_enough():
    entries = check(reverse(MATCHING + "\n11 3600 IN PTR www.example."), "address03")
    assert tags(entries) == {"NAMESERVER_IP_PTR_MATCH"}


def test_other_names_in_reverse_dns_do_not_match():
    entries = check(
        reverse(f"11 3600 IN PTR {NS1}.\n12 3600 IN PTR b.example.\n12 3600 IN PTR a.example."), "address03"
    )
    assert tags(entries) == {"NAMESERVER_IP_PTR_MISMATCH"}
    assert arguments(entries, "NAMESERVER_IP_PTR_MISMATCH") == [
        {"nsname": NS2, "ns_ip": TWO, "names": "a.example/b.example"}
    ]


def test_every_name_of_a_shared_address_is_compared():
    internet = reverse(f"11 3600 IN PTR {NS1}.", {NS1: [ONE], NS2: [ONE]})
    entries = check(internet, "address03")
    assert arguments(entries, "NAMESERVER_IP_PTR_MISMATCH") == [{"nsname": NS2, "ns_ip": ONE, "names": NS1}]


def test_an_address_without_reverse_dns_matches_nothing():
    entries = check(reverse(f"11 3600 IN PTR {NS1}."), "address03")
    assert tags(entries) == {"NAMESERVER_IP_WITHOUT_REVERSE"}


def test_names_are_compared_only_where_all_addresses_have_one():
    found = tags(reverse(f"11 3600 IN PTR {NS1}.").check(ZONE, "address"))
    assert "NAMESERVER_IP_WITHOUT_REVERSE" in found
    assert "NAMESERVER_IP_PTR_MATCH" not in found
    assert "NAMESERVER_IP_PTR_MATCH" in tags(reverse(MATCHING).check(ZONE, "address"))
