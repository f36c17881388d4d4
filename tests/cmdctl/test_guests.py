"""Who finds a place among the connections over TCP, and who makes way."""

from __future__ import annotations

from cmdctl.guests import Guests


def names(guests, arrivals):
    """Admits these origins one after the other; who had to leave, by their order of arrival."""
    left = []
    admitted = [
        guests.admit(origin, lambda number=number: left.append(number)) for number, origin in enumerate(arrivals)
    ]
    return admitted, left


def test_there_is_a_place_for_as_many_as_may():
    guests = Guests(3)
    admitted, left = names(guests, ["a", "a", "a"])
    assert (None not in admitted, left, len(guests)) == (True, [], 3)


def test_the_eldest_stranger_of_the_origin_with_the_most_makes_way():
    _, left = names(Guests(4), ["b", "a", "a", "b", "c", "c", "c"])
    assert left == [0, 1, 4]  # of equals the origin that came first


def test_who_is_known_stays():
    guests = Guests(3)
    admitted, left = names(guests, ["a", "a", "b"])
    admitted[0].known = True
    names(guests, ["c"])
    assert left == [1]
    for guest in list(guests._there):
        guest.known = True
    assert guests.admit("d", lambda: None) is None
    assert len(guests) == 3


def test_a_place_is_given_back_once():
    guests = Guests(1)
    (guest,), _ = names(guests, ["a"])
    guest.gone()
    guest.gone()
    assert guests.admit("b", lambda: None) is not None
    assert len(guests) == 1
