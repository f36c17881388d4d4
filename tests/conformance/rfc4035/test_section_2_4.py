"""Where DNSSEC records belong."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded


@line("ZON-14")
@pytest.mark.parametrize("zone", ["ds-apex.test", "ds-nowhere.test", "dnskey-below.test", "cds-below.test"])
def test_misplaced_records_are_warned_of_or_refused(loaded: Loaded, zone: str):
    assert f"{zone}.zone:5" in loaded.words
