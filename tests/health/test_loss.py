"""One lost packet, whichever it is, changes nothing that is found."""

from __future__ import annotations

import pytest

from health.engine.network import NoResponse, Silence
from tests.health.stage import NS1, NS2, ONE, PARENTS, TWO, ZONE, stage

MODULES = ("basic", "address", "connectivity", "consistency", "delegation", "syntax")
SIX = "2001:db8:1::2"


def build():
    return stage({NS1: [ONE], NS2: [TWO, SIX]}, records="@ 3600 IN MX 10 mail\nmail 3600 IN A 192.0.2.99")


def findings(internet):
    return [(entry.case, entry.tag, dict(entry.arguments)) for entry in internet.check(ZONE, *MODULES)]


def lose(number):
    """Lose the query of this number, counted from 0."""
    left = number

    def behaviour(_query, answer):
        nonlocal left
        left -= 1
        return NoResponse(Silence.TIMEOUT) if left == -1 else answer

    return behaviour


@pytest.mark.parametrize("address", [ONE, TWO, SIX, *PARENTS, "198.51.100.1"])
def test_any_one_query_to_a_server_may_be_lost(address):
    healthy = build()
    expected = findings(healthy)
    asked = len(healthy.at(address).asked)
    assert asked
    for number in range(asked):
        internet = build()
        internet.behave(address, lose(number))
        assert findings(internet) == expected, f"query {number} of {asked}"
