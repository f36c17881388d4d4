"""Nothing is below a DNAME."""

from tests.conformance.lines import line
from tests.conformance.loading import Loaded


@line("DNM-06")
def test_data_below_a_dname_is_told_of_and_never_served(loaded: Loaded):
    assert "dname-below.test.zone:6" in loaded.words
    reply = loaded.subject.ask("below.dn.dname-below.test.")
    if reply.rcode == "REFUSED":  # the zone was not loaded
        return
    assert reply.rcode == "NXDOMAIN"  # below.other.test is not there
    assert [kind for _, kind in reply.owners(0)] == ["DNAME", "CNAME"]
