"""Comparing serials, as the loader does before it replaces a zone."""

from tests.conformance.lines import line
from tests.conformance.loading import Reloaded
from tests.kit.dnsclient import Subject


def serial_of(subject: Subject, zone: str) -> int:
    """The serial the server has."""
    return int(subject.ask(f"{zone}.", "SOA").records[0][0].text.split()[2])


@line("ZON-10")
def test_a_serial_that_wrapped_around_is_greater(reloaded: Reloaded):
    assert serial_of(reloaded.subject, "serial-wrap.test") == 5


@line("ZON-10")
def test_a_lower_serial_is_refused_and_the_old_zone_stays(reloaded: Reloaded):
    reloaded.assert_refused("serial-lower.test")
    assert serial_of(reloaded.subject, "serial-lower.test") == 100


@line("ZON-10")
def test_a_serial_half_the_space_away_is_refused_as_undefined(reloaded: Reloaded):
    reloaded.assert_refused("serial-half.test")
    assert serial_of(reloaded.subject, "serial-half.test") == 100


@line("ZON-10", "ZON-18")
def test_one_less_than_half_the_space_away_is_greater(reloaded: Reloaded):
    assert serial_of(reloaded.subject, "serial-far.test") == 100 + 2**31 - 1
