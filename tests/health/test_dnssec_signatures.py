"""Scenarios of DNSSEC04, DNSSEC08, DNSSEC09 and DNSSEC13, written from the specification."""

import time

import dns.dnssec
import dns.rcode
import dns.rdataset
import pytest

from health.engine.cases.dnssec.verification import until
from tests.health.signed import (
    APEX,
    KEY,
    STRANGER,
    UNVERIFIABLE,
    by_a_stranger,
    change,
    drop,
    ds_text,
    expired,
    not_yet_valid,
    signed,
    unsigned,
    unverifiable,
    wrong,
)
from tests.health.stage import ONE, TWO, ZONE, check, stage
from tests.kit.internet import NOW, arguments, tags
from tests.kit.internet_behaviour import loses, no_aa, says, silent, to
from tests.kit.internet_signing import DAY, key, resign, sign

LIFETIME_TAGS = {"RRSIG_EXPIRED", "REMAINING_SHORT", "REMAINING_LONG", "DURATION_LONG", "DURATION_OK"}
HALF_YEAR = 15552000


@pytest.mark.parametrize("case", ["dnssec08", "dnssec09", "dnssec13"])
@pytest.mark.parametrize("algorithm", [5, 7, 8, 10, 13, 14, 15])
def test_proper_signatures_are_passed_in_silence(case, algorithm):
    assert tags(check(signed(key(algorithm)).internet, case)) == set()


@pytest.mark.parametrize("case", ["dnssec04", "dnssec08", "dnssec09", "dnssec13"])
def test_an_unsigned_zone_has_no_signatures_to_judge(case):
    assert tags(check(stage(), case)) == set()


@pytest.mark.parametrize("case", ["dnssec08", "dnssec09", "dnssec13"])
def test_a_lost_packet_changes_nothing(case):
    made = signed()
    made.internet.behave(TWO, loses(1))
    assert tags(check(made.internet, case)) == set()


# --- DNSSEC04


def with_lifetime(remaining, duration, rdtype="SOA"):
    """The signature over a type at the second server lasts so long yet, and in all."""
    made = signed()
    resign(made.two(), APEX, rdtype, [KEY], inception=NOW + remaining - duration, expiration=NOW + remaining)
    return check(made.internet, "dnssec04")


@pytest.mark.parametrize(
    ("remaining", "duration", "tag", "shown"),
    [
        (-1, 20 * DAY, "RRSIG_EXPIRED", None),
        (0, 20 * DAY, "REMAINING_SHORT", 0),
        (43199, 20 * DAY, "REMAINING_SHORT", 43199),
        (43200, 20 * DAY, "DURATION_OK", 20 * DAY),
        (HALF_YEAR, HALF_YEAR, "DURATION_OK", HALF_YEAR),
        (HALF_YEAR + 1, HALF_YEAR + 2, "REMAINING_LONG", HALF_YEAR + 1),
        (HALF_YEAR - 5, HALF_YEAR + 1, "DURATION_LONG", HALF_YEAR + 1),
    ],
)
@pytest.mark.parametrize("rdtype", ["SOA", "DNSKEY"])
def test_the_lifetime_of_every_server_is_judged(remaining, duration, tag, shown, rdtype):
    entries = with_lifetime(remaining, duration, rdtype)
    assert tags(entries) & LIFETIME_TAGS == {tag, "DURATION_OK"}
    odd = [a for a in arguments(entries, tag) if a["types"] == rdtype and a["keytag"] == KEY.tag]
    expected = {"expiration": int(NOW) - 1} if shown is None else {"duration": shown}
    assert {"keytag": KEY.tag, "types": rdtype, **expected} in odd


def test_when_each_signature_ends_is_told():
    entries = check(signed().internet, "dnssec04")
    assert arguments(entries, "RRSIG_EXPIRATION") == [
        {"keytag": KEY.tag, "types": rdtype, "date": "2027-01-29T08:00:00Z"} for rdtype in ("SOA", "DNSKEY")
    ]


@pytest.mark.parametrize(
    ("name", "limit", "tag"),
    [
        ("REMAINING_SHORT", 15 * DAY, "REMAINING_SHORT"),
        ("REMAINING_LONG", 13 * DAY, "REMAINING_LONG"),
        ("DURATION_LONG", 14 * DAY, "DURATION_LONG"),
    ],
)
def test_the_limits_are_those_of_the_profile(name, limit, tag):
    entries = check(signed().internet, "dnssec04", profile={"test_cases_vars": {"dnssec04": {name: limit}}})
    assert tags(entries) & LIFETIME_TAGS == {tag}


def test_times_in_signatures_are_serial_numbers():
    assert until(5, 2**32 - 5) == 10
    assert until(2**32 - 5, 5) == -10
    assert until(int(NOW), NOW + 0.9) == 0


# --- DNSSEC08 and DNSSEC09

DNSKEY_TAGS = [
    (expired, "DS08_DNSKEY_RRSIG_EXPIRED"),
    (not_yet_valid, "DS08_DNSKEY_RRSIG_NOT_YET_VALID"),
    (unsigned, "DS08_MISSING_RRSIG_IN_RESPONSE"),
    (by_a_stranger, "DS08_NO_MATCHING_DNSKEY"),
    (wrong, "DS08_RRSIG_NOT_VALID_BY_DNSKEY"),
    (unverifiable, "DS08_ALGO_NOT_SUPPORTED_BY_ZM"),
]
SOA_TAGS = [
    (expired, "DS09_SOA_RRSIG_EXPIRED"),
    (not_yet_valid, "DS09_SOA_RRSIG_NOT_YET_VALID"),
    (unsigned, "DS09_MISSING_RRSIG_IN_RESPONSE"),
    (by_a_stranger, "DS09_NO_MATCHING_DNSKEY"),
    (wrong, "DS09_RRSIG_NOT_VALID_BY_DNSKEY"),
    (unverifiable, "DS09_ALGO_NOT_SUPPORTED_BY_ZM"),
]
BOTH = [("dnssec08", "DNSKEY", *row) for row in DNSKEY_TAGS] + [("dnssec09", "SOA", *row) for row in SOA_TAGS]


@pytest.mark.parametrize(("case", "rdtype", "spoil", "tag"), BOTH)
def test_what_is_wrong_with_a_signature_is_told_with_its_servers(case, rdtype, spoil, tag):
    made = signed()
    spoil(made.two(), rdtype)
    entries = check(made.internet, case)
    assert tags(entries) == {tag}
    (found,) = arguments(entries, tag)
    assert found.pop("ns_ip_list") == [TWO]
    if spoil is not unsigned:
        assert found.pop("keytag") == (STRANGER.tag if spoil is by_a_stranger else KEY.tag)
    assert found == ({"algo_num": UNVERIFIABLE, "algo_mnemo": "ECC-GOST"} if spoil is unverifiable else {})


@pytest.mark.parametrize(("case", "rdtype", "spoil", "tag"), BOTH)
def test_the_same_at_both_servers_is_told_once(case, rdtype, spoil, tag):
    made = signed()
    spoil(made.zone, rdtype)
    assert arguments(check(made.internet, case), tag)[0]["ns_ip_list"] == [ONE, TWO]


def test_a_signature_in_the_name_of_another_zone_is_wrong():
    made = signed()
    change(made.zone, "RRSIG", lambda s: s.replace(signer=APEX.parent()), "SOA")
    assert tags(check(made.internet, "dnssec09")) == {"DS09_RRSIG_NOT_VALID_BY_DNSKEY"}


def test_a_broken_key_verifies_nothing():
    made = signed(key(8))
    change(made.zone, "DNSKEY", lambda k: k.replace(key=b"\x00"))
    assert tags(check(made.internet, "dnssec09")) == {"DS09_NO_MATCHING_DNSKEY"}


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\1", b"\5abc", b"\3abc", b"\1\3" + bytes(64), bytes(3)])
@pytest.mark.parametrize("algorithm", [8, 13, 14, 15, 16])
def test_no_key_however_broken_stops_the_case(octets, algorithm):
    made = signed()
    change(made.zone, "DNSKEY", lambda k: k.replace(key=octets, algorithm=algorithm))
    tag = dns.dnssec.key_id(made.zone.find_rdataset(APEX, "DNSKEY")[0])
    change(made.zone, "RRSIG", lambda s: s.replace(key_tag=tag, algorithm=algorithm), "SOA")
    assert tags(check(made.internet, "dnssec09")) == {"DS09_RRSIG_NOT_VALID_BY_DNSKEY"}


@pytest.mark.parametrize("octets", [b"", b"\0", bytes(63), bytes(65), b"\xff" * 64])
@pytest.mark.parametrize("algorithm", [8, 13, 14, 15])
def test_no_signature_however_broken_stops_the_case(octets, algorithm):
    made = signed(key(algorithm))
    change(made.zone, "RRSIG", lambda s: s.replace(signature=octets), "SOA")
    assert tags(check(made.internet, "dnssec09")) == {"DS09_RRSIG_NOT_VALID_BY_DNSKEY"}


@pytest.mark.parametrize("case", ["dnssec08", "dnssec09", "dnssec13"])
@pytest.mark.parametrize("behaviour", [no_aa, says(dns.rcode.SERVFAIL), silent])
def test_a_server_without_usable_keys_is_left_out(case, behaviour):
    made = signed()
    zone = made.two()
    for rdtype in ("DNSKEY", "SOA", "NS"):
        wrong(zone, rdtype)
    made.internet.behave(TWO, to("DNSKEY", behaviour))
    assert tags(check(made.internet, case)) == set()


# --- DNSSEC13


@pytest.mark.parametrize(
    ("rdtype", "tag"),
    [
        ("DNSKEY", "DS13_ALGO_NOT_SIGNED_DNSKEY"),
        ("SOA", "DS13_ALGO_NOT_SIGNED_SOA"),
        ("NS", "DS13_ALGO_NOT_SIGNED_NS"),
    ],
)
def test_an_algorithm_that_does_not_sign_is_told(rdtype, tag):
    keys = [KEY, key(8)]
    made = signed(*keys)
    resign(made.two(), APEX, rdtype, [KEY])
    entries = check(made.internet, "dnssec13")
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"algo_num": 8, "algo_mnemo": "RSASHA256", "ns_ip_list": [TWO]}]


def test_two_keys_of_one_algorithm_need_one_signature():
    made = signed(KEY, key(number=1))
    for rdtype in ("DNSKEY", "SOA", "NS"):
        resign(made.zone, APEX, rdtype, [KEY])
    assert tags(check(made.internet, "dnssec13")) == set()


def test_keys_without_any_signature_are_left_to_dnssec08():
    made = signed()
    drop(made.zone, "RRSIG", "DNSKEY")
    sign(made.parent)
    assert tags(check(made.internet, "dnssec13")) == set()


# --- Replies made to keep a validator busy (CVE-2023-50387)

COLLIDING = 300
DNSSEC_CASES = [f"dnssec{number:02}" for number in (2, 3, 4, 5, 6, 8, 9, 10, 13, 14, 15, 16, 17, 18)]


def colliding_keys():
    """Keys that all have one tag: the sum over 16-bit words does not depend on their order."""
    words = [KEY.dnskey.key[place : place + 2] for place in range(0, 64, 2)]
    for number in range(COLLIDING):
        turned = words[number % 32 :] + words[: number % 32]
        turned[0], turned[number // 32 + 1] = turned[number // 32 + 1], turned[0]
        yield KEY.dnskey.replace(key=b"".join(turned))


def test_hundreds_of_keys_of_one_tag_do_not_stop_the_test():
    made = signed(records=f"@ 60 IN CDS {ds_text(KEY)}")
    keys = list(colliding_keys())
    zone = made.zone
    assert {dns.dnssec.key_id(each) for each in keys} == {KEY.tag}
    zone.find_rdataset(APEX, "DNSKEY").update(dns.rdataset.from_rdata_list(3600, keys))
    for rdtype in ("DNSKEY", "SOA", "NSEC", "NS", "CDS"):
        change(zone, "RRSIG", lambda s: s.replace(signature=bytes(64)), rdtype)
        signatures = zone.find_rdataset(APEX, "RRSIG", rdtype)
        signatures.update(
            dns.rdataset.from_rdata_list(
                3600, [signatures[0].replace(signature=number.to_bytes(64, "big")) for number in range(1, COLLIDING)]
            )
        )
    begun = time.perf_counter()
    entries = made.internet.check(ZONE, *DNSSEC_CASES)
    assert time.perf_counter() - begun < 10
    assert "MODULE_ERROR" not in tags(entries)
    assert "DS09_RRSIG_NOT_VALID_BY_DNSKEY" in tags(entries)
