"""Scenarios of DNSSEC01, DNSSEC02 and DNSSEC11, written from the specification."""

import struct

import dns.rcode
import pytest

from health.engine.context import DelegationSigner, Undelegated
from tests.health.signed import (
    APEX,
    KEY,
    STRANGER,
    UNVERIFIABLE,
    change,
    ds_text,
    expired,
    set_ds,
    signed,
    unsigned,
    unverifiable,
    with_ds,
    wrong,
)
from tests.health.stage import ONE, PARENTS, SERVERS, TWO, ZONE, check, stage, undelegated
from tests.kit.internet import arguments, tags
from tests.kit.internet_behaviour import loses, no_aa, says, silent, to, without_opt
from tests.kit.internet_signing import key, resign, sign, unsign

AT_PARENTS = [f"ns{number}.nic.example/{address}" for number, address in enumerate(PARENTS, 1)]


def raw(digest_type, digest=bytes(32), keytag=4711, algorithm=13):
    return struct.pack("!HBB", keytag, algorithm, digest_type) + digest


def given(*texts, servers=SERVERS):
    """An undelegated test with these DS records."""
    found = []
    for text in texts:
        keytag, algorithm, digest_type, digest = text.split()
        found.append(DelegationSigner(int(keytag), int(algorithm), int(digest_type), digest))
    return Undelegated(undelegated(servers).nameservers, tuple(found))


def without_do(_query, reply):
    reply.use_edns(0, 0, 1232)
    return reply


UNUSABLE = [silent, no_aa, says(dns.rcode.REFUSED), without_opt, without_do]


# --- DNSSEC01


def with_digest(*digest_types, digest=bytes(32)):
    """What DNSSEC01 finds where the parent has DS records of these digest types, of the right length or not."""
    made = signed()
    for address in PARENTS:
        made.internet.behave(address, with_ds(*(raw(number, digest) for number in digest_types)))
    return check(made.internet, "dnssec01")


@pytest.mark.parametrize(
    ("number", "tag", "description"),
    [
        (0, "DS01_DS_ALGO_NOT_DS", "Reserved"),
        (1, "DS01_DS_ALGO_DEPRECATED", "SHA-1"),
        (2, "DS01_DS_ALGO_OK", "SHA-256"),
        (3, "DS01_DS_ALGO_DEPRECATED", "GOST R 34.11-94"),
        (4, "DS01_DS_ALGO_OK", "SHA-384"),
        (5, "DS01_DS_ALGO_OK", "GOST R 34.11-2012"),
        (6, "DS01_DS_ALGO_OK", "SM3"),
        (7, "DS01_DS_ALGO_UNASSIGNED", None),
        (127, "DS01_DS_ALGO_UNASSIGNED", None),
        (128, "DS01_DS_ALGO_RESERVED", None),
        (252, "DS01_DS_ALGO_RESERVED", None),
        (253, "DS01_DS_ALGO_PRIVATE", None),
        (254, "DS01_DS_ALGO_PRIVATE", None),
        (255, "DS01_DS_ALGO_UNASSIGNED", None),
    ],
)
@pytest.mark.parametrize("digest", [bytes(32), b"", b"x"])
def test_each_digest_type_is_judged_however_long_the_digest_is(number, tag, description, digest):
    entries = with_digest(number, digest=digest)
    assert tags(entries) == {tag} | ({"DS01_DS_ALGO_2_MISSING"} if number != 2 else set())
    about = {"ds_algo_descr": description} if description else {}
    expected = {"keytag": 4711, "ds_algo_num": number, **about, "ns_list": AT_PARENTS}
    assert arguments(entries, tag) == [expected]


def test_a_key_with_sha256_beside_another_digest_has_it():
    assert tags(with_digest(1, 2)) == {"DS01_DS_ALGO_DEPRECATED", "DS01_DS_ALGO_OK"}


def test_each_key_needs_sha256():
    made = signed()
    set_ds(made, ds_text(KEY), ds_text(STRANGER, "SHA384"))
    entries = check(made.internet, "dnssec01")
    assert arguments(entries, "DS01_DS_ALGO_2_MISSING") == [{"keytag": STRANGER.tag, "ns_list": AT_PARENTS}]


@pytest.mark.parametrize("behaviour", UNUSABLE)
def test_that_no_parent_server_is_usable_is_told(behaviour):
    made = signed()
    for address in PARENTS:
        made.internet.behave(address, to("DS", behaviour))
    entries = check(made.internet, "dnssec01")
    assert tags(entries) == {"DS01_NO_RESPONSE"}
    assert arguments(entries, "DS01_NO_RESPONSE") == [{"ns_list": AT_PARENTS}]


@pytest.mark.parametrize("behaviour", [*UNUSABLE, loses(1)])
def test_one_parent_server_that_is_not_usable_is_left_out(behaviour):
    made = signed()
    made.internet.behave(PARENTS[0], to("DS", behaviour))
    assert tags(check(made.internet, "dnssec01")) == {"DS01_DS_ALGO_OK"}


def test_a_parent_zone_without_ds_is_told():
    made = signed()
    set_ds(made)
    assert arguments(check(made.internet, "dnssec01"), "DS01_PARENT_ZONE_NO_DS") == [{"ns_list": AT_PARENTS}]


def test_one_parent_server_without_ds_is_told():
    made = signed()
    made.internet.behave(PARENTS[1], with_ds())
    entries = check(made.internet, "dnssec01")
    assert tags(entries) == {"DS01_PARENT_SERVER_NO_DS", "DS01_DS_ALGO_OK"}
    assert arguments(entries, "DS01_PARENT_SERVER_NO_DS") == [{"ns_list": AT_PARENTS[1:]}]


def test_the_root_has_no_ds():
    assert tags(check(signed().internet, "dnssec01", domain=".")) == {"DS01_ROOT_N_NO_UNDEL_DS"}


def test_an_undelegated_test_may_have_no_ds():
    entries = check(signed().internet, "dnssec01", undelegated=given())
    assert tags(entries) == {"DS01_UNDEL_N_NO_UNDEL_DS"}


@pytest.mark.parametrize("servers", [SERVERS, {}])
def test_given_ds_are_judged_instead_of_the_parent_s(servers):
    test = given(f"1 8 2 {'00' * 32}", "2 8 0 ff")
    entries = check(
        signed().internet, "dnssec01", undelegated=Undelegated(test.nameservers if servers else None, test.ds)
    )
    assert tags(entries) == {"DS01_DS_ALGO_OK", "DS01_DS_ALGO_NOT_DS", "DS01_DS_ALGO_2_MISSING"}
    assert arguments(entries, "DS01_DS_ALGO_NOT_DS")[0]["ns_list"] == ["-"]


# --- DNSSEC02


@pytest.mark.parametrize("digest", ["SHA1", "SHA256", "SHA384"])
def test_a_ds_that_matches_is_passed_in_silence(digest):
    made = signed()
    set_ds(made, ds_text(KEY, digest))
    assert tags(check(made.internet, "dnssec02")) == set()


@pytest.mark.parametrize("digest_type", [3, 5, 6])
def test_a_digest_that_cannot_be_computed_is_taken_for_right(digest_type):
    made = signed()
    for address in PARENTS:
        made.internet.behave(address, with_ds(raw(digest_type, keytag=KEY.tag)))
    assert tags(check(made.internet, "dnssec02")) == set()


@pytest.mark.parametrize("behaviour", UNUSABLE)
def test_without_usable_ds_nothing_is_said(behaviour):
    made = signed()
    wrong(made.zone, "DNSKEY")
    for address in PARENTS:
        made.internet.behave(address, to("DS", behaviour))
    assert tags(check(made.internet, "dnssec02")) == set()


@pytest.mark.parametrize("behaviour", UNUSABLE)
def test_a_server_without_usable_keys_is_left_out(behaviour):
    made = signed()
    wrong(made.two(), "DNSKEY")
    made.internet.behave(TWO, to("DNSKEY", behaviour))
    assert tags(check(made.internet, "dnssec02")) == set()


def expect(entries, expected):
    """The tags with the key tags of each; None for those without."""
    assert {entry.tag: entry.arguments.get("keytag") for entry in entries} == expected
    assert all(entry.arguments["ns_ip_list"] == [TWO] for entry in entries)


def test_a_ds_without_key_is_told():
    made = signed()
    set_ds(made, ds_text(KEY), ds_text(STRANGER))
    entries = check(made.internet, "dnssec02")
    assert arguments(entries, "DS02_NO_DNSKEY_FOR_DS") == [{"keytag": STRANGER.tag, "ns_ip_list": [ONE, TWO]}]
    assert tags(entries) == {"DS02_NO_DNSKEY_FOR_DS"}


def test_that_no_ds_has_a_key_is_told():
    made = signed()
    sign(made.two(), [STRANGER])
    expect(
        check(made.internet, "dnssec02"), {"DS02_NO_DNSKEY_FOR_DS": KEY.tag, "DS02_NO_VALID_DNSKEY_FOR_ANY_DS": None}
    )


@pytest.mark.parametrize(
    "text",
    [f"{KEY.tag} 13 2 {'00' * 32}", ds_text(KEY).replace(" 13 ", " 14 ", 1)],
    ids=["another digest", "another algorithm"],  # the keys are others each time
)
def test_a_ds_that_does_not_match_its_key_is_told(text):
    made = signed()
    set_ds(made, text)
    entries = check(made.internet, "dnssec02")
    assert tags(entries) == {"DS02_NO_MATCH_DS_DNSKEY", "DS02_NO_VALID_DNSKEY_FOR_ANY_DS"}
    assert arguments(entries, "DS02_NO_MATCH_DS_DNSKEY") == [{"keytag": KEY.tag, "ns_ip_list": [ONE, TWO]}]


def test_a_key_that_is_not_for_the_zone_is_told():
    odd = key(flags=1)
    made = signed(odd, KEY)
    entries = check(made.internet, "dnssec02")
    assert arguments(entries, "DS02_DNSKEY_NOT_FOR_ZONE_SIGNING") == [{"keytag": odd.tag, "ns_ip_list": [ONE, TWO]}]
    assert tags(entries) == {"DS02_DNSKEY_NOT_FOR_ZONE_SIGNING", "DS02_NO_VALID_DNSKEY_FOR_ANY_DS"}


def test_a_key_without_sep_is_told():
    plain = key(flags=256)
    entries = check(signed(plain).internet, "dnssec02")
    assert tags(entries) == {"DS02_DNSKEY_NOT_SEP"}
    assert arguments(entries, "DS02_DNSKEY_NOT_SEP") == [{"keytag": plain.tag, "ns_ip_list": [ONE, TWO]}]


def test_a_key_with_ds_that_does_not_sign_is_told():
    other = key(number=1)
    made = signed(KEY, other)
    resign(made.two(), APEX, "DNSKEY", [other])
    expect(
        check(made.internet, "dnssec02"),
        {"DS02_NO_MATCHING_DNSKEY_RRSIG": KEY.tag, "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS": None},
    )


def test_one_key_with_ds_that_signs_is_enough():
    other = key(number=1)
    made = signed(KEY, other)
    set_ds(made, ds_text(KEY), ds_text(other))
    resign(made.two(), APEX, "DNSKEY", [other])
    expect(check(made.internet, "dnssec02"), {"DS02_NO_MATCHING_DNSKEY_RRSIG": KEY.tag})


@pytest.mark.parametrize("spoil", [wrong, expired])
def test_a_signature_that_is_not_valid_is_told(spoil):
    made = signed()
    spoil(made.two(), "DNSKEY")
    expect(
        check(made.internet, "dnssec02"),
        {"DS02_RRSIG_NOT_VALID_BY_DNSKEY": KEY.tag, "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS": None},
    )


def test_an_algorithm_that_cannot_be_verified_is_told():
    made = signed()
    change(made.zone, "DNSKEY", lambda k: k.replace(algorithm=UNVERIFIABLE))
    odd = type(KEY)(None, made.zone.find_rdataset(APEX, "DNSKEY")[0])
    set_ds(made, ds_text(odd))
    unverifiable(made.zone, "DNSKEY")
    change(made.zone, "RRSIG", lambda s: s.replace(key_tag=odd.tag), "DNSKEY")
    entries = check(made.internet, "dnssec02")
    assert tags(entries) == {"DS02_ALGO_NOT_SUPPORTED_BY_ZM", "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS"}
    about = {"keytag": odd.tag, "algo_num": UNVERIFIABLE, "algo_mnemo": "ECC-GOST", "ns_ip_list": [ONE, TWO]}
    assert arguments(entries, "DS02_ALGO_NOT_SUPPORTED_BY_ZM") == [about]


def test_given_ds_are_matched_instead_of_the_parent_s():
    made = signed()
    assert tags(check(made.internet, "dnssec02", undelegated=given(ds_text(KEY)))) == set()
    entries = check(made.internet, "dnssec02", undelegated=given(ds_text(STRANGER)))
    assert tags(entries) == {"DS02_NO_DNSKEY_FOR_DS", "DS02_NO_VALID_DNSKEY_FOR_ANY_DS"}
    set_ds(made, ds_text(STRANGER))
    assert tags(check(made.internet, "dnssec02", undelegated=given())) == set()


# --- DNSSEC11


def ds_but(behaviour=None, *addresses):
    """Parents have DS; these servers are spoilt."""
    made = signed()
    for address in addresses:
        made.internet.behave(address, behaviour)
    return made


def test_ds_and_keys_are_passed_in_silence():
    assert tags(check(signed().internet, "dnssec11")) == set()


def test_neither_ds_nor_keys_are_passed_in_silence():
    assert tags(check(stage(), "dnssec11")) == set()


@pytest.mark.parametrize("behaviour", [silent, no_aa, says(dns.rcode.SERVFAIL)])
def test_ds_may_be_undetermined(behaviour):
    made = ds_but(to("DS", behaviour), *PARENTS)
    assert tags(check(made.internet, "dnssec11")) == {"DS11_UNDETERMINED_DS"}


def test_parents_may_disagree_on_ds():
    made = ds_but(with_ds(), PARENTS[0])
    entries = check(made.internet, "dnssec11")
    assert tags(entries) == {"DS11_INCONSISTENT_DS", "DS11_PARENT_WITHOUT_DS", "DS11_PARENT_WITH_DS"}
    assert arguments(entries, "DS11_PARENT_WITHOUT_DS") == [{"ns_ip_list": [PARENTS[0]]}]
    assert arguments(entries, "DS11_PARENT_WITH_DS") == [{"ns_ip_list": [PARENTS[1]]}]


def test_ds_for_an_unsigned_zone_is_told():
    made = signed()
    unsign(made.zone)
    assert tags(check(made.internet, "dnssec11")) == {"DS11_DS_BUT_UNSIGNED_ZONE"}


def test_servers_may_disagree_on_being_signed():
    made = signed()
    unsign(made.two())
    entries = check(made.internet, "dnssec11")
    assert tags(entries) == {"DS11_INCONSISTENT_SIGNED_ZONE", "DS11_NS_WITH_UNSIGNED_ZONE", "DS11_NS_WITH_SIGNED_ZONE"}
    assert arguments(entries, "DS11_NS_WITH_UNSIGNED_ZONE") == [{"ns_ip_list": [TWO]}]
    assert arguments(entries, "DS11_NS_WITH_SIGNED_ZONE") == [{"ns_ip_list": [ONE]}]


@pytest.mark.parametrize("behaviour", [silent, no_aa, says(dns.rcode.SERVFAIL)])
def test_being_signed_may_be_undetermined(behaviour):
    made = ds_but(to("DNSKEY", behaviour), ONE, TWO)
    assert tags(check(made.internet, "dnssec11")) == {"DS11_UNDETERMINED_SIGNED_ZONE"}
    made = ds_but(to("DNSKEY", behaviour), TWO)
    assert tags(check(made.internet, "dnssec11")) == set()


def test_a_server_without_soa_is_not_asked_for_keys():
    made = signed()
    unsign(made.two())
    made.internet.behave(TWO, to("SOA", no_aa, ZONE))
    assert tags(check(made.internet, "dnssec11")) == set()


def test_given_ds_count_and_none_given_ends_it():
    made = signed()
    unsign(made.zone)
    assert tags(check(made.internet, "dnssec11", undelegated=given(ds_text(KEY)))) == {"DS11_DS_BUT_UNSIGNED_ZONE"}
    assert tags(check(made.internet, "dnssec11", undelegated=given())) == set()


def test_an_unsigned_ds_set_counts_here():
    made = signed()
    unsigned(made.parent, "DS")
    unsign(made.zone)
    assert tags(check(made.internet, "dnssec11")) == {"DS11_DS_BUT_UNSIGNED_ZONE"}
