"""What is a wildcard: an asterisk as the leftmost label, alone in it."""

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("WLD-08")
def test_an_asterisk_that_is_not_leftmost_matches_nothing_but_itself(subject: Subject):
    assert subject.ask("a.*.mid.wild.test.", "TXT").answer == ['a.*.mid.wild.test. 3600 TXT "literal"']
    assert subject.ask("a.b.mid.wild.test.", "TXT").is_nodata("wild.test.")  # by *.mid, an empty wildcard
    assert subject.ask("a.nothing.wild.test.", "TXT").is_nxdomain("wild.test.")


@line("WLD-08")
def test_a_label_that_only_begins_with_an_asterisk_is_no_wildcard(subject: Subject):
    assert subject.ask(packet.raw_name(b"xliteral", b"names", b"test"), "TXT").is_nxdomain("names.test.")


@line("WLD-08", "WLD-01")
def test_a_wildcard_below_a_wildcard_needs_the_upper_asterisk_spelled_out(subject: Subject):
    assert subject.ask("x.*.twice.wild.test.", "TXT").answer == ['x.*.twice.wild.test. 3600 TXT "two asterisks"']
    assert subject.ask("x.y.twice.wild.test.", "TXT").is_nodata("wild.test.")
