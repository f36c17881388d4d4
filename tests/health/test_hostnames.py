"""Host names and mail addresses as text."""

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.engine import hostnames


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


@pytest.mark.parametrize(
    ("rname", "expected"),
    [
        ("admin.example", "admin@example"),
        (r"first\.last.example.com", "first.last@example.com"),
        ("a+b.example.com", "a+b@example.com"),
        (r"\"quoted\ part\".example.com", '"quoted part"@example.com'),
        ("lonely", None),
        (".", None),
        (r"two\ words.example", None),
        (r"a\@b.example", None),
        (r"a\.\.b.example", None),
        (r"admin.exa\@mple.com", None),
        (r"\.a.example", None),
    ],
)
def test_an_rname_is_read_as_mail_address(rname, expected):
    assert hostnames.mailbox(name(rname)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ns.example", None), ("1.2.3.4", "4"), ("ns.4a", None), (".", None), ("4.example", None)],
)
def test_a_last_label_of_digits_is_found(text, expected):
    assert hostnames.numeric_tld(name(text)) == expected


def test_only_a_labels_may_have_hyphens_in_positions_three_and_four():
    assert list(hostnames.discouraged_double_dashes(name("XN--a.xn-b.xnxx--c.ab--c.xx--d"))) == ["ab--c", "xx--d"]


def test_unusual_octets_are_shown_escaped():
    assert hostnames.label_text(b"a b\xff.") == r"a\032b\255\."


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=8))
def test_no_name_is_too_odd_to_be_judged(labels):
    odd = dns.name.Name((*labels, b""))
    hostnames.mailbox(odd)
    hostnames.holds_at_sign(odd)
    hostnames.only_allowed_characters(odd)
    hostnames.numeric_tld(odd)
    list(hostnames.discouraged_double_dashes(odd))
