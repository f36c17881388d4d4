"""AD and CD in queries."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("HDR-15")
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "www.sub.plain.test.", "x.any.wild.test."])
def test_ad_in_a_query_changes_nothing(subject: Subject, name: str):
    plain, with_ad = subject.ask(name), subject.ask(name, flags=packet.AD)
    assert plain.wire[2:] == with_ad.wire[2:]


@line("HDR-16")
@pytest.mark.parametrize("flags", [packet.CD, packet.CD | packet.AD])
def test_cd_is_cleared_and_changes_nothing(subject: Subject, flags: int):
    """Section 3 says copy, section 3.1.6 clear; we clear, for nothing was checked."""
    plain, with_cd = subject.ask("www.plain.test."), subject.ask("www.plain.test.", flags=flags)
    assert plain.wire[2:] == with_cd.wire[2:]


@line("HDR-15")
def test_ad_is_not_set_though_do_is_asked(subject: Subject):
    assert not subject.ask("www.plain.test.", edns=True, edns_flags=packet.DO, flags=packet.AD).flags & packet.AD
