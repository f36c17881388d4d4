"""Where `bobctl log tail --follow` goes on."""

from __future__ import annotations

from bobctl.logs import MAX_PLACES, _places


def test_the_place_of_a_process_that_is_not_heard_of_for_a_moment_is_kept():
    """A cmdctl that was started again knows nobody at first; all lines would be shown once more."""
    places = _places({}, "11:5,12:7")
    assert places == {"11": "5", "12": "7"}
    assert _places(places, "") == places
    assert _places(places, "11:6,13:0") == {"12": "7", "11": "6", "13": "0"}


def test_of_too_many_places_those_go_that_were_not_heard_of():
    before = _places({}, ",".join(f"{pid}:1" for pid in range(MAX_PLACES)))
    after = _places(before, "0:2,9999:1")
    assert len(after) == MAX_PLACES
    assert list(after.items())[-2:] == [("0", "2"), ("9999", "1")]
    assert "1" not in after
