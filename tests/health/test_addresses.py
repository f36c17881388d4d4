"""What the registries of special addresses say."""

import ipaddress

import pytest

from health.engine.addresses import SPECIAL_BLOCKS, Reach, reach, special_block


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.0.1", "IPv4 Service Continuity Prefix"),
        ("192.0.0.9", "Port Control Protocol Anycast"),
        ("192.0.0.100", "IETF Protocol Assignments"),
        ("2001:1::1", "Port Control Protocol Anycast"),
        ("2001::1", "TEREDO"),
        ("255.255.255.255", "Limited Broadcast"),
    ],
)
def test_the_most_specific_block_counts(address, name):
    block = special_block(ipaddress.ip_address(address))
    assert block is not None
    assert block.name == name


def test_ordinary_addresses_are_in_no_block():
    assert special_block(ipaddress.ip_address("9.9.9.9")) is None
    assert reach("2620:fe::fe") is Reach.GLOBAL


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.0.9", Reach.GLOBAL),
        ("192.0.0.1", Reach.OTHER),
        ("3fff::1", Reach.DOCUMENTATION),
        ("::ffff:9.9.9.9", Reach.OTHER),
    ],
)
def test_an_address_is_classified(address, expected):
    assert reach(address) is expected


def test_what_is_no_address_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        reach("nonsense")


def test_private_addresses_of_the_standard_library_are_not_global_here():
    # The standard library keeps a table of its own; the first address of each block is judged alike by both.
    for block in SPECIAL_BLOCKS:
        first = block.network[0]
        if first.is_private and not block.globally_reachable:
            assert reach(str(first)) is not Reach.GLOBAL, block
