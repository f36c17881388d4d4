"""Names of zones that begin as somebody types."""

from __future__ import annotations

import dns.name
import pytest

from cmdctl.zonenames import beginning_with
from datasrc.keys import name_key

NAMES = ["example.org", "EXAMPLE.net", "exam.example.org", "other.example", "sub.exam", "x\\.y.example", "."]
KEYS = {name_key(dns.name.from_text(name)) for name in NAMES}


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("exam", ["example.net", "example.org", "exam.example.org"]),
        ("EXAMPLE", ["example.net", "example.org"]),
        ("example.", ["example.net", "example.org"]),
        ("example.o", ["example.org"]),
        ("exam.example.org", ["exam.example.org"]),
        ("org", []),  # the name begins so, not a label of it
        ("x\\.y", ["x\\.y.example"]),
        ("x.y", []),
        (".*", []),
    ],
)
def test_names_that_begin_so(prefix, names):
    assert beginning_with(prefix, KEYS, 10) == (names, False)


def test_everything_begins_with_nothing():
    assert len(beginning_with("", KEYS, 10)[0]) == len(NAMES)


def test_the_limit_holds_and_more_is_told():
    assert beginning_with("exam", KEYS, 2) == (["example.net", "example.org"], True)
