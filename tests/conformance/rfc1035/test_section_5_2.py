"""What a zone must have."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded


@line("ZON-01")
@pytest.mark.parametrize("zone", ["no-soa.test", "two-soa.test", "soa-elsewhere.test", "no-ns.test"])
def test_a_zone_without_one_soa_and_an_ns_set_at_its_apex_is_refused(loaded: Loaded, zone: str):
    loaded.assert_refused(zone)


@line("ZON-02")
def test_a_record_of_another_class_is_refused(loaded: Loaded):
    loaded.assert_refused("other-class.test", line=5)


@line("ZON-02")
def test_names_out_of_zone_are_warned_of_and_not_served(loaded: Loaded):
    assert "out-of-zone.test.zone:5" in loaded.words
    assert loaded.subject.ask("www.out-of-zone.test.").rcode == "NOERROR"
    assert loaded.subject.ask("stranger.invalid.").rcode == "REFUSED"
