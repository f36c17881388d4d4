from __future__ import annotations

import dns.name
import pytest
from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from datasrc.zonetext_names import MAX_CACHED, NameReader, name_text
from tests.datasrc.reading import ORIGIN, read


def reader() -> NameReader:
    return NameReader(ORIGIN)


@pytest.mark.parametrize(
    ("word", "labels"),
    [
        ("@", (b"example", b"org", b"")),
        ("a", (b"a", b"example", b"org", b"")),
        ("a.b", (b"a", b"b", b"example", b"org", b"")),
        ("A.b.", (b"A", b"b", b"")),
        (".", (b"",)),
        ("\\@", (b"@", b"example", b"org", b"")),
        ("a@b", (b"a@b", b"example", b"org", b"")),
        ("a\\.b.", (b"a.b", b"")),
        ("\\065\\000\\255.", (b"A\x00\xff", b"")),
        ("*", (b"*", b"example", b"org", b"")),
        ("a\\\\.", (b"a\\", b"")),
        ("x" * 63 + ".", (b"x" * 63, b"")),
    ],
)
def test_words_are_names_nam_11(word, labels):
    assert reader().name(word).labels == labels


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("a..b", "it has an empty label"),
        (".a", "it has an empty label"),
        ("..", "it has an empty label"),
        ("x" * 64, "a label is longer than 63 octets"),
        (".".join(["x" * 62] * 4) + ".y", "it is longer than 255 octets"),
        ("\\256", "a backslash wants three digits"),
        ("\\1", "a backslash wants three digits"),
        ("\\12x", "a backslash wants three digits"),
        ("a\\", "a backslash wants three digits"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(word, reason):
    with pytest.raises(ValueError, match="is not a name: " + reason):
        reader().name(word)


def test_a_new_origin_counts_from_then_on():
    names = reader()
    assert names.wire("a") == b"\x01a\x07example\x03org\x00"
    names.origin = dns.name.root
    assert names.wire("a") == b"\x01a\x00"


def test_the_cache_is_bounded():
    names = reader()
    for number in range(MAX_CACHED + 10):
        assert names.wire(f"n{number}.") == names.name(f"n{number}.").to_wire()


label_octets = st.binary(min_size=1, max_size=20)


@given(st.lists(label_octets, max_size=8))
def test_name_to_text_to_name_is_the_identity_nam_12(labels):
    name = Name([*labels, b""])
    text = name_text(name)
    assert reader().name(text).labels == name.labels
    # The same through a whole line, as owner and as target.
    (record,), findings = read(f"{text} 60 IN NS {text}")
    assert findings == []
    assert (record.owner.labels, record.rdata) == (name.labels, name.to_wire())


def test_every_single_octet_survives_as_a_label_nam_12():
    for octet in range(256):
        name = Name([bytes([octet]), b""])
        assert reader().name(name_text(name)).labels == name.labels
