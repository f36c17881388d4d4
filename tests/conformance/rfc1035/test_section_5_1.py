"""Zone text, as the wire shows it."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("NAM-11")
@pytest.mark.parametrize(
    ("label", "text"),
    [
        (b"nul\0nul", "nul"),
        (b"dot.dot", "dot"),
        (b"back\\slash", "backslash"),
        (b'quo"te', "quote"),
        (b"semi;colon", "semicolon"),
        (b"spa ce", "space"),
        (b"at@", "at"),
        (b"par(en)", "parentheses"),
        (b"dollar$", "dollar"),
        (b"*literal", "asterisk within a label"),
        (b"@", "0x40"),
        (b"\xff\x80", "high"),
    ],
)
def test_escapes_in_zone_text_are_octets_on_the_wire(subject: Subject, label: bytes, text: str):
    assert subject.ask(packet.raw_name(label, b"names", b"test"), "TXT").records[0][0].text == f'"{text}"'


@line("NAM-11", "ZON-07")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("syntax.test.", "at the apex"),
        ("relative.syntax.test.", "relative"),
        ("absolute.syntax.test.", "absolute"),
        ("below.sub.syntax.test.", "below $ORIGIN"),
        ("sub.syntax.test.", "@ after $ORIGIN"),
        ("repeated.syntax.test.", "owner of the line before"),
        ("folded.syntax.test.", "in parentheses"),
        ("quoted.syntax.test.", "semi;colon and (parentheses)"),
        ("commented.syntax.test.", "before a comment"),
        ("included.syntax.test.", "from the included file"),
        ("included.other-origin.syntax.test.", "from the included file"),
        ("after-include.syntax.test.", "the origin is restored"),
        ("swapped.syntax.test.", "class before TTL"),
    ],
)
def test_zone_text_means_what_rfc_1035_says(loaded: Loaded, name: str, text: str):
    assert f'"{text}"' in {record.text for record in loaded.subject.ask(name, "TXT").records[0]}


@line("ZON-07")
@pytest.mark.parametrize("zone", ["unbalanced.test", "unquoted.test", "no-include.test"])
def test_a_fault_in_zone_text_is_refused_with_its_place(loaded: Loaded, zone: str):
    loaded.assert_refused(zone, line=5)
