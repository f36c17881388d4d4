"""Domain names as people give them."""

from __future__ import annotations

import pytest

from health.engine.domains import domain_name, unicode_text
from health.engine.errors import DomainNameError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", "example.com."),
        (" Example.COM. \u00a0", "example.com."),
        ("example。com", "example.com."),
        ("example．com｡", "example.com."),
        ("café.example", "xn--caf-dma.example."),
        ("CAFÉ.example", "xn--caf-dma.example."),
        ("cafe\u0301.example", "xn--caf-dma.example."),
        ("_dmarc.example", "_dmarc.example."),
        ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa."),
        (".", "."),
        ("a" * 63 + ".example", "a" * 63 + ".example."),
    ],
)
def test_it_normalises(text, name):
    assert domain_name(text).to_text() == name


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("", "EMPTY_DOMAIN_NAME"),
        ("  ", "EMPTY_DOMAIN_NAME"),
        (".example", "INITIAL_DOT"),
        ("a..example", "REPEATED_DOTS"),
        ("example..", "REPEATED_DOTS"),
        ("İ.example", "AMBIGUOUS_DOWNCASING"),
        ("ex ample", "INVALID_ASCII"),
        ("ex!ample", "INVALID_ASCII"),
        ("☃☃.example", "INVALID_U_LABEL"),
        ("a" * 64 + ".example", "LABEL_TOO_LONG"),
        ("é" * 70 + ".example", "LABEL_TOO_LONG"),
        (".".join(["a" * 60] * 5), "DOMAIN_NAME_TOO_LONG"),
    ],
)
def test_it_says_what_is_wrong(text, tag):
    with pytest.raises(DomainNameError) as caught:
        domain_name(text)
    assert caught.value.tag == tag


def test_the_longest_name_is_a_name():
    text = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert len(text) == 253
    assert domain_name(text).to_text() == text + "."


def test_people_see_unicode():
    assert unicode_text(domain_name("café.example")) == "café.example"
    assert unicode_text(domain_name(".")) == "."
