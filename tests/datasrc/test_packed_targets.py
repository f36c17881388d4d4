"""Where names in RDATA lead: of a set whose targets need no look its name is left out."""

from __future__ import annotations

import pytest

from datasrc.packed_nodes import Glance
from tests.datasrc.reading import ORIGIN, gathered
from tests.datasrc.test_packed_nodes import HEAD


def doubtful(text: str) -> list[str]:
    """The names that need a look, but for the apex, which always does."""
    zone = gathered(HEAD + text, ORIGIN)
    glance = Glance(zone._packed, b"\x07example\x03org\x00", b"org\x00example\x00", True)
    found = [zone.rrset(first).name.relativize(ORIGIN).to_text() for first, _ in glance.doubtful()]
    assert found[0] == "@"
    return found[1:]


def test_delegations_with_their_glue_are_left_out():
    fine = "a NS ns.a\n NS n2.A\n NS ns.example.net.\nns.a A 192.0.2.1\nns.a AAAA ::1\nn2.a A 192.0.2.2\n"
    fine += "b NS ns.b\nNS.b AAAA ::1\n"
    others = "c NS ns.c\nd NS ns.d\nns.d A 192.0.2.1\nx.d A 192.0.2.1\n"
    assert doubtful(fine + others) == ["c", "d", "ns.d", "x.d"]


@pytest.mark.parametrize("kind", ["NS", "CNAME", "MX 1", "SRV 1 1 1"])
@pytest.mark.parametrize(
    ("target", "is_fine"),
    [
        ("ns.example.net.", True),
        ("org.", True),
        (".", True),
        ("xexample.org.", True),  # its octets end as those of the origin do, its labels do not
        ("a\\007example.org.", True),
        ("example.org.", False),
        ("ns.EXAMPLE.oRg.", False),
        ("a.b.c.example.org.", False),
        ("1.example.net.", False),  # it looks like an address
        ("12a.example.net.", True),
        ("192.0.2.1.", False),
    ],
)
def test_a_target_needs_no_look_outside_of_the_zone_unless_it_begins_with_a_number(kind, target, is_fine):
    assert doubtful(f"a {kind} {target}\n") == ([] if is_fine else ["a"])


def test_a_set_needs_a_look_for_one_of_its_targets():
    targets = "\n".join(f"a MX {number} m{number}.example.net." for number in range(5))
    assert doubtful(targets + "\n") == []
    assert doubtful(f"{targets}\na MX 9 a\n") == ["a"]
