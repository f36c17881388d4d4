"""Scenarios of the Connectivity test cases, written from the specification."""

import dns.rcode
import dns.reversename
import pytest

from tests.health.stage import AT_ONE, AT_TWO, NS1, NS2, ONE, TWO, ZONE, check, example, stage
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_behaviour import answers_with, loses, no_aa, no_tcp, no_udp, on, says, silent, to

FORMS = [("connectivity01", "CN01", "UDP"), ("connectivity02", "CN02", "TCP")]
SOA_ELSEWHERE = answers_with("other.example 3600 IN SOA a. b. 1 2 3 4 5")
NS_ELSEWHERE = answers_with("other.example 3600 IN NS ns1.child.example.")


# --- Connectivity01 and Connectivity02


@pytest.mark.parametrize(("case", "_prefix", "_protocol"), FORMS)
def test_nothing_is_said_of_servers_that_answer(case, _prefix, _protocol):
    assert check(stage(), case) == []


@pytest.mark.parametrize(("case", "prefix", "protocol"), FORMS)
@pytest.mark.parametrize(
    ("behaviour", "tag", "more"),
    [
        (silent, "NO_RESPONSE_{}", {}),
        (to("SOA", silent), "NO_RESPONSE_SOA_QUERY_{}", {}),
        (to("NS", silent), "NO_RESPONSE_NS_QUERY_{}", {}),
        (to("SOA", says(dns.rcode.SERVFAIL)), "UNEXPECTED_RCODE_SOA_QUERY_{}", {"rcode": "SERVFAIL"}),
        (to("NS", says(dns.rcode.REFUSED)), "UNEXPECTED_RCODE_NS_QUERY_{}", {"rcode": "REFUSED"}),
        (to("SOA", answers_with()), "MISSING_SOA_RECORD_{}", {}),
        (to("NS", answers_with()), "MISSING_NS_RECORD_{}", {}),
        (
            to("SOA", SOA_ELSEWHERE),
            "WRONG_SOA_RECORD_{}",
            {"domain_found": "other.example", "domain_expected": ZONE},
        ),
        (to("NS", NS_ELSEWHERE), "WRONG_NS_RECORD_{}", {"domain_found": "other.example", "domain_expected": ZONE}),
        (to("SOA", no_aa), "SOA_RECORD_NOT_AA_{}", {}),
        (to("NS", no_aa), "NS_RECORD_NOT_AA_{}", {}),
    ],
)
def test_what_a_server_does_wrong_is_said(case, prefix, protocol, behaviour, tag, more):
    internet = stage()
    internet.behave(TWO, on(lambda query: query.transport.value == protocol, behaviour))
    entries = check(internet, case)
    expected = f"{prefix}_{tag.format(protocol)}"
    assert tags(entries) == {expected}
    assert arguments(entries, expected) == [{"ns": AT_TWO, **more}]


@pytest.mark.parametrize(("behaviour", "tag"), [(no_udp, "CN01_NO_RESPONSE_UDP"), (no_tcp, "CN02_NO_RESPONSE_TCP")])
def test_a_server_without_one_transport_still_has_the_other(behaviour, tag):
    internet = stage()
    internet.behave(ONE, behaviour)
    found = tags([*check(internet, "connectivity01"), *check(internet, "connectivity02")])
    assert found == {tag}


def test_one_lost_packet_does_not_condemn_a_server():
    internet = stage()
    internet.behave(TWO, loses(1))
    assert check(internet, "connectivity01") == []


@pytest.mark.parametrize(
    ("net", "tag", "lists"),
    [
        ({"ipv4": False}, "CN01_IPV4_DISABLED", [AT_ONE]),
        ({"ipv6": False}, "CN01_IPV6_DISABLED", [f"{NS2}/2001:db8:1::1"]),
    ],
)
def test_the_servers_of_a_family_not_in_use_are_listed_once(net, tag, lists):
    internet = Internet(root_servers={"a.root-servers.test": ["198.51.100.1", "2001:db8:ffff::1"]})
    internet.zone("example", {"ns1.nic.example": ["192.0.2.1", "2001:db8::1"]})
    internet.zone(ZONE, {NS1: [ONE], NS2: ["2001:db8:1::1"]})
    entries = check(internet, "connectivity01", profile={"net": net})
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns_list": lists}]


def test_a_server_of_a_family_not_in_use_is_no_failure_over_tcp():
    internet = stage({NS1: [ONE], NS2: ["2001:db8:1::1"]})
    entries = check(internet, "connectivity02", profile={"net": {"ipv6": False}})
    assert tags(entries) == {"IPV6_DISABLED"}


# --- Connectivity03 and Connectivity04

CYMRU = "asnlookup.zonemaster.net"
SIX_ONE, SIX_TWO = "2001:db8:1::1", "2001:db8:2::1"


def announced(servers: dict[str, list[str]], records: str) -> Internet:
    """The stage with a Cymru-style service that knows these records below origin and origin6."""
    internet = stage(servers)
    internet.zone("net", {"ns1.nic.net": ["192.0.2.60"]})
    internet.zone(CYMRU, {"ns1.asnlookup.zonemaster.net": ["192.0.2.61"]}, records=records)
    return internet


def txt(address: str, *origins: str) -> str:
    """The TXT records of an address as the service has them, relative to its name."""
    reversed_name = dns.reversename.from_address(address)
    below = ".".join(label.decode() for label in reversed_name.labels[:-3])
    label = "origin6" if ":" in address else "origin"
    return "\n".join(f'{below}.{label} 3600 IN TXT "{origin}"' for origin in origins)


BOTH = {NS1: [ONE], NS2: [TWO]}
SIX = {NS1: [SIX_ONE], NS2: [SIX_TWO]}


@pytest.mark.parametrize(
    ("servers", "family", "first", "second"),
    [(BOTH, "IPV4", "192.0.2.0/24", "192.0.2.0/28"), (SIX, "IPV6", "2001:db8:1::/48", "2001:db8::/32")],
)
@pytest.mark.parametrize(
    ("one", "two", "tag", "argument"),
    [
        ("64500", "64500", "ONE_ASN", {"asn": 64500}),
        ("64500 64501", "64501 64500", "SAME_ASN", {"asn_list": ["64500", "64501"]}),
        ("64500", "64501", "DIFFERENT_ASN", {"asn_list": ["64500", "64501"]}),
        ("64500", "64500 64501", "DIFFERENT_ASN", {"asn_list": ["64500", "64501"]}),
    ],
)
def test_the_autonomous_systems_are_compared(servers, family, first, second, one, two, tag, argument):
    (a,), (b,) = servers.values()
    records = txt(a, f"{one} | {first} | ZZ | none | 2020-01-01") + "\n" + txt(b, f"{two} | {second} | ZZ | none |")
    entries = check(announced(servers, records), "connectivity03")
    told = {"ASN_INFOS_RAW", "ASN_INFOS_ANNOUNCE_BY", "ASN_INFOS_ANNOUNCE_IN"}
    assert tags(entries) - told == {f"{family}_{tag}"}
    assert arguments(entries, f"{family}_{tag}") == [argument]


def test_what_the_source_says_of_an_address_is_kept():
    line = "64500 64501 | 192.0.2.0/24 | ZZ | none | 2020-01-01"
    entries = check(announced({NS1: [ONE]}, txt(ONE, line)), "connectivity03")
    assert arguments(entries, "ASN_INFOS_RAW") == [{"ns_ip": ONE, "data": line}]
    assert arguments(entries, "ASN_INFOS_ANNOUNCE_BY") == [{"ns_ip": ONE, "asn": "64500,64501"}]
    assert arguments(entries, "ASN_INFOS_ANNOUNCE_IN") == [{"ns_ip": ONE, "prefix": "192.0.2.0/24"}]


def test_the_most_specific_of_several_origins_counts():
    lines = ("64500 | 192.0.0.0/16 | ZZ", "64501 | 192.0.2.0/24 | ZZ", "64502 | 192.0.0.0/20 | ZZ")
    entries = check(announced({NS1: [ONE]}, txt(ONE, *lines)), "connectivity03")
    assert arguments(entries, "IPV4_ONE_ASN") == [{"asn": 64501}]


@pytest.mark.parametrize(
    ("case", "tag"), [("connectivity03", "EMPTY_ASN_SET"), ("connectivity04", "CN04_EMPTY_PREFIX_SET")]
)
@pytest.mark.parametrize("records", ["", "11.2.0.192.origin 3600 IN A 192.0.2.99"], ids=["NXDOMAIN", "NODATA"])
def test_an_address_nobody_announces_is_said(case, tag, records):
    entries = check(announced({NS1: [ONE]}, records), case)
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns_ip": ONE}]


@pytest.mark.parametrize(
    ("case", "tag"), [("connectivity03", "ERROR_ASN_DATABASE"), ("connectivity04", "CN04_ERROR_PREFIX_DATABASE")]
)
@pytest.mark.parametrize(
    "behaviour",
    [silent, to("TXT", says(dns.rcode.SERVFAIL)), None],
    ids=["silent", "SERVFAIL", "unreadable"],
)
def test_a_source_that_fails_is_said(case, tag, behaviour):
    internet = announced({NS1: [ONE]}, txt(ONE, "not an origin"))
    if behaviour is not None:
        internet.behave("192.0.2.61", behaviour)
    entries = check(internet, case, profile={"asn_db": {"sources": {"Cymru": [CYMRU]}}})
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns_ip": ONE}]


def test_the_next_source_is_asked_where_one_fails():
    internet = announced({NS1: [ONE]}, txt(ONE, "64500 | 192.0.2.0/24 | ZZ"))
    entries = check(internet, "connectivity03", profile={"asn_db": {"sources": {"Cymru": ["nowhere.net", CYMRU]}}})
    assert "EMPTY_ASN_SET" in tags(entries)  # an answer, not a failure: the name does not exist
    internet.zone("broken.net", {"ns1.broken.net": ["192.0.2.62"]})
    internet.behave("192.0.2.62", silent)
    entries = check(internet, "connectivity03", profile={"asn_db": {"sources": {"Cymru": ["broken.net", CYMRU]}}})
    assert arguments(entries, "IPV4_ONE_ASN") == [{"asn": 64500}]


RIPE = {"asn_db": {"style": "RIPE", "sources": {"RIPE": ["whois.test"]}}}


@pytest.mark.parametrize(
    ("said", "third", "fourth"),
    [
        ("% comment\n\n64500\t192.0.2.0/24\t300\n", "IPV4_ONE_ASN", "CN04_IPV4_SINGLE_PREFIX"),
        ("% nothing known\n\n", "EMPTY_ASN_SET", "CN04_EMPTY_PREFIX_SET"),
        ("what is this\n", "ERROR_ASN_DATABASE", "CN04_ERROR_PREFIX_DATABASE"),
        ("alone\n", "ERROR_ASN_DATABASE", "CN04_ERROR_PREFIX_DATABASE"),
        (None, "ERROR_ASN_DATABASE", "CN04_ERROR_PREFIX_DATABASE"),
    ],
)
def test_the_whois_service_can_be_the_source(said, third, fourth):
    internet = stage({NS1: [ONE]})
    if said is not None:
        internet.whois_answers["whois.test", f" -F -M {ONE}"] = said
    assert third in tags(check(internet, "connectivity03", profile=RIPE))
    assert fourth in tags(check(internet, "connectivity04", profile=RIPE))


def test_a_profile_without_sources_gives_no_origin():
    profile = {"asn_db": {"style": "RIPE", "sources": {"RIPE": []}}}
    assert tags(check(stage({NS1: [ONE]}), "connectivity03", profile=profile)) == {"ERROR_ASN_DATABASE"}


def prefixes(servers: dict[str, list[str]], found: dict[str, str]):
    records = "\n".join(txt(address, f"64500 | {prefix} | ZZ") for address, prefix in found.items())
    entries = check(announced(servers, records), "connectivity04")
    told = {"CN04_ASN_INFOS_RAW", "CN04_ASN_INFOS_ANNOUNCE_IN"}
    return [entry for entry in entries if entry.tag not in told]


def test_servers_alone_in_their_prefixes_are_listed_together():
    entries = prefixes(BOTH, {ONE: "192.0.2.0/28", TWO: "192.0.2.12/32"})
    assert tags(entries) == {"CN04_IPV4_DIFFERENT_PREFIX"}
    assert arguments(entries, "CN04_IPV4_DIFFERENT_PREFIX") == [{"ns_list": [AT_ONE, AT_TWO]}]


def test_one_prefix_for_all_servers_is_a_single_prefix():
    entries = prefixes(BOTH, {ONE: "192.0.2.0/24", TWO: "192.0.2.0/24"})
    assert tags(entries) == {"CN04_IPV4_SAME_PREFIX", "CN04_IPV4_SINGLE_PREFIX"}
    assert arguments(entries, "CN04_IPV4_SAME_PREFIX") == [{"ip_prefix": "192.0.2.0/24", "ns_list": [AT_ONE, AT_TWO]}]


def test_shared_and_own_prefixes_are_told_apart():
    servers = {**BOTH, "ns3.child.example": ["203.0.113.1"]}
    entries = prefixes(servers, {ONE: "192.0.2.0/24", TWO: "192.0.2.0/24", "203.0.113.1": "203.0.113.0/24"})
    assert tags(entries) == {"CN04_IPV4_SAME_PREFIX", "CN04_IPV4_DIFFERENT_PREFIX"}
    assert arguments(entries, "CN04_IPV4_DIFFERENT_PREFIX") == [{"ns_list": ["ns3.child.example/203.0.113.1"]}]


def test_prefixes_of_ipv6_are_judged_on_their_own():
    same = prefixes(SIX, {SIX_ONE: "2001:db8::/32", SIX_TWO: "2001:db8::/32"})
    assert tags(same) == {"CN04_IPV6_SAME_PREFIX", "CN04_IPV6_SINGLE_PREFIX"}
    different = prefixes(SIX, {SIX_ONE: "2001:db8:1::/48", SIX_TWO: "2001:db8:2::/48"})
    assert tags(different) == {"CN04_IPV6_DIFFERENT_PREFIX"}


def test_a_prefix_that_does_not_hold_the_address_is_an_error_of_the_source():
    entries = prefixes({NS1: [ONE]}, {ONE: "203.0.113.0/24"})
    assert tags(entries) == {"CN04_ERROR_PREFIX_DATABASE"}


def test_what_the_source_says_of_a_prefix_is_kept():
    entries = check(announced({NS1: [ONE]}, txt(ONE, "64500 | 192.0.2.0/24 | ZZ")), "connectivity04")
    assert arguments(entries, "CN04_ASN_INFOS_RAW") == [{"ns_ip": ONE, "data": "64500 | 192.0.2.0/24 | ZZ"}]
    assert arguments(entries, "CN04_ASN_INFOS_ANNOUNCE_IN") == [{"ns_ip": ONE, "prefix": "192.0.2.0/24"}]


def test_nothing_is_compared_without_servers():
    assert check(example(), "connectivity03", "missing.example") == []
    assert check(example(), "connectivity04", "missing.example") == []
