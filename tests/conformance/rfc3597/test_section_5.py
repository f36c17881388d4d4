"""Text of unknown types."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit.dnsclient import Subject


@line("ZON-08", "ZON-09")
@pytest.mark.parametrize(
    ("name", "rdtype", "text"),
    [
        ("known-a", "A", "192.0.2.1"),
        ("numbered", "A", "192.0.2.99"),
        ("known-mx", "MX", "10 Target.types.test."),
        ("classed", "TXT", '"class by number"'),
    ],
)
def test_numbers_and_octets_mean_the_type_they_name(subject: Subject, name: str, rdtype: str, text: str):
    assert [record.text for record in subject.ask(f"{name}.types.test.", rdtype).records[0]] == [text]


@line("ZON-08")
@pytest.mark.parametrize("zone", ["generic-length.test", "generic-hex.test"])
def test_octets_that_do_not_match_their_length_are_refused(loaded: Loaded, zone: str):
    loaded.assert_refused(zone, line=5)


@line("ZON-09")
@pytest.mark.parametrize("zone", ["generic-a.test", "generic-mx.test"])
def test_octets_that_are_no_data_of_their_known_type_are_refused(loaded: Loaded, zone: str):
    loaded.assert_refused(zone, line=5)
