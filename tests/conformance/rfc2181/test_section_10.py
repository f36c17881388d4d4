"""Naming issues: aliases."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded


@line("ZON-03")
@pytest.mark.parametrize("zone", ["cname-other.test", "two-cname.test", "cname-apex.test"])
def test_an_alias_beside_other_data_is_refused(loaded: Loaded, zone: str):
    loaded.assert_refused(zone)


@line("ZON-13")
@pytest.mark.parametrize("zone", ["ns-alias.test", "mx-alias.test"])
def test_ns_and_mx_that_name_an_alias_are_warned_of_and_served(loaded: Loaded, zone: str):
    loaded.assert_warned(zone)
    assert loaded.subject.ask(f"www.{zone}.").rcode == "NOERROR"
