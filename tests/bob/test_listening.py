"""Who holds which descriptors."""

from __future__ import annotations

from bob.listening import HandOver, Listening, places_of
from daemonkit.control import SocketPlace

PLACES = places_of([("192.0.2.1", 53), ("2001:db8::1", 53)])


def full(*numbers):
    listening = Listening()
    listening.settle(PLACES)
    descriptor = 100
    for number in numbers:
        listening.add(number, {place: descriptor + index for index, place in enumerate(PLACES)})
        descriptor += 100
    return listening


def test_every_endpoint_is_udp_and_tcp():
    assert (
        SocketPlace("udp", "192.0.2.1", 53),
        SocketPlace("tcp", "192.0.2.1", 53),
        SocketPlace("udp", "2001:db8::1", 53),
        SocketPlace("tcp", "2001:db8::1", 53),
    ) == PLACES


def test_a_new_instance_misses_every_place():
    assert full("0").missing("1") == PLACES
    assert full("0").missing("0") == ()


def test_each_hand_over_has_a_generation_of_its_own():
    listening = full("0")
    first, second = listening.assign("0", 7), listening.assign("0", 8)
    assert first.generation < second.generation
    assert first == HandOver(first.generation, "0", tuple(zip(PLACES, range(100, 104), strict=True)))


def test_whoever_takes_the_place_gets_the_very_same_descriptors():
    listening = full("0")
    first = listening.assign("0", 7)
    listening.vacate("0")
    assert listening.assign("0", 8).sockets == first.sockets


def test_only_the_holder_can_say_that_it_took_the_last_generation():
    listening = full("0")
    old = listening.assign("0", 7)
    new = listening.assign("0", 7)
    assert not listening.took("0", 7, old.generation)
    assert not listening.took("0", 8, new.generation)
    assert not listening.is_served(PLACES[0], besides="1")
    assert listening.took("0", 7, new.generation)
    assert listening.is_served(PLACES[0], besides="1")
    assert not listening.is_served(PLACES[0], besides="0")


def test_a_vacant_place_serves_nothing():
    listening = full("0")
    listening.took("0", 7, listening.assign("0", 7).generation)
    listening.vacate("0")
    assert not listening.is_served(PLACES[0], besides="1")


def test_dropping_gives_every_descriptor_once():
    listening = full("0", "1")
    assert sorted(listening.drop("1")) == [200, 201, 202, 203]
    assert listening.drop("1") == []
    assert listening.numbers == ("0",)
    assert listening.missing("1") == PLACES


def test_other_places_keep_what_stays_and_close_what_goes():
    listening = full("0", "1")
    fewer = PLACES[:2] + places_of([("192.0.2.9", 53)])
    assert sorted(listening.settle(fewer)) == [102, 103, 202, 203]
    assert listening.missing("0") == fewer[2:]
    assert listening.held == frozenset(PLACES[:2])


def test_missing_can_be_asked_for_places_that_are_not_settled_yet():
    more = PLACES + places_of([("192.0.2.9", 53)])
    assert full("0").missing("0", more) == more[4:]
