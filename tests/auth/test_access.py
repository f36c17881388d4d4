"""Which access control lists admit an address: the tables say what the lists themselves do."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.access import Access
from auth.access_ranges import MOST_NETWORKS, Ranges, ranges_of
from auth.acl import Action, Requester, compile_acl
from auth.zones import ZonePolicy
from image.layout import ADMITTED, CLOSED, OPEN

PLACE = 3
EDGES = [0, 1, 5, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]


def addresses(bits: int) -> st.SearchStrategy[int]:
    edges = [edge << shift for edge in EDGES for shift in (0, bits - 32)]
    return st.sampled_from([edge for edge in edges if edge < 1 << bits]) | st.integers(0, (1 << bits) - 1)


@st.composite
def networks(draw: st.DrawFn) -> str:
    bits, kind = draw(st.sampled_from([(32, ipaddress.IPv4Network), (128, ipaddress.IPv6Network)]))
    length = draw(st.integers(0, bits))
    address = draw(addresses(bits))
    return str(kind((address >> (bits - length) << (bits - length), length)))


CHECKS = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"from": st.lists(networks(), min_size=1, max_size=3)}),
        st.fixed_dictionaries({"from": networks()}),
        st.fixed_dictionaries({"key": st.just("k.example")}),
        st.just({}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"ANY": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"ALL": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"NOT": inner}),
    ),
    max_leaves=4,
)
RULES = st.tuples(st.sampled_from(list(Action)), CHECKS).map(lambda rule: {"action": rule[0].value, **rule[1]})
ACLS = st.lists(RULES, max_size=4)


def policy(rules: list[dict[str, Any]]) -> ZonePolicy:
    return ZonePolicy(compile_acl(rules))


def masks(ranges: Ranges, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[int, int]:
    """Who admits an address, who refuses it."""
    access = Access()
    access.heed(ranges.starts4, ranges.masks4, ranges.starts6, ranges.masks6)
    buffer = memoryview(bytearray(32))
    buffer[PLACE : PLACE + len(address.packed)] = address.packed
    access.attach(buffer)
    return access.of(PLACE, len(address.packed))


@given(st.data(), st.lists(ACLS, min_size=1, max_size=4))
def test_the_tables_say_what_the_lists_say(data, acls):
    policies = [policy(rules) for rules in acls]
    ranges = ranges_of(policies)
    asked = [data.draw(addresses(bits), "address") for bits in (32, 128)]
    near = [(network, place) for one in policies for network in one.query_acl.networks() for place in (0, -1)]
    for address in [
        ipaddress.IPv4Address(asked[0]),
        ipaddress.IPv6Address(asked[1]),
        *(network[place] for network, place in near),
        *(network[0] - 1 for network, _ in near if int(network[0])),
        *(network[-1] + 1 for network, _ in near if int(network[-1]) < (1 << network.max_prefixlen) - 1),
    ]:
        admitting, refusing = masks(ranges, address)
        for one in policies:
            action = one.query_acl.decide(Requester(address))
            found = [bool(mask >> ranges.number(one) & 1) for mask in (admitting, refusing)]
            assert found == [action is Action.ACCEPT, action is Action.REJECT], (address, one.query_acl.source)


def test_equal_lists_have_one_number_and_everybody_is_admitted_where_there_is_none():
    ours, same, other = (policy([{"action": "ACCEPT", "from": place}]) for place in ("10.0.0.0/8", "10.0.0.0/8", "::1"))
    ranges = ranges_of([ours, ZonePolicy(), same, other])
    assert ranges.number(ours) == ranges.number(same) != ranges.number(other)
    assert ranges.number(ZonePolicy()) == OPEN
    assert ranges_of([ZonePolicy()]).numbers == {}
    access = Access()
    access.attach(memoryview(bytearray(16)))
    assert access.of(0, 4) == access.of(0, 16) == (ADMITTED, 0)


def test_a_zone_with_a_hook_admits_nobody():
    hooked = ZonePolicy(hook=True)
    assert ranges_of([hooked]).number(hooked) == CLOSED


@pytest.mark.parametrize("count", [CLOSED - OPEN - 1, CLOSED - OPEN + 3])
def test_lists_beyond_the_room_for_them_admit_nobody(count):
    policies = [policy([{"action": "ACCEPT", "from": f"192.0.2.{number}"}]) for number in range(count)]
    ranges = ranges_of(policies)
    numbers = [ranges.number(one) for one in policies]
    assert numbers == [*range(1, min(count, 62) + 1), *[CLOSED] * (count - 62)]
    ours = 1 << OPEN | 1 << numbers[7]
    assert masks(ranges, ipaddress.IPv4Address("192.0.2.7")) == (ours, (1 << min(count, 62) + 1) - 1 - ours)


def test_lists_of_very_many_networks_admit_nobody():
    many = policy([{"action": "ACCEPT", "from": [f"2001:db8:{n:x}::/48" for n in range(MOST_NETWORKS + 1)]}])
    few = policy([{"action": "ACCEPT", "from": "192.0.2.0/24"}])
    ranges = ranges_of([many, few])
    assert (ranges.number(many), ranges.number(few)) == (CLOSED, 1)
