"""What access control lists say of an address: the tables say what the lists themselves do."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auth import access_lists
from auth.access_lists import AccessLists
from auth.acl import Action, Address, Network, Requester, compile_acl, network_of
from auth.zones import ZonePolicy
from image.access import Access
from image.layout import ADMITS, CLOSED, DROPS, FIRST_LIST, OPEN, REFUSES

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


ACTIONS = {ADMITS: Action.ACCEPT, REFUSES: Action.REJECT, DROPS: Action.DROP}


def policy(rules: list[dict[str, Any]]) -> ZonePolicy:
    return ZonePolicy(compile_acl(rules))


def named(checks: dict[str, Any]) -> Iterator[Network]:
    """The networks in a rule or in its checks."""
    for name, value in checks.items():
        for item in value if isinstance(value, list) else [value]:
            if name == "from":
                yield network_of(item)
            elif isinstance(item, dict):
                yield from named(item)


def said(lists: AccessLists, place: int, address: Address) -> Action:
    access = Access()
    access.heed(lists.words)
    buffer = memoryview(bytearray(32))
    buffer[PLACE : PLACE + len(address.packed)] = address.packed
    access.attach(buffer)
    return ACTIONS[access.says(place, PLACE, len(address.packed))]


@given(st.data(), st.lists(ACLS, min_size=1, max_size=4))
def test_the_tables_say_what_the_lists_say(data, acls):
    lists = AccessLists()
    policies = [policy(rules) for rules in acls]
    places = [lists.place(one) for one in policies]
    networks = [network for rules in acls for rule in rules for network in named(rule)]
    for address in [
        ipaddress.IPv4Address(data.draw(addresses(32), "address")),
        ipaddress.IPv6Address(data.draw(addresses(128), "address")),
        *(network[place] for network in networks for place in (0, -1)),
        *(network[0] - 1 for network in networks if int(network[0])),
        *(network[-1] + 1 for network in networks if int(network[-1]) < (1 << network.max_prefixlen) - 1),
    ]:
        for one, place in zip(policies, places, strict=True):
            action = one.query_acl.decide(Requester(address))
            assert (Action.ACCEPT if place == OPEN else said(lists, place, address)) is action, one.query_acl.source


def test_equal_lists_have_one_place_and_who_admits_everybody_has_none():
    ours, same, other = (policy([{"action": "ACCEPT", "from": place}]) for place in ("10.0.0.0/8", "10.0.0.0/8", "::1"))
    lists = AccessLists()
    assert lists.place(ZonePolicy()) == OPEN
    assert not lists.are_there
    assert FIRST_LIST <= lists.place(ours) == lists.place(same) != lists.place(other)
    assert lists.are_there


def test_a_zone_with_a_hook_is_left():
    assert AccessLists().place(ZonePolicy(hook=True)) == CLOSED


def test_there_is_room_for_thousands_of_lists_and_for_tens_of_thousands_of_networks():
    """A list a customer, and one of a tenant that names each of its hosts: none is in the way of another."""
    lists = AccessLists()
    hosts = [f"10.{number >> 8 & 255}.{number & 255}.{number >> 16 | 1}" for number in range(20_000)]
    many = lists.place(policy([{"action": "DROP", "from": hosts}, {"action": "ACCEPT"}]))
    customers = [
        lists.place(policy([{"action": "ACCEPT", "from": f"172.16.{number >> 8}.{number & 255}"}]))
        for number in range(5000)
    ]
    assert len(set(customers)) == 5000
    address = ipaddress.IPv4Address("172.16.19.135")
    assert [number for number, place in enumerate(customers) if said(lists, place, address) is Action.ACCEPT] == [4999]
    found = {said(lists, many, ipaddress.IPv4Address(host)) for host in hosts}
    assert found == {Action.DROP}
    assert said(lists, many, address) is said(lists, many, ipaddress.IPv6Address("::1")) is Action.ACCEPT


def test_one_rule_for_each_network_takes_no_longer_than_one_for_all():
    """The first of ten thousand rules is found by order, not by trying: this would take minutes."""
    rules = [
        {"action": "DROP" if number % 2 else "ACCEPT", "from": f"10.{number >> 8}.{number & 255}.0/24"}
        for number in range(10_000)
    ]
    lists = AccessLists()
    place = lists.place(policy([*rules, {"action": "DROP", "from": "10.0.0.0/8"}, {"action": "ACCEPT"}]))
    for text, action in (("10.1.2.3", "ACCEPT"), ("10.1.3.3", "DROP"), ("10.200.0.1", "DROP"), ("11.0.0.0", "ACCEPT")):
        assert said(lists, place, ipaddress.IPv4Address(text)) is Action[action]


def test_what_was_written_stays_for_who_reads_it_when_more_lists_come():
    lists = AccessLists()
    first = lists.place(policy([{"action": "ACCEPT", "from": "192.0.2.1"}]))
    before, numbers = lists.words, bytes(lists.words[: len(lists.words)])
    more = 0
    while lists.words is before:
        more += 1
        lists.place(policy([{"action": "REJECT", "from": f"198.51.{more >> 8}.{more & 255}"}]))
    assert said(lists, first, ipaddress.IPv4Address("192.0.2.1")) is Action.ACCEPT
    assert bytes(before)[: 8 * FIRST_LIST] == numbers[: 8 * FIRST_LIST]
    assert lists.words[: first + 4].tolist() == before[: first + 4].tolist()


def test_after_many_changes_it_is_time_to_begin_anew(monkeypatch):
    monkeypatch.setattr(access_lists, "WASTE", 20)
    lists = AccessLists()
    lists.place(policy([{"action": "ACCEPT", "from": "192.0.2.1"}]))
    lists.settle()
    seen = []
    for number in range(10):
        seen.append(lists.are_many)
        lists.place(policy([{"action": "ACCEPT", "from": f"192.0.2.{number}"}]))
    assert seen[:3] == [False] * 3
    assert lists.are_many
