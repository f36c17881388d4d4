"""Limits of connections, and who goes when they are reached."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auth.connections import ConnectionTable
from auth.sizes import MAX_CONNECTIONS
from auth.standing import IDLE, NEEDED, UNREAD

A, B, C, D = 0xC0000201, 0x20010DB800010002, 3, (1 << 64) - 1  # clients


def table_of(*connections):
    """A table, and the numbers of connections: a client, or a client and a standing, of each."""
    table, numbers = ConnectionTable(), []
    for connection in connections:
        client, standing = connection if isinstance(connection, tuple) else (connection, IDLE)
        numbers.append(table.arrive(client))
        table.become(numbers[-1], standing)
    return table, numbers


def test_there_is_room_below_the_limits():
    table, _ = table_of(A)
    assert table.make_room(A, 2, 2) == (True, [])


def test_the_oldest_idle_goes_when_all_are_used():
    table, (first, _) = table_of(A, B)
    assert table.make_room(C, 2, 2) == (True, [first])


def test_a_whole_message_makes_a_connection_young():
    table, (first, second) = table_of(A, B)
    table.heard(first)
    assert table.make_room(C, 2, 2) == (True, [second])


def test_it_makes_it_young_among_those_of_its_client():
    table, (first, second) = table_of(A, A)
    table.heard(first)
    assert table.make_room(A, 9, 2) == (True, [second])


def test_busy_connections_stay():
    table, (_, second) = table_of((A, NEEDED), B)
    assert table.make_room(C, 2, 2) == (True, [second])


def test_a_client_that_does_not_read_goes_before_one_that_is_answered_and_after_the_idle():
    table, (unread, _) = table_of((A, UNREAD), (B, NEEDED))
    assert table.make_room(C, 2, 2) == (True, [unread])
    table, (_, _, idle) = table_of((A, UNREAD), (B, NEEDED), D)
    assert table.make_room(C, 3, 3) == (True, [idle])


def test_where_all_are_busy_nobody_else_comes():
    table, _ = table_of((A, NEEDED), (B, NEEDED))
    assert table.make_room(C, 2, 2) == (False, [])


def test_a_client_at_its_limit_pays_itself():
    table, (_, first, _) = table_of(B, A, A)
    assert table.make_room(A, 10, 2) == (True, [first])


def test_of_a_client_at_its_limit_the_idle_goes_before_one_that_does_not_read():
    table, (_, _, idle) = table_of((A, NEEDED), (A, UNREAD), A)
    assert table.make_room(A, 10, 3) == (True, [idle])


def test_a_busy_client_at_its_limit_is_refused_though_others_are_idle():
    table, _ = table_of(B, (A, NEEDED))
    assert table.make_room(A, 10, 1) == (False, [])


def test_both_limits_are_kept_together():
    """The victim of the client's own limit makes the room that the total needs."""
    table, (_, own) = table_of(B, A)
    assert table.make_room(A, 2, 1) == (True, [own])


def test_a_lowered_limit_makes_several_go():
    table, numbers = table_of(A, B, C)
    assert table.make_room(D, 2, 2) == (True, numbers[:2])


def test_a_client_without_connections_is_forgotten():
    table, (one, other) = table_of(A, A)
    table.leave(one)
    assert table.of_client(A) == 1
    table.leave(other)
    assert (table.count, table.of_client(A)) == (0, 0)


def test_as_many_as_may_be_configured_and_one_that_has_just_come():
    """Each of another client, so that their buckets are long."""
    table = ConnectionTable()
    numbers = [table.arrive(client) for client in range(MAX_CONNECTIONS + 1)]
    assert (table.count, table.of_client(MAX_CONNECTIONS)) == (MAX_CONNECTIONS + 1, 1)
    for number in numbers:
        table.leave(number)
    assert (table.count, table.used) == (0, MAX_CONNECTIONS + 1)
    assert sorted(table.arrive(1) for _ in range(100)) == sorted(numbers[-100:])


@given(
    st.lists(st.tuples(st.sampled_from((A, B, C)), st.sampled_from((IDLE, UNREAD, NEEDED))), max_size=60),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_the_limits_are_never_exceeded(arrivals, limit, per_client):
    """V50."""
    table = ConnectionTable()
    standings: dict[int, int] = {}
    for client, standing in arrivals:
        there_is_room, victims = table.make_room(client, limit, per_client)
        assert NEEDED not in [standings.pop(victim) for victim in victims]
        if there_is_room:
            number = table.arrive(client)
            standings[number] = standing
            table.become(number, standing)
        assert table.count == len(standings) <= limit
        assert all(table.of_client(client) <= per_client for client in (A, B, C))
