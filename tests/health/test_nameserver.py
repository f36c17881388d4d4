"""Scenarios of the Nameserver test cases, written from the specification."""

from string import ascii_lowercase

import dns.edns
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from health.engine.cases.nameserver import scrambled
from health.engine.cases.nameserver_edns import UNKNOWN_OPTION
from health.engine.levels import Level
from health.engine.network import NoResponse, Silence
from tests.health.stage import AT_ONE, AT_TWO, NS1, NS2, ONE, TWO, ZONE, check, stage, undelegated
from tests.kit.internet import ROOT_SERVERS, Internet, arguments, tags
from tests.kit.internet_behaviour import (
    answers_with,
    drops_edns,
    edited,
    empty,
    formerr_to_edns,
    from_source,
    loses,
    lower_cases_question,
    no_aa,
    offers_recursion,
    on,
    says,
    silent,
    to,
    truncates,
    without_opt,
)

ODD_NAMES = ("xn--nameservertest.iis.se", "xn--nameservertest.icann.org", "xn--nameservertest.ripe.net")
FULL_SOA = f"{ZONE} 3600 IN SOA {NS1}. hostmaster.{ZONE}. 2027011501 14400 3600 1209600 3600"
edns_1 = lambda query: query.edns is not None and query.edns.version == 1  # noqa: E731
with_option = lambda query: query.edns is not None and bool(query.edns.options)  # noqa: E731
with_flags = lambda query: query.edns is not None and bool(query.edns.z)  # noqa: E731
in_chaos = lambda query: query.rdclass == dns.rdataclass.CH  # noqa: E731


def with_behaviour(*behaviours, at=TWO):
    """The stage, where a server behaves so."""
    internet = stage()
    internet.behave(at, *behaviours)
    return internet


def found(case, *behaviours, **options):
    """The tags of what a case finds where the second server behaves so."""
    return tags(check(with_behaviour(*behaviours), case, **options))


def all_silent():
    internet = with_behaviour(silent)
    internet.behave(ONE, silent)
    return internet


SILENCE_ONLY = {
    "nameserver01": {"NO_RESPONSE"},
    "nameserver02": {"NO_RESPONSE"},
    "nameserver03": {"AXFR_FAILURE"},
    "nameserver04": set(),
    "nameserver05": {"NO_RESPONSE"},
    "nameserver06": {"CAN_BE_RESOLVED"},
    "nameserver07": set(),
    "nameserver08": set(),
    "nameserver09": set(),
    "nameserver10": set(),
    "nameserver11": set(),
    "nameserver12": {"NO_RESPONSE"},
    "nameserver13": {"NO_RESPONSE"},
    "nameserver15": set(),
}


@pytest.mark.parametrize(("case", "expected"), SILENCE_ONLY.items())
def test_where_nobody_answers_little_is_said(case, expected):
    assert tags(check(all_silent(), case)) == expected


WELL = {
    "nameserver01": {"NO_RECURSOR"},
    "nameserver02": {"EDNS0_SUPPORT"},
    "nameserver03": {"AXFR_FAILURE"},
    "nameserver04": {"SAME_SOURCE_IP"},
    "nameserver05": {"AAAA_WELL_PROCESSED"},
    "nameserver06": {"CAN_BE_RESOLVED"},
    "nameserver07": {"NO_UPWARD_REFERRAL"},
    "nameserver08": {"QNAME_CASE_SENSITIVE"},
    "nameserver09": {"CASE_QUERY_SAME_RC", "CASE_QUERIES_RESULTS_OK"},
    "nameserver10": set(),
    "nameserver11": set(),
    "nameserver12": set(),
    "nameserver13": set(),
    "nameserver15": {"N15_NO_VERSION_REVEALED"},
}


@pytest.mark.parametrize(("case", "expected"), WELL.items())
def test_well_behaved_servers_pass(case, expected):
    assert tags(check(stage(), case)) == expected


@pytest.mark.parametrize("case", WELL)
def test_a_lost_packet_changes_nothing(case):
    assert found(case, loses(1)) == WELL[case]


@pytest.mark.parametrize("case", [case for case in WELL if case not in ("nameserver06", "nameserver07")])
def test_a_family_that_is_off_is_left_out(case):
    internet = stage({NS1: [ONE], NS2: ["2001:db8::2"]})
    entries = check(internet, case, profile={"net": {"ipv6": False}})
    assert "IPV6_DISABLED" in tags(entries)
    assert {"ns": f"{NS2}/2001:db8::2"} not in [{"ns": a.get("ns")} for e in entries for a in [e.arguments] if e.level]


# --- Nameserver01


def test_a_server_that_offers_recursion_is_a_recursor():
    entries = check(with_behaviour(offers_recursion), "nameserver01")
    assert arguments(entries, "IS_A_RECURSOR") == [{"ns": AT_TWO}]
    assert arguments(entries, "NO_RECURSOR") == [{"ns": AT_ONE}]


def test_one_that_denies_all_the_names_is_a_recursor():
    assert found("nameserver01", says(dns.rcode.NXDOMAIN)) == {"IS_A_RECURSOR", "NO_RECURSOR"}


def test_one_that_denies_only_some_is_none():
    assert found("nameserver01", to("A", says(dns.rcode.NXDOMAIN), ODD_NAMES[0])) == {"NO_RECURSOR"}


def test_one_that_does_not_answer_everything_is_not_said_to_be_none():
    entries = check(with_behaviour(to("A", silent, ODD_NAMES[1])), "nameserver01")
    assert arguments(entries, "NO_RECURSOR") == [{"ns": AT_ONE}]
    assert arguments(entries, "NO_RESPONSE") == [{"ns": AT_TWO, "domain": ODD_NAMES[1]}]


def test_one_that_denies_all_it_answers_is_a_recursor():
    behaviours = (says(dns.rcode.NXDOMAIN), to("A", silent, ODD_NAMES[1]))
    assert found("nameserver01", *behaviours) == {"IS_A_RECURSOR", "NO_RESPONSE", "NO_RECURSOR"}


def test_the_names_that_are_asked_are_a_setting():
    internet = stage()
    check(internet, "nameserver01", profile={"probing": {"recursion_names": ["nothing.test"]}})
    names = {query.name.to_text() for query in internet.at(ONE).asked if query.rdtype == dns.rdatatype.A}
    assert names & {"nothing.test.", *(f"{name}." for name in ODD_NAMES)} == {"nothing.test."}


# --- Nameserver02


@pytest.mark.parametrize(
    ("behaviour", "tag"),
    [
        (drops_edns, "BREAKS_ON_EDNS"),
        (formerr_to_edns, "NO_EDNS_SUPPORT"),
        (without_opt, "EDNS_RESPONSE_WITHOUT_EDNS"),
        (edited(lambda reply: reply.use_edns(1) if reply.opt else None), "EDNS_VERSION_ERROR"),
        (says(dns.rcode.REFUSED), "NS_ERROR"),
        (says(dns.rcode.FORMERR), "NS_ERROR"),
        (to("SOA", edited(lambda reply: reply.answer.clear())), "NS_ERROR"),
        (silent, "NO_RESPONSE"),
    ],
)
def test_what_a_server_makes_of_edns(behaviour, tag):
    entries = check(with_behaviour(behaviour), "nameserver02")
    assert tags(entries) - {"EDNS0_SUPPORT"} == {tag}
    assert arguments(entries, tag)[0]["ns"] == AT_TWO
    assert ("EDNS0_SUPPORT" in tags(entries)) is (tag == "NO_RESPONSE")


# --- Nameserver03


def test_a_server_that_gives_the_zone_away_is_noted():
    internet = with_behaviour(to("AXFR", answers_with(FULL_SOA)))
    entries = check(internet, "nameserver03")
    assert arguments(entries, "AXFR_AVAILABLE") == [{"ns": AT_TWO}]
    assert arguments(entries, "AXFR_FAILURE") == [{"ns": AT_ONE}]


def test_where_all_servers_give_it_away_none_fails():
    internet = with_behaviour(to("AXFR", answers_with(FULL_SOA)))
    internet.behave(ONE, to("AXFR", answers_with(FULL_SOA)))
    assert [entry.arguments["ns"] for entry in check(internet, "nameserver03")] == [AT_ONE, AT_TWO]


def test_a_transfer_that_does_not_begin_with_soa_is_none():
    assert found("nameserver03", to("AXFR", answers_with(f"{ZONE} 60 IN A 192.0.2.1", FULL_SOA))) == {"AXFR_FAILURE"}


# --- Nameserver04


def test_a_reply_from_elsewhere_is_told():
    entries = check(with_behaviour(from_source("192.0.2.99")), "nameserver04")
    assert tags(entries) == {"DIFFERENT_SOURCE_IP"}
    assert arguments(entries, "DIFFERENT_SOURCE_IP") == [{"ns": AT_TWO, "source": "192.0.2.99"}]


# --- Nameserver05


def bad_aaaa(query, reply):
    """An AAAA record of four octets."""
    rdata = dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.AAAA, b"\x01\x02\x03\x04")
    reply.answer.append(dns.rrset.from_rdata(query.name, 60, rdata))
    return reply


@pytest.mark.parametrize(
    ("behaviour", "tag", "more"),
    [
        (to("A", silent, ZONE), "NO_RESPONSE", {"domain": ZONE}),
        (to("A", says(dns.rcode.SERVFAIL), ZONE), "A_UNEXPECTED_RCODE", {"rcode": "SERVFAIL"}),
        (to("AAAA", silent, ZONE), "AAAA_QUERY_DROPPED", {}),
        (to("AAAA", says(dns.rcode.NXDOMAIN), ZONE), "AAAA_UNEXPECTED_RCODE", {"rcode": "NXDOMAIN"}),
        (to("AAAA", bad_aaaa, ZONE), "AAAA_BAD_RDATA", {"length": 4}),
    ],
)
def test_what_a_server_makes_of_aaaa(behaviour, tag, more):
    entries = check(with_behaviour(behaviour), "nameserver05")
    assert arguments(entries, tag) == [{"ns": AT_TWO, **more}]
    assert arguments(entries, "AAAA_WELL_PROCESSED") == [{"ns_list": [AT_ONE]}]


def test_a_proper_aaaa_record_is_well():
    internet = stage(records="@ 60 IN AAAA 2001:db8::80")
    assert arguments(check(internet, "nameserver05"), "AAAA_WELL_PROCESSED") == [{"ns_list": [AT_ONE, AT_TWO]}]


# --- Nameserver06


def test_names_without_address_are_told():
    internet = stage({NS1: [ONE], "ns.nowhere.test": []})
    entries = check(internet, "nameserver06")
    assert arguments(entries, "CAN_NOT_BE_RESOLVED") == [{"nsname_list": ["ns.nowhere.test"]}]


def test_that_no_name_has_an_address_is_told():
    internet = stage({"ns.nowhere.test": [], "ns.elsewhere.test": []})
    assert tags(check(internet, "nameserver06")) == {"NO_RESOLUTION"}


def test_given_names_are_looked_at_in_an_undelegated_test():
    entries = check(stage(), "nameserver06", undelegated=undelegated({NS1: [ONE], "ns.nowhere.test": []}))
    assert arguments(entries, "CAN_NOT_BE_RESOLVED") == [{"nsname_list": ["ns.nowhere.test"]}]


# --- Nameserver07


def refers_to_root(query, _reply):
    reply = empty(query)
    reply.authority.append(dns.rrset.from_text(".", 60, "IN", "NS", "a.root-servers.test."))
    return reply


def test_an_upward_referral_is_told():
    entries = check(with_behaviour(to("NS", refers_to_root, ".")), "nameserver07")
    assert tags(entries) == {"UPWARD_REFERRAL"}
    assert arguments(entries, "UPWARD_REFERRAL") == [{"ns": AT_TWO}]


def test_the_servers_that_do_not_refer_upward_are_listed():
    assert arguments(check(stage(), "nameserver07"), "NO_UPWARD_REFERRAL") == [{"nsname_list": [NS1, NS2]}]


def test_the_root_cannot_be_referred_upward():
    internet = Internet(root_servers=ROOT_SERVERS)
    assert tags(check(internet, "nameserver07", domain=".")) == {"UPWARD_REFERRAL_IRRELEVANT"}


# --- Nameserver08


def test_a_server_that_changes_the_case_is_told():
    entries = check(with_behaviour(lower_cases_question), "nameserver08")
    (bad,), (good,) = (arguments(entries, f"QNAME_CASE_{kind}SENSITIVE") for kind in ("IN", ""))
    assert (bad["ns"], good["ns"]) == (AT_TWO, AT_ONE)
    assert bad["domain"] != str(bad["domain"]).lower() == f"www.{ZONE}"


def test_a_reply_without_question_does_not_keep_the_case():
    behaviour = to("SOA", edited(lambda reply: reply.question.clear()), f"www.{ZONE}")
    assert found("nameserver08", behaviour) == {"QNAME_CASE_INSENSITIVE", "QNAME_CASE_SENSITIVE"}


@pytest.mark.parametrize("text", ["www.child.example.", "a.b.", "1-2.x.", "www."])
def test_two_scrambled_names_are_the_same_name_in_other_cases(text):
    name = dns.name.from_text(text)
    first, second = scrambled(name, 0), scrambled(name, 1)
    assert first == second == name
    assert first.labels != second.labels
    assert scrambled(name, 0).labels == first.labels


# --- Nameserver09


def case_matters(reaction):
    """Behave so to the second way in which the names are written."""
    seconds = {scrambled(dns.name.from_text(name), 1).labels for name in (f"www.{ZONE}", ZONE)}
    return on(lambda query: query.name.labels in seconds, reaction)


def test_short_names_are_scrambled_too():
    names = ["www.", *(f"www.{a}{b}." for a in ascii_lowercase for b in ascii_lowercase)]
    sent = [scrambled(dns.name.from_text(name), variant).to_text() for name in names for variant in (0, 1)]
    assert [name for name in sent if name in (name.lower(), name.upper())] == []


def test_a_server_of_a_short_name_that_changes_the_case_is_told():
    internet = Internet()
    internet.zone("us", {"ns1.nic.us": [ONE]})  # a name whose digest would leave every letter small
    internet.behave(ONE, lower_cases_question)
    assert tags(check(internet, "nameserver08", "us")) == {"QNAME_CASE_INSENSITIVE"}


@pytest.mark.parametrize(
    ("reaction", "tag"),
    [
        (says(dns.rcode.REFUSED), "CASE_QUERY_DIFFERENT_RC"),
        (answers_with(FULL_SOA), "CASE_QUERY_DIFFERENT_ANSWER"),
        (silent, "CASE_QUERY_NO_ANSWER"),
    ],
)
def test_an_answer_that_depends_on_case_is_told(reaction, tag):
    entries = check(with_behaviour(case_matters(reaction)), "nameserver09")
    assert tags(entries) == {tag, "CASE_QUERY_SAME_RC", "CASE_QUERIES_RESULTS_DIFFER"}
    assert arguments(entries, tag)[0]["ns"] == AT_TWO
    assert arguments(entries, "CASE_QUERIES_RESULTS_DIFFER") == [{"type": "SOA", "domain": f"www.{ZONE}"}]


def test_the_same_answer_in_other_case_is_the_same():
    internet = stage(records="www 60 IN CNAME other")
    entries = check(internet, "nameserver09")
    assert tags(entries) == {"CASE_QUERY_SAME_ANSWER", "CASE_QUERIES_RESULTS_OK"}


def test_the_apex_is_asked_for_only_where_the_profile_wants_more():
    entries = check(stage(), "nameserver09", profile={"probing": {"extra": True}})
    assert tags(entries) == {"CASE_QUERY_SAME_RC", "CASE_QUERY_SAME_ANSWER", "CASE_QUERIES_RESULTS_OK"}
    assert [a["domain"] for a in arguments(entries, "CASE_QUERIES_RESULTS_OK")] == [f"www.{ZONE}", ZONE]


# --- Nameserver10


@pytest.mark.parametrize(
    ("reaction", "tag", "more"),
    [
        (silent, "N10_NO_RESPONSE_EDNS1_QUERY", {}),
        (says(dns.rcode.FORMERR), "N10_UNEXPECTED_RCODE", {"rcode": "FORMERR"}),
        (answers_with(FULL_SOA), "N10_UNEXPECTED_RCODE", {"rcode": "NOERROR"}),
        (
            edited(lambda r: r.answer.append(dns.rrset.from_text(f"{ZONE}.", 60, "IN", "A", ONE))),
            "N10_EDNS_RESPONSE_ERROR",
            {},
        ),
        (edited(lambda r: r.use_edns(1, r.ednsflags)), "N10_EDNS_RESPONSE_ERROR", {}),
    ],
)
def test_what_a_server_makes_of_edns_version_1(reaction, tag, more):
    entries = check(with_behaviour(on(edns_1, reaction)), "nameserver10")
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns_ip_list": [TWO], **more}]


def test_a_server_that_fails_edns_version_0_is_not_asked_for_1():
    internet = with_behaviour(to("SOA", says(dns.rcode.REFUSED)))
    assert tags(check(internet, "nameserver10")) == set()
    assert not any(map(edns_1, internet.at(TWO).asked))


# --- Nameserver11


def echoes_option(_query, reply):
    reply.use_edns(0, 0, 1232, options=[dns.edns.GenericOption(dns.edns.OptionType.make(UNKNOWN_OPTION), b"")])
    return reply


@pytest.mark.parametrize(
    ("reaction", "tag", "more"),
    [
        (silent, "N11_NO_RESPONSE", {}),
        (says(dns.rcode.FORMERR), "N11_UNEXPECTED_RCODE", {"rcode": "FORMERR"}),
        (without_opt, "N11_NO_EDNS", {}),
        (edited(lambda reply: reply.answer.clear()), "N11_UNEXPECTED_ANSWER_SECTION", {}),
        (no_aa, "N11_UNSET_AA", {}),
        (echoes_option, "N11_RETURNS_UNKNOWN_OPTION_CODE", {}),
    ],
)
def test_what_a_server_makes_of_an_unknown_option(reaction, tag, more):
    entries = check(with_behaviour(on(with_option, reaction)), "nameserver11")
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns_ip_list": [TWO], **more}]


@pytest.mark.parametrize("behaviour", [says(dns.rcode.REFUSED), without_opt, no_aa, to("SOA", answers_with())])
def test_a_server_that_fails_plain_edns_is_not_asked_with_an_option(behaviour):
    internet = with_behaviour(to("SOA", behaviour))
    assert tags(check(internet, "nameserver11")) == set()
    assert not any(map(with_option, internet.at(TWO).asked))


# --- Nameserver12


@pytest.mark.parametrize(
    ("reaction", "tag"),
    [
        (silent, "NO_RESPONSE"),
        (formerr_to_edns, "NO_EDNS_SUPPORT"),
        (edited(lambda reply: reply.use_edns(0, 3)), "Z_FLAGS_NOTCLEAR"),
        (without_opt, "NS_ERROR"),
        (says(dns.rcode.SERVFAIL), "NS_ERROR"),
        (edited(lambda reply: reply.use_edns(1)), "NS_ERROR"),
        (edited(lambda reply: reply.answer.clear()), "NS_ERROR"),
    ],
)
def test_what_a_server_makes_of_unknown_flags(reaction, tag):
    entries = check(with_behaviour(on(with_flags, reaction)), "nameserver12")
    assert tags(entries) == {tag}
    assert arguments(entries, tag)[0]["ns"] == AT_TWO


def test_flags_that_are_given_back_are_a_warning():
    internet = with_behaviour(on(with_flags, edited(lambda reply: reply.use_edns(0, 3))))
    assert [entry.level for entry in check(internet, "nameserver12")] == [Level.WARNING]


# --- Nameserver13


@pytest.mark.parametrize(
    ("behaviours", "tag"),
    [
        ([silent], "NO_RESPONSE"),
        ([formerr_to_edns], "NO_EDNS_SUPPORT"),
        ([truncates, without_opt], "MISSING_OPT_IN_TRUNCATED"),
        ([without_opt], "NS_ERROR"),
        ([says(dns.rcode.REFUSED)], "NS_ERROR"),
    ],
)
def test_what_a_server_makes_of_edns_where_it_truncates(behaviours, tag):
    internet = with_behaviour(*[to("DNSKEY", behaviour) for behaviour in behaviours])
    entries = check(internet, "nameserver13")
    assert tags(entries) == {tag}
    assert arguments(entries, tag)[0]["ns"] == AT_TWO


def test_a_truncated_reply_with_opt_is_well_and_not_repeated_over_tcp():
    internet = with_behaviour(to("DNSKEY", truncates))
    assert tags(check(internet, "nameserver13")) == set()
    assert {query.transport.name for query in internet.at(TWO).asked if query.rdtype == dns.rdatatype.DNSKEY} == {"UDP"}


# --- Nameserver15


def version(text, rdclass="CH", name="version.bind"):
    return to("TXT", on(in_chaos, answers_with(f"{name} 0 {rdclass} TXT {text}")), name)


def test_a_version_that_is_told_is_noted():
    entries = check(with_behaviour(version('"Bob " "1.0 "')), "nameserver15")
    assert tags(entries) == {"N15_SOFTWARE_VERSION", "N15_NO_VERSION_REVEALED"}
    assert arguments(entries, "N15_SOFTWARE_VERSION") == [
        {"query_name": "version.bind", "string": "Bob 1.0", "ns_list": [AT_TWO]}
    ]
    assert arguments(entries, "N15_NO_VERSION_REVEALED") == [{"ns_list": [AT_ONE]}]


def test_either_name_may_tell_it():
    entries = check(with_behaviour(version("Bob", name="version.server")), "nameserver15")
    assert arguments(entries, "N15_SOFTWARE_VERSION")[0]["query_name"] == "version.server"


@pytest.mark.parametrize("text", ['""', '" \t "'])
def test_a_version_of_nothing_tells_nothing(text):
    assert found("nameserver15", version(text)) == {"N15_NO_VERSION_REVEALED"}


def test_octets_that_are_no_text_are_shown_escaped():
    entries = check(with_behaviour(version(r'"\255"')), "nameserver15")
    assert arguments(entries, "N15_SOFTWARE_VERSION")[0]["string"] == r"\xff"


def test_an_answer_of_another_class_is_told():
    entries = check(with_behaviour(version("Bob", "IN")), "nameserver15")
    assert arguments(entries, "N15_WRONG_CLASS") == [{"ns_list": [AT_TWO]}]


@pytest.mark.parametrize("reaction", [says(dns.rcode.SERVFAIL), silent, lambda _q, _a: NoResponse(Silence.CLOSED)])
def test_no_answer_about_the_version_is_told(reaction):
    entries = check(with_behaviour(on(in_chaos, reaction)), "nameserver15")
    errors = arguments(entries, "N15_ERROR_ON_VERSION_QUERY")
    assert errors == [{"query_name": name, "ns_list": [AT_TWO]} for name in ("version.bind", "version.server")]
