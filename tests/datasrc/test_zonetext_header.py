from __future__ import annotations

import pytest

from datasrc.findings import Code
from datasrc.zonetext_header import Field, FieldFault, classify, parse_ttl


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("0", 0),
        ("3600", 3600),
        ("0300", 300),
        ("1h", 3600),
        ("1H30M", 5400),
        ("1w2d3h4m5s", 788645),
        ("1s1s", 2),
        ("2147483647", 2147483647),
        ("2147483648", 2147483648),
        ("4294967295", 4294967295),
    ],
)
def test_ttls_are_seconds_or_units(word, seconds):
    assert parse_ttl(word) == seconds
    assert classify(word) == (Field.TTL, seconds)


@pytest.mark.parametrize(
    "word", ["4294967296", "99999999999", "1h30", "1y", "1.5h", "-1", "1h-1", "7200w", "0x10", "9" * 5000, "h", ""]
)
def test_what_is_no_ttl_is_refused(word):
    with pytest.raises(FieldFault) as caught:
        parse_ttl(word)
    assert caught.value.code is Code.BAD_TTL
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("IN", (Field.CLASS, 1)),
        ("in", (Field.CLASS, 1)),
        ("CLASS1", (Field.CLASS, 1)),
        ("class00001", (Field.CLASS, 1)),
        ("CH", (Field.CLASS, 3)),
        ("HS", (Field.CLASS, 4)),
        ("CLASS32", (Field.CLASS, 32)),
        ("A", (Field.TYPE, 1)),
        ("aaaa", (Field.TYPE, 28)),
        ("NSAP-PTR", (Field.TYPE, 23)),
        ("TYPE1", (Field.TYPE, 1)),
        ("type65535", (Field.TYPE, 65535)),
        ("TYPE65280", (Field.TYPE, 65280)),
    ],
)
def test_classes_and_types_have_names_and_numbers(word, expected):
    assert classify(word) == expected


meta_types = ["OPT", "TSIG", "TKEY", "AXFR", "IXFR", "ANY", "MAILA", "MAILB", "NXNAME", "NONE"]
unknown_types = ["", "FOO", "TYPE", "TYPE65536", "TYPE-1", "TYPE٣", "CLASS", "@", "A-", "TYPE" + "1" * 99]


@pytest.mark.parametrize("word", [*meta_types, "TYPE0", "TYPE41", "TYPE128", "TYPE255", "TYPE200"])
def test_meta_types_are_no_data_zon_11(word):
    with pytest.raises(FieldFault) as caught:
        classify(word)
    assert caught.value.code is Code.META_TYPE


@pytest.mark.parametrize("word", unknown_types)
def test_unknown_words_are_refused(word):
    with pytest.raises(FieldFault) as caught:
        classify(word)
    assert caught.value.code is Code.UNKNOWN_TYPE
