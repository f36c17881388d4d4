"""Types that mean something special at a wildcard, or nothing."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit.dnsclient import Subject


@line("WLD-09")
@pytest.mark.parametrize("zone", ["wild-ns.test", "wild-dname.test"])
def test_ns_and_dname_at_a_wildcard_are_warned_of_or_refused(loaded: Loaded, zone: str):
    assert f"{zone}.zone:5" in loaded.words


@line("WLD-09", "ZON-01")
def test_soa_at_a_wildcard_is_refused(loaded: Loaded):
    loaded.assert_refused("wild-soa.test")


@line("WLD-10")
@pytest.mark.parametrize("rdtype", ["A", "TXT", "MX"])
def test_a_ds_set_at_a_wildcard_makes_no_cut(subject: Subject, rdtype: str):
    """RFC 4592 section 4.6 calls it meaningless and harmless."""
    reply = subject.ask("x.ds.wild.test.", rdtype)
    assert reply.aa
    assert reply.rcode == "NOERROR"
    assert "NS" not in {kind for _, kind in reply.owners(1)}
    assert ("x.ds.wild.test.", "DS") not in reply.owners(0)


@line("WLD-10")
def test_asking_for_the_ds_of_a_wildcard_stays_harmless(subject: Subject):
    """Synthesised as any other type, or NODATA: there is no delegation that it could vouch for."""
    reply = subject.ask("x.ds.wild.test.", "DS")
    assert reply.aa
    assert reply.is_nodata("wild.test.") or reply.owners(0) == [("x.ds.wild.test.", "DS")]


@line("WLD-06", "QRY-12")
def test_4_9_an_empty_wildcard_matches_and_has_no_data(subject: Subject):
    assert subject.ask("foo.hollow.wild.test.", "TXT").is_nodata("wild.test.")
    assert subject.ask("data.foo.hollow.wild.test.", "TXT").is_nodata("wild.test.")
    assert subject.ask("data.*.hollow.wild.test.", "TXT").answer == [
        'data.*.hollow.wild.test. 3600 TXT "below an empty wildcard"'
    ]
