"""How large a referral is."""

import dns.name
import dns.rdatatype
import pytest

from health.engine import referral

ZONE = "child.example"


@pytest.mark.parametrize("labels", range(1, 250, 7))
def test_a_stretched_name_is_as_long_as_a_name_may_be(labels):
    zone = dns.name.from_text(".".join(["x" * 50] * (labels // 50) + ["y" * (labels % 50 or 1)]))
    room = 255 - len(zone.to_digestable())
    assert len(referral.stretched(zone).to_digestable()) == (255 if room != 1 else 254)


@pytest.mark.parametrize(
    ("parent", "names", "size"),
    [
        ("example", {"ns1.child.example"}, 16),
        ("example", {"ns1.child.example", "ns.elsewhere"}, 0),  # not all of them below the parent
        (".", {"ns1.child.example", "ns.elsewhere"}, 16),
        ("example", set(), 0),
    ],
)
def test_an_address_is_added_where_all_names_that_have_one_are_below_the_parent(parent, names, size):
    zone, servers = dns.name.from_text(ZONE), [dns.name.from_text(n) for n in ("ns1.child.example", "ns.elsewhere")]
    holders = {dns.rdatatype.A: {dns.name.from_text(name) for name in names}}
    bare = referral.size(zone, dns.name.from_text(parent), servers, {})
    assert referral.size(zone, dns.name.from_text(parent), servers, holders) - bare == size
