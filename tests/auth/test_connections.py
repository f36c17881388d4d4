"""Limits of connections, and who goes when they are reached."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.connections import ConnectionTable, Standing, client_key
from auth.places import Place

PLACE = Place(socket.SOCK_STREAM, "127.0.0.1", 53)


@dataclass(eq=False)
class Fake:
    """A connection as the table knows it."""

    client: str
    standing: Standing = Standing.IDLE
    place: Place = PLACE

    def evict(self) -> None: ...

    def finish(self) -> None: ...


def table_of(*connections):
    table = ConnectionTable()
    for connection in connections:
        table.add(connection)
    return table


def test_there_is_room_below_the_limits():
    assert table_of(Fake("a")).make_room("a", 2, 2) == (True, [])


def test_the_oldest_idle_goes_when_all_are_used():
    first, second = Fake("a"), Fake("b")
    assert table_of(first, second).make_room("c", 2, 2) == (True, [first])


def test_a_whole_message_makes_a_connection_young():
    first, second = Fake("a"), Fake("b")
    table = table_of(first, second)
    table.touch(first)
    assert table.make_room("c", 2, 2) == (True, [second])


def test_busy_connections_stay():
    first, second = Fake("a", standing=Standing.NEEDED), Fake("b")
    assert table_of(first, second).make_room("c", 2, 2) == (True, [second])


def test_a_client_that_does_not_read_goes_before_one_that_is_answered_and_after_the_idle():
    unread, needed = Fake("a", Standing.UNREAD), Fake("b", Standing.NEEDED)
    assert table_of(unread, needed).make_room("c", 2, 2) == (True, [unread])
    idle = Fake("d")
    assert table_of(unread, needed, idle).make_room("c", 3, 3) == (True, [idle])


def test_where_all_are_busy_nobody_else_comes():
    assert table_of(Fake("a", standing=Standing.NEEDED), Fake("b", standing=Standing.NEEDED)).make_room("c", 2, 2) == (
        False,
        [],
    )


def test_a_client_at_its_limit_pays_itself():
    other, first, second = Fake("b"), Fake("a"), Fake("a")
    assert table_of(other, first, second).make_room("a", 10, 2) == (True, [first])


def test_a_busy_client_at_its_limit_is_refused_though_others_are_idle():
    assert table_of(Fake("b"), Fake("a", standing=Standing.NEEDED)).make_room("a", 10, 1) == (False, [])


def test_both_limits_are_kept_together():
    """The victim of the client's own limit makes the room that the total needs."""
    other, own = Fake("b"), Fake("a")
    assert table_of(other, own).make_room("a", 2, 1) == (True, [own])


def test_a_lowered_limit_makes_several_go():
    connections = [Fake("a"), Fake("b"), Fake("c")]
    assert table_of(*connections).make_room("d", 2, 2) == (True, connections[:2])


def test_a_removed_connection_is_forgotten_once_and_for_all():
    one = Fake("a")
    table = table_of(one)
    table.remove(one)
    table.remove(one)
    table.touch(one)
    assert len(table) == 0
    assert table.of_client("a") == 0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Standing)), max_size=60),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_the_limits_are_never_exceeded(arrivals, limit, per_client):
    """V50."""
    table = ConnectionTable()
    for client, standing in arrivals:
        there_is_room, victims = table.make_room(client, limit, per_client)
        for victim in victims:
            assert victim.standing is not Standing.NEEDED
            table.remove(victim)
        if there_is_room:
            table.add(Fake(client, standing))
        assert len(table) <= limit
        assert all(table.of_client(client) <= per_client for client in "abc")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_client_is_an_address_or_the_network_of_a_host(address, key):
    assert client_key(address) == key
