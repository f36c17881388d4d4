"""Scenarios of DNSSEC05 and DNSSEC14, written from the specification."""

import struct

import dns.dnssec
import dns.rcode
import dns.rdata
import pytest

from health.engine.cases.dnssec.records import key_size
from health.engine.levels import Level
from tests.health.signed import APEX, KEY, change, drop, signed
from tests.health.stage import AT_ONE, AT_TWO, NS1, NS2, ONE, TWO, check, stage
from tests.kit.internet import arguments, tags
from tests.kit.internet_behaviour import loses, no_aa, says, silent, to
from tests.kit.internet_signing import key, unsign


def rsa(bits, algorithm=8):
    """The DNSKEY of an RSA key with a modulus of so many bits; nobody has its private half."""
    modulus = ((1 << bits) - 1).to_bytes((bits + 7) // 8, "big")
    return dns.rdata.from_wire("IN", "DNSKEY", raw := rsa_octets(modulus, algorithm), 0, len(raw))


def rsa_octets(modulus, algorithm=8):
    return struct.pack("!HBB", 257, 3, algorithm) + b"\x03\x01\x00\x01" + modulus


def with_key(dnskey, everywhere=True):
    """The signed stage, where the key is another."""
    made = signed()
    change(made.zone if everywhere else made.two(), "DNSKEY", lambda _: dnskey)
    return made.internet


# --- DNSSEC05


@pytest.mark.parametrize(
    ("numbers", "tag"),
    [
        ([8, 13, 14, 15, 16, 17, 23], "DS05_ALGO_OK"),
        ([10], "DS05_ALGO_NOT_RECOMMENDED"),
        ([1, 3, 5, 6, 7, 12], "DS05_ALGO_DEPRECATED"),
        ([0, 2, 252], "DS05_ALGO_NOT_ZONE_SIGN"),
        ([253, 254], "DS05_ALGO_PRIVATE"),
        ([4, 9, 11, 123, 251, 255], "DS05_ALGO_RESERVED"),
        ([18, 22, 24, 122], "DS05_ALGO_UNASSIGNED"),
    ],
)
def test_each_algorithm_is_judged(numbers, tag):
    for number in numbers:
        odd = KEY.dnskey.replace(algorithm=number)
        entries = check(with_key(odd), "dnssec05")
        assert tags(entries) == {tag}
        (found,) = arguments(entries, tag)
        assert (found["algo_num"], found["ns_list"]) == (number, [AT_ONE, AT_TWO])
        assert found["keytag"] == dns.dnssec.key_id(odd)


def test_algorithms_are_named():
    (found,) = arguments(check(signed().internet, "dnssec05"), "DS05_ALGO_OK")
    assert (found["algo_mnemo"], found["algo_descr"]) == ("ECDSAP256SHA256", "ECDSA Curve P-256 with SHA-256")


def test_servers_with_other_keys_are_told_apart():
    internet = with_key(rsa(2048, 10), everywhere=False)
    entries = check(internet, "dnssec05")
    assert arguments(entries, "DS05_ALGO_NOT_RECOMMENDED")[0]["ns_list"] == [AT_TWO]
    assert arguments(entries, "DS05_ALGO_OK")[0]["ns_list"] == [AT_ONE]


def test_an_unsigned_zone_has_no_keys():
    entries = check(stage(), "dnssec05")
    assert tags(entries) == {"DS05_ZONE_NO_DNSSEC"}
    assert arguments(entries, "DS05_ZONE_NO_DNSSEC") == [{"ns_list": [AT_ONE, AT_TWO]}]


def test_one_server_without_keys_is_told():
    made = signed()
    unsign(made.two())
    entries = check(made.internet, "dnssec05")
    assert tags(entries) == {"DS05_SERVER_NO_DNSSEC", "DS05_ALGO_OK"}
    assert arguments(entries, "DS05_SERVER_NO_DNSSEC") == [{"ns_list": [AT_TWO]}]


@pytest.mark.parametrize("behaviour", [silent, no_aa, says(dns.rcode.REFUSED)])
def test_that_no_server_is_usable_is_told(behaviour):
    made = signed()
    made.internet.behave(TWO, to("DNSKEY", behaviour))
    assert tags(check(made.internet, "dnssec05")) == {"DS05_ALGO_OK"}
    made.internet.behave(ONE, to("DNSKEY", behaviour))
    assert arguments(check(made.internet, "dnssec05"), "DS05_NO_RESPONSE") == [{"ns_list": [AT_ONE, AT_TWO]}]


def test_servers_that_only_the_parent_knows_are_asked():
    internet = stage({NS1: [ONE]}, delegation={NS2: [TWO]}, records="ns2 60 IN A 192.0.2.12")
    internet.serve(internet.zones[APEX], [TWO])
    assert arguments(check(internet, "dnssec05"), "DS05_ZONE_NO_DNSSEC") == [{"ns_list": [AT_ONE, AT_TWO]}]


# --- DNSSEC14


@pytest.mark.parametrize(
    ("algorithm", "bits", "tag", "limit"),
    [
        (5, 511, "DNSKEY_TOO_SMALL_FOR_ALGO", {"keysizemin": 512}),
        (7, 511, "DNSKEY_TOO_SMALL_FOR_ALGO", {"keysizemin": 512}),
        (8, 511, "DNSKEY_TOO_SMALL_FOR_ALGO", {"keysizemin": 512}),
        (10, 1023, "DNSKEY_TOO_SMALL_FOR_ALGO", {"keysizemin": 1024}),
        (8, 512, "DNSKEY_SMALLER_THAN_REC", {"keysizerec": 2048}),
        (10, 1024, "DNSKEY_SMALLER_THAN_REC", {"keysizerec": 2048}),
        (8, 2047, "DNSKEY_SMALLER_THAN_REC", {"keysizerec": 2048}),
        (8, 4097, "DNSKEY_TOO_LARGE_FOR_ALGO", {"keysizemax": 4096}),
        (10, 4097, "DNSKEY_TOO_LARGE_FOR_ALGO", {"keysizemax": 4096}),
    ],
)
def test_an_rsa_key_of_another_size_is_told_once(algorithm, bits, tag, limit):
    odd = rsa(bits, algorithm)
    entries = check(with_key(odd), "dnssec14")
    (found,) = arguments(entries, tag)
    assert tags(entries) == {tag}
    assert found.pop("algo_descr")
    assert found == {"keytag": dns.dnssec.key_id(odd), "algo_num": algorithm, "keysize": bits, **limit}


@pytest.mark.parametrize(("algorithm", "bits"), [(5, 2048), (7, 2048), (8, 2048), (8, 4096), (10, 4096)])
def test_an_rsa_key_of_a_proper_size_is_well(algorithm, bits):
    assert tags(check(with_key(rsa(bits, algorithm)), "dnssec14")) == {"KEY_SIZE_OK"}


@pytest.mark.parametrize("algorithm", [13, 14, 15])
def test_other_keys_have_the_size_they_have(algorithm):
    assert tags(check(signed(key(algorithm)).internet, "dnssec14")) == {"KEY_SIZE_OK"}


def test_that_the_size_is_well_is_of_interest_and_no_more():
    assert [entry.level for entry in check(signed().internet, "dnssec14")] == [Level.INFO]


def test_a_silent_server_does_not_spoil_it():
    made = signed()
    made.internet.behave(TWO, to("DNSKEY", silent))
    entries = check(made.internet, "dnssec14")
    assert tags(entries) == {"NO_RESPONSE", "KEY_SIZE_OK"}
    assert arguments(entries, "NO_RESPONSE") == [{"ns": AT_TWO}]


def test_a_lost_packet_changes_nothing():
    made = signed()
    made.internet.behave(TWO, loses(1))
    assert tags(check(made.internet, "dnssec14")) == {"KEY_SIZE_OK"}


def test_a_server_without_keys_is_told():
    made = signed()
    drop(made.two(), "DNSKEY")
    entries = check(made.internet, "dnssec14")
    assert tags(entries) == {"NO_RESPONSE_DNSKEY"}
    assert arguments(entries, "NO_RESPONSE_DNSKEY") == [{"ns": AT_TWO}]


@pytest.mark.parametrize(
    ("octets", "bits"),
    [
        (b"", None),
        (b"\x03", None),
        (b"\x03\x01\x00\x01", None),
        (b"\x00", None),
        (b"\x00\x00", None),
        (b"\x00\xff\xff\x01", None),
        (b"\x01\x03\x00\x00\x80", 8),
        (b"\x00\x00\x01\x03\x01\x00", 9),
    ],
)
def test_the_size_of_a_key_is_that_of_its_modulus(octets, bits):
    odd = rsa(8).replace(key=octets)
    assert key_size(odd) == bits


def test_a_key_too_broken_to_have_a_size_is_too_small():
    assert tags(check(with_key(rsa(8).replace(key=b"\x03")), "dnssec14")) == {"DNSKEY_TOO_SMALL_FOR_ALGO"}
