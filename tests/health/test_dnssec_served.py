"""Scenarios of DNSSEC06 and DNSSEC07, written from the specification."""

import dns.rcode
import pytest

from tests.health.signed import KEY, drop, ds_text, set_ds, signed, unsigned, with_ds
from tests.health.stage import AT_ONE, AT_TWO, ONE, PARENTS, TWO, ZONE, check, stage
from tests.health.test_dnssec_delegation import AT_PARENTS, UNUSABLE, given
from tests.kit.internet import arguments, tags
from tests.kit.internet_behaviour import loses, no_aa, says, silent, to
from tests.kit.internet_signing import unsign

WELL = {"DS07_SIGNED", "DS07_SIGNED_ON_SERVER", "DS07_DS_FOR_SIGNED_ZONE", "DS07_DS_ON_PARENT_SERVER"}

# --- DNSSEC06


def test_keys_with_signatures_are_well():
    entries = check(signed().internet, "dnssec06")
    assert arguments(entries, "EXTRA_PROCESSING_OK") == [
        {"server": server, "keys": 1, "sigs": 1} for server in (AT_ONE, AT_TWO)
    ]


@pytest.mark.parametrize(
    ("rdtypes", "keys", "sigs"), [(["RRSIG"], 1, 0), (["DNSKEY"], 0, 0), (["DNSKEY", "RRSIG"], 0, 0)]
)
def test_keys_or_signatures_that_are_missing_are_told(rdtypes, keys, sigs):
    made = signed()
    zone = made.two()
    for rdtype in rdtypes:
        drop(zone, rdtype, "DNSKEY" if rdtype == "RRSIG" else "NONE")
    entries = check(made.internet, "dnssec06")
    assert arguments(entries, "EXTRA_PROCESSING_BROKEN") == [{"server": AT_TWO, "keys": keys, "sigs": sigs}]
    assert arguments(entries, "EXTRA_PROCESSING_OK")[0]["server"] == AT_ONE


def test_where_all_servers_leave_signatures_out_none_is_well():
    made = signed()
    unsigned(made.zone, "DNSKEY")
    assert tags(check(made.internet, "dnssec06")) == {"EXTRA_PROCESSING_BROKEN"}


@pytest.mark.parametrize("behaviour", [silent, says(dns.rcode.REFUSED)])
def test_a_server_that_does_not_answer_is_left_out(behaviour):
    made = signed()
    made.internet.behave(TWO, to("DNSKEY", behaviour))
    assert [entry.arguments["server"] for entry in check(made.internet, "dnssec06")] == [AT_ONE]


# --- DNSSEC07


def test_a_signed_zone_with_ds_is_well():
    entries = check(signed().internet, "dnssec07")
    assert tags(entries) == WELL
    assert arguments(entries, "DS07_SIGNED_ON_SERVER") == [{"ns_list": [AT_ONE, AT_TWO]}]
    assert arguments(entries, "DS07_DS_ON_PARENT_SERVER") == [{"ns_list": AT_PARENTS}]


def test_a_lost_packet_changes_nothing():
    made = signed()
    for address in (TWO, PARENTS[0]):
        made.internet.behave(address, loses(1))
    assert tags(check(made.internet, "dnssec07")) == WELL


def test_an_unsigned_zone_is_told_and_ds_not_looked_for():
    entries = check(stage(), "dnssec07")
    assert tags(entries) == {"DS07_NOT_SIGNED", "DS07_NOT_SIGNED_ON_SERVER"}
    assert arguments(entries, "DS07_NOT_SIGNED_ON_SERVER") == [{"ns_list": [AT_ONE, AT_TWO]}]


def test_keys_without_signature_do_not_make_a_signed_zone():
    made = signed()
    unsigned(made.zone, "DNSKEY")
    assert tags(check(made.internet, "dnssec07")) == {"DS07_NOT_SIGNED", "DS07_NOT_SIGNED_ON_SERVER"}


def test_servers_may_disagree_on_being_signed():
    made = signed()
    unsign(made.two())
    entries = check(made.internet, "dnssec07")
    assert tags(entries) == {
        "DS07_INCONSISTENT_SIGNED",
        "DS07_SIGNED_ON_SERVER",
        "DS07_NOT_SIGNED_ON_SERVER",
        "DS07_DS_ON_PARENT_SERVER",
    }
    assert arguments(entries, "DS07_NOT_SIGNED_ON_SERVER") == [{"ns_list": [AT_TWO]}]


def refuses_with_aa(query, reply):
    reply.set_rcode(dns.rcode.REFUSED)
    return reply


@pytest.mark.parametrize(
    ("behaviour", "tag", "more"),
    [
        (silent, "DS07_NO_RESPONSE_DNSKEY", {}),
        (no_aa, "DS07_NON_AUTH_RESPONSE_DNSKEY", {}),
        (refuses_with_aa, "DS07_UNEXP_RCODE_RESP_DNSKEY", {"rcode": "REFUSED"}),
    ],
)
def test_a_server_that_does_not_tell_keys_is_named(behaviour, tag, more):
    made = signed()
    made.internet.behave(TWO, to("DNSKEY", behaviour))
    entries = check(made.internet, "dnssec07")
    assert tags(entries) == WELL | {tag}
    assert arguments(entries, tag) == [{"ns_list": [AT_TWO], **more}]
    made.internet.behave(ONE, to("DNSKEY", behaviour))
    assert tags(check(made.internet, "dnssec07")) == {"DS07_NOT_SIGNED", tag}


def test_servers_without_soa_are_left_out():
    made = signed()
    unsign(made.two())
    made.internet.behave(TWO, to("SOA", no_aa, ZONE))
    assert tags(check(made.internet, "dnssec07")) == WELL
    made.internet.behave(ONE, to("SOA", says(dns.rcode.SERVFAIL), ZONE))
    assert tags(check(made.internet, "dnssec07")) == {"DS07_NOT_SIGNED"}


def test_a_signed_zone_without_ds_is_told():
    made = signed()
    set_ds(made)
    entries = check(made.internet, "dnssec07")
    assert tags(entries) == {
        "DS07_SIGNED",
        "DS07_SIGNED_ON_SERVER",
        "DS07_NO_DS_FOR_SIGNED_ZONE",
        "DS07_NO_DS_ON_PARENT_SERVER",
    }
    assert arguments(entries, "DS07_NO_DS_ON_PARENT_SERVER") == [{"ns_list": AT_PARENTS}]


def test_ds_without_signature_is_none():
    made = signed()
    unsigned(made.parent, "DS")
    assert "DS07_NO_DS_FOR_SIGNED_ZONE" in tags(check(made.internet, "dnssec07"))


def test_parents_may_disagree_on_ds():
    made = signed()
    made.internet.behave(PARENTS[0], with_ds())
    entries = check(made.internet, "dnssec07")
    assert tags(entries) == (WELL - {"DS07_DS_FOR_SIGNED_ZONE"}) | {
        "DS07_INCONSISTENT_DS",
        "DS07_NO_DS_ON_PARENT_SERVER",
    }
    assert arguments(entries, "DS07_NO_DS_ON_PARENT_SERVER") == [{"ns_list": AT_PARENTS[:1]}]


@pytest.mark.parametrize("behaviour", UNUSABLE)
def test_parent_servers_that_are_not_usable_are_left_out(behaviour):
    made = signed()
    made.internet.behave(PARENTS[0], to("DS", behaviour))
    assert tags(check(made.internet, "dnssec07")) == WELL
    made.internet.behave(PARENTS[1], to("DS", behaviour))
    assert tags(check(made.internet, "dnssec07")) == {"DS07_SIGNED", "DS07_SIGNED_ON_SERVER"}


def test_given_ds_stand_for_the_parent_s():
    made = signed()
    set_ds(made)
    entries = check(made.internet, "dnssec07", undelegated=given(ds_text(KEY)))
    assert tags(entries) == WELL
    assert arguments(entries, "DS07_DS_ON_PARENT_SERVER") == [{"ns_list": ["-"]}]


def test_without_given_ds_an_undelegated_test_says_nothing_of_ds():
    entries = check(signed().internet, "dnssec07", undelegated=given())
    assert tags(entries) == {"DS07_SIGNED", "DS07_SIGNED_ON_SERVER"}
