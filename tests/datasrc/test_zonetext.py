from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from datasrc.findings import Code, Finding, Severity
from datasrc.signatures import Signature, signature_of
from datasrc.zonetext import MAX_ERRORS, MAX_INCLUDE_DEPTH, Reader
from tests.datasrc.reading import ORIGIN, good, read, shown

SOA = "@ 60 SOA ns h 1 2 3 4 300\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 60 IN A 192.0.2.1", ["a 60 A 192.0.2.1"]),
        ("a IN 60 A 192.0.2.1", ["a 60 A 192.0.2.1"]),
        ("a 60 A 192.0.2.1", ["a 60 A 192.0.2.1"]),
        ("a 1h30m in a 192.0.2.1", ["a 5400 A 192.0.2.1"]),
        ("a 60 CLASS1 TYPE1 192.0.2.1", ["a 60 A 192.0.2.1"]),
        ("@ 60 A 192.0.2.1\n A 192.0.2.2\n\tTXT x", ["@ 60 A 192.0.2.1", "@ 60 A 192.0.2.2", '@ 60 TXT "x"']),
        ("a 60 A 192.0.2.1\n\n; x\n \n  A 192.0.2.2", ["a 60 A 192.0.2.1", "a 60 A 192.0.2.2"]),
        ("a. 60 A 192.0.2.1", ["a. 60 A 192.0.2.1"]),
        ("A 60 A 192.0.2.1\na 60 A 192.0.2.1", ["A 60 A 192.0.2.1", "a 60 A 192.0.2.1"]),
        ("1 60 A 192.0.2.1\n60 60 A 192.0.2.2", ["1 60 A 192.0.2.1", "60 60 A 192.0.2.2"]),
        ("in 60 A 192.0.2.1\nmx 60 MX 1 mx", ["in 60 A 192.0.2.1", "mx 60 MX 1 mx.example.org."]),
        ("\\$ttl 60 A 192.0.2.1", ["\\$ttl 60 A 192.0.2.1"]),
        ("a (60\nIN) A\t( 192.0.2.1 )", ["a 60 A 192.0.2.1"]),
        ("$ORIGIN b\na 60 NS @\n$origin c.\na 60 NS .", ["a.b 60 NS b.example.org.", "a.c. 60 NS ."]),
        ("a 60 A 192.0.2.1\n$ORIGIN b\n A 192.0.2.2\na A 192.0.2.3",
         ["a 60 A 192.0.2.1", "a 60 A 192.0.2.2", "a.b 60 A 192.0.2.3"]),
    ],
)  # fmt: skip
def test_records_are_read_zon_07(text, expected):
    assert good(text) == expected


@pytest.mark.parametrize(
    ("text", "ttls"),
    [
        ("$TTL 1h\na A 1.1.1.1\nb 60 A 1.1.1.1\nc A 1.1.1.1\n$TTL 2h\nd A 1.1.1.1", [3600, 60, 3600, 7200]),
        ("a 60 A 1.1.1.1\nb A 1.1.1.1\nc 90 A 1.1.1.1\nd A 1.1.1.1", [60, 60, 90, 90]),
        ("a 60 A 1.1.1.1\n$TTL 90\nb A 1.1.1.1\nc 70 A 1.1.1.1\nd A 1.1.1.1", [60, 90, 70, 90]),
        ("a 0 A 1.1.1.1\nb A 1.1.1.1", [0, 0]),
        ("a 2147483647 A 1.1.1.1", [2147483647]),
    ],
)
def test_a_missing_ttl_is_that_of_ttl_or_the_last_one_written_zon_06(text, ttls):
    records, findings = read(text)
    assert (findings, [record.ttl for record in records]) == ([], ttls)


def test_without_any_ttl_the_soa_minimum_is_used_with_one_warning_zon_06():
    records, findings = read("@ SOA ns h 1 2 3 4 300\n NS ns\nns A 192.0.2.1\n")
    assert [record.ttl for record in records] == [300, 300, 300]
    assert [(finding.code, str(finding.place)) for finding in findings] == [(Code.TTL_FROM_SOA, "z:1")]


@pytest.mark.parametrize("ttl", ["2147483648", "4294967295", "3551w"])
@pytest.mark.parametrize("text", ["a {} A 1.1.1.1", "$TTL {}\na A 1.1.1.1"])
def test_a_ttl_with_the_top_bit_counts_as_zero_with_a_warning_qry_27(text, ttl):
    records, findings = read(text.format(ttl))
    assert [record.ttl for record in records] == [0]
    assert [(finding.code, finding.severity) for finding in findings] == [(Code.TTL_TOO_LARGE, Severity.WARNING)]


@pytest.mark.parametrize(
    ("text", "line", "code", "words"),
    [
        (" A 192.0.2.1", 1, Code.NO_OWNER, "no owner name"),
        ("a A 192.0.2.1", 1, Code.NO_TTL, "no TTL here, in a $TTL or in a record before"),
        ("a 60", 1, Code.SYNTAX, "the record has no type"),
        ("a", 1, Code.SYNTAX, "the record has no type"),
        ("a 60 IN", 1, Code.SYNTAX, "the record has no type"),
        ('a 60 "A" 192.0.2.1', 1, Code.SYNTAX, "the record has no type"),
        ('"a" 60 A 192.0.2.1', 1, Code.BAD_NAME, "the owner name is in quotes"),
        ("a..b 60 A 192.0.2.1", 1, Code.BAD_NAME, "empty label"),
        ("a\\999 60 A 192.0.2.1", 1, Code.BAD_NAME, "three digits"),
        ("x" * 64 + " 60 A 192.0.2.1", 1, Code.BAD_NAME, "longer than 63 octets"),
        ("a 60 70 A 192.0.2.1", 1, Code.SYNTAX, "a second TTL '70'"),
        ("a IN IN A 192.0.2.1", 1, Code.SYNTAX, "a second class 'IN'"),
        ("a 60 CH A 192.0.2.1", 1, Code.CLASS_MISMATCH, "class CH in a zone of class IN"),
        ("a 60 CLASS2 A 192.0.2.1", 1, Code.CLASS_MISMATCH, "class CLASS2"),
        ("a 60 FOO 192.0.2.1", 1, Code.UNKNOWN_TYPE, "'FOO' is neither a TTL nor a class nor a type"),
        ("A 192.0.2.1", 1, Code.BAD_TTL, "'192.0.2.1' is not a time"),
        ("a 60y A 192.0.2.1", 1, Code.BAD_TTL, "'60y' is not a time"),
        ("a 60 OPT", 1, Code.META_TYPE, "OPT is not a type of data"),
        ("a 60 TYPE255 \\# 0", 1, Code.META_TYPE, "ANY is not a type of data"),
        ("a 60 A", 1, Code.BAD_RDATA, "bad A data: too few fields"),
        ("a 60 A 192.0.2", 1, Code.BAD_RDATA, "bad A data: '192.0.2' is not an IPv4 address"),
        ("a 60 A 192.0.2.256", 1, Code.BAD_RDATA, "is not an IPv4 address"),
        ("a 60 A 192.0.02.1", 1, Code.BAD_RDATA, "is not an IPv4 address"),
        ("a 60 A 192.0.2.1 x", 1, Code.BAD_RDATA, "'x' is one field too many"),
        ('a 60 A "192.0.2.1"', 1, Code.BAD_RDATA, "bad A data: '192.0.2.1' must not be in quotes"),
        ("a 60 AAAA 192.0.2.1", 1, Code.BAD_RDATA, "is not an IPv6 address"),
        ("a 60 AAAA 1::2::3", 1, Code.BAD_RDATA, "is not an IPv6 address"),
        ("a 60 MX mail", 1, Code.BAD_RDATA, "too few fields"),
        ("a 60 MX 65536 mail", 1, Code.BAD_RDATA, "'65536' is not a number from 0 to 65535"),
        ("a 60 MX -1 mail", 1, Code.BAD_RDATA, "'-1' is not a number from 0 to 65535"),
        ("a 60 NS b..c", 1, Code.BAD_RDATA, "bad NS data: 'b..c' is not a name: it has an empty label"),
        ('a 60 NS "b"', 1, Code.BAD_RDATA, "bad NS data: 'b' must not be in quotes"),
        ("a 60 TXT", 1, Code.BAD_RDATA, "bad TXT data: too few fields"),
        ("a 60 TXT " + "x" * 256, 1, Code.BAD_RDATA, "a string of 256 octets is longer than 255"),
        ("a 60 TXT " + ("x" * 255 + " ") * 257, 1, Code.BAD_RDATA, "more than 65535 octets of RDATA"),
        ("a 60 SOA ns h (\n1\n2\nx\n4\n5)", 4, Code.BAD_RDATA, "at 'x'"),
        ("a 60 SOA ns h 1 2 3 4", 1, Code.BAD_RDATA, "too few fields"),
        ("a 60 SOA ns h 1 2 3 4 5 6", 1, Code.BAD_RDATA, "'6' is one field too many"),
        ("a 60 TYPE65280 abc", 1, Code.BAD_RDATA, "no other text form than \\# <length> <hexadecimal octets>"),
        ("a 60 TYPE65280 \\# 3 0102", 1, Code.BAD_RDATA, "wrong length"),
        ("a 60 TYPE65280 \\# 2 010", 1, Code.BAD_RDATA, "bad TYPE65280 data"),
        ("a 60 TYPE65280 \\# 2 01zz", 1, Code.BAD_RDATA, "bad TYPE65280 data"),
        ("a 60 TYPE65280 \\#", 1, Code.BAD_RDATA, "bad TYPE65280 data"),
        ("a 60 A \\# 3 010203", 1, Code.BAD_RDATA, "bad A data"),
        ("a 60 NS \\# 2 c000", 1, Code.BAD_RDATA, "bad NS data"),
        ("a 60 MX \\# 4 0001c000", 1, Code.BAD_RDATA, "bad MX data"),
        ("a 60 TXT a\\256", 1, Code.BAD_RDATA, "bad TXT data: a backslash wants three digits"),
        ('a 60 TXT "a" "\\25x"', 1, Code.BAD_RDATA, "bad TXT data: a backslash wants three digits"),
        ("a 60 LOC 90 0 0.001 N 0 0 0 E 0m", 1, Code.BAD_RDATA, "bad LOC data: bad latitude"),
        ("$INCLUDE a\\999", 1, Code.BAD_INCLUDE, "a backslash wants three digits"),
        ("$INCLUDE a\\000b", 1, Code.BAD_INCLUDE, "cannot read"),
        ("$TTL", 1, Code.BAD_DIRECTIVE, "the directive reads: $TTL time"),
        ("$TTL 1 2", 1, Code.BAD_DIRECTIVE, "the directive reads: $TTL time"),
        ("$TTL x", 1, Code.BAD_TTL, "'x' is not a time"),
        ('$TTL "1"', 1, Code.BAD_DIRECTIVE, "the directive reads"),
        ("$ORIGIN", 1, Code.BAD_DIRECTIVE, "the directive reads: $ORIGIN name"),
        ("$ORIGIN a..b", 1, Code.BAD_NAME, "empty label"),
        ("$FOO x", 1, Code.BAD_DIRECTIVE, "unknown directive '$FOO'"),
        ("$", 1, Code.BAD_DIRECTIVE, "unknown directive '$'"),
        ("$INCLUDE", 1, Code.BAD_DIRECTIVE, "the directive reads: $INCLUDE file [origin]"),
        ("$INCLUDE /nonexistent/file", 1, Code.BAD_INCLUDE, "cannot read /nonexistent/file: No such file"),
        ("$INCLUDE /dev/zero", 1, Code.BAD_INCLUDE, "/dev/zero is not a regular file"),
        ("$INCLUDE /", 1, Code.BAD_INCLUDE, "is not a regular file"),
        ("$INCLUDE " + "x" * 5000, 1, Code.BAD_INCLUDE, "File name too long"),
    ],
)
def test_each_fault_has_its_place_code_and_reason(text, line, code, words):
    records, findings = read("\n\n" + text + "\n; the end\n")
    assert [(finding.code, str(finding.place)) for finding in findings] == [(code, f"z:{line + 2}")]
    assert words in findings[0].text
    assert findings[0].severity is Severity.ERROR
    assert records == []


def test_after_a_fault_the_next_records_are_read():
    records, findings = read("$TTL 60\na A x\nb A 192.0.2.1\nc FOO\n A 192.0.2.2\n")
    assert [str(finding.place) for finding in findings] == ["z:2", "z:4"]
    assert shown(records) == ["b 60 A 192.0.2.1", "c 60 A 192.0.2.2"]


def test_records_of_an_owner_that_cannot_be_read_are_not_reported_again():
    records, findings = read("$TTL 60\na A 192.0.2.1\nb..c A 192.0.2.2\n A 192.0.2.3\nd A 192.0.2.4\n")
    assert [str(finding.place) for finding in findings] == ["z:3"]
    assert shown(records) == ["a 60 A 192.0.2.1", "d 60 A 192.0.2.4"]


def test_reading_stops_after_many_errors():
    _, findings = read("a FOO\n" * 1000)
    assert len(findings) == MAX_ERRORS + 1
    assert findings[-1].code is Code.TOO_MANY_ERRORS
    assert str(findings[-1]).startswith("error: after 100 errors the rest of z was not read")


def test_any_octets_in_strings_are_taken_as_they_are():
    (record,), findings = read(b'a 60 TXT "\xff\xc3\xa4\\\xe9\\200" \xff')
    assert record.rdata == b"\x05\xff\xc3\xa4\xe9\xc8\x01\xff"
    assert [finding.code for finding in findings] == [Code.NON_ASCII]


def test_generic_rdata_of_a_known_type_is_that_type_zon_08_zon_09():
    assert good("a 60 TYPE1 \\# 4 c0000201\nb 60 MX \\# ( 5 000a 016d\n00 )") == ["a 60 A 192.0.2.1", "b 60 MX 10 m."]


def test_service_parameters_keep_their_quotes_and_glue():
    assert good('a 60 SVCB 1 b alpn="h2,h3" key65333="a b" port=443') == [
        'a 60 SVCB 1 b.example.org. alpn="h2,h3" port="443" key65333="a b"'
    ]
    _, findings = read('a 60 SVCB 1 b alpn= "h2"')
    assert "whitespace after =" in findings[0].text


def test_old_types_of_rfc_1035_have_their_text_form():
    assert good("$TTL 60\na MB m\na MG m\na MR m\na MINFO r e\na MD m\na MF m") == [
        "a 60 MB m.example.org.",
        "a 60 MG m.example.org.",
        "a 60 MR m.example.org.",
        "a 60 MINFO r.example.org. e.example.org.",
        "a 60 MD m.example.org.",
        "a 60 MF m.example.org.",
    ]


# $INCLUDE.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "main").write_text("$TTL 60\na A 192.0.2.1\n$INCLUDE sub/one b\n A 192.0.2.9\nz A 192.0.2.8\n")
    (tmp_path / "sub/one").write_text("  A 192.0.2.2\nc A 192.0.2.3\n$ORIGIN d\n$INCLUDE two\n$TTL 90\n")
    (tmp_path / "sub/two").write_text("e A 192.0.2.4")
    return tmp_path


def read_file(path: Path) -> tuple[list[str], list[Finding]]:
    findings: list[Finding] = []
    with path.open("rb") as stream:
        return shown(list(Reader(ORIGIN, findings.append).read(stream, str(path)))), findings


def test_included_files_are_relative_to_their_file_and_origin_and_owner_come_back(tree):
    assert read_file(tree / "main") == (
        [
            "a 60 A 192.0.2.1",
            "a 60 A 192.0.2.2",  # the owner goes into the included file
            "c.b 60 A 192.0.2.3",
            "e.d.b 60 A 192.0.2.4",
            "a 90 A 192.0.2.9",  # and comes back from it; the TTL stays what it was made
            "z 90 A 192.0.2.8",
        ],
        [],
    )


def test_faults_in_an_included_file_have_its_place(tree):
    (tree / "sub/two").write_text("e A 192.0.2.4\nf A x\n")
    _, findings = read_file(tree / "main")
    assert [str(finding.place) for finding in findings] == [f"{tree}/sub/two:2"]


def test_records_know_the_file_they_come_from(tree):
    with (tree / "main").open("rb") as stream:
        records = list(Reader(ORIGIN, print).read(stream, "main", tree))
    assert [f"{Path(record.file).name}:{record.line}" for record in records] == [
        "main:2", "one:1", "one:2", "two:1", "main:4", "main:5",
    ]  # fmt: skip


def test_a_file_name_may_be_quoted_and_have_escapes(tree):
    (tree / "a b").write_text("a A 192.0.2.1\n")
    (tree / "main").write_text('$TTL 60\n$INCLUDE "a b"\n$INCLUDE a\\ b\n$INCLUDE ./a\\ b c\n')
    assert read_file(tree / "main") == (["a 60 A 192.0.2.1", "a 60 A 192.0.2.1", "a.c 60 A 192.0.2.1"], [])


def test_a_file_that_includes_itself_is_an_error_at_the_directive(tree):
    (tree / "sub/two").write_text("e A 192.0.2.4\n$INCLUDE ../sub/one\n")
    os.link(tree / "main", tree / "sub/other-name")
    (tree / "sub/one").write_text("$INCLUDE two\n$INCLUDE other-name\n")
    _, findings = read_file(tree / "main")
    assert [(finding.code, str(finding.place)) for finding in findings] == [
        (Code.BAD_INCLUDE, f"{tree}/sub/two:2"),
        (Code.BAD_INCLUDE, f"{tree}/sub/one:2"),
    ]
    assert all("includes itself" in finding.text for finding in findings)


def test_files_within_files_have_a_limit(tmp_path):
    for depth in range(MAX_INCLUDE_DEPTH + 2):
        (tmp_path / f"f{depth}").write_text(f"a{depth} 60 A 192.0.2.1\n$INCLUDE f{depth + 1}\n")
    records, findings = read_file(tmp_path / "f0")
    assert len(records) == MAX_INCLUDE_DEPTH + 1
    assert [str(finding.place) for finding in findings] == [f"{tmp_path}/f{MAX_INCLUDE_DEPTH}:2"]


def test_included_files_in_all_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("datasrc.zonetext.MAX_INCLUDES", 20)
    for depth in range(10):
        (tmp_path / f"f{depth}").write_text(f"$INCLUDE f{depth + 1}\n" * 10)
    (tmp_path / "f10").write_text("")
    _, findings = read_file(tmp_path / "f0")
    assert "more than 20 included files in all" in findings[0].text


def test_what_included_files_looked_like_before_they_were_read_is_told(tree):
    (tree / "main").write_text("$TTL 60\n$INCLUDE none\n$INCLUDE sub/two\n$INCLUDE none\n$INCLUDE sub/two\n")
    two, before = tree / "sub/two", signature_of((tree / "sub/two").stat())
    included: dict[str, Signature | None] = {}
    with (tree / "main").open("rb") as stream:
        for _ in Reader(ORIGIN, lambda _finding: None, included=included).read(stream, str(tree / "main")):
            two.write_text("changed 60 A 192.0.2.1\n")  # after the first look, which counts
            (tree / "none").write_text("appeared 60 A 192.0.2.1\n")
    assert included == {str(two): before, str(tree / "none"): None}


def test_a_bad_origin_of_an_include_leaves_the_state_alone(tree):
    (tree / "main").write_text("$TTL 60\na A 192.0.2.1\n$INCLUDE sub/two b..c\nd A 192.0.2.2\n")
    records, findings = read_file(tree / "main")
    assert records == ["a 60 A 192.0.2.1", "d 60 A 192.0.2.2"]
    assert [finding.code for finding in findings] == [Code.BAD_NAME]


def test_too_many_errors_in_an_included_file_stop_everything(tree):
    (tree / "sub/two").write_text("x FOO\n" * 200)
    records, findings = read_file(tree / "main")
    assert (len(records), len(findings)) == (3, MAX_ERRORS + 1)


def test_text_from_elsewhere_may_not_include():
    _, findings = read("$INCLUDE /etc/hostname\n", includes=False)
    assert [finding.text for finding in findings] == ["$INCLUDE is not allowed in this text"]


def test_text_in_memory_includes_relative_to_the_directory_given(tree):
    records, findings = read("$TTL 60\n$INCLUDE sub/two\n", directory=tree)
    assert (shown(records), findings) == (["e 60 A 192.0.2.4"], [])


# $GENERATE.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-3 a$ A 192.0.2.$", ["a1 60 A 192.0.2.1", "a2 60 A 192.0.2.2", "a3 60 A 192.0.2.3"]),
        ("0-4/2 a$ 90 IN A 192.0.2.$", ["a0 90 A 192.0.2.0", "a2 90 A 192.0.2.2", "a4 90 A 192.0.2.4"]),
        ("1-1 $ PTR host-${10,5,x}.b", ["1 60 PTR host-0000b.b.example.org."]),
        ("1-2 @ MX 10 m$", ["@ 60 MX 10 m1.example.org.", "@ 60 MX 10 m2.example.org."]),
        ('1-2 @ MX "10 m$"', ["@ 60 MX 10 m1.example.org.", "@ 60 MX 10 m2.example.org."]),
        ('1-1 a$ TXT "\\"x $\\"" "y \\" $"', ['a1 60 TXT "\\"x 1\\"" "y \\" 1"']),
        ('1-1 a$ TXT "\\"x $\\" y"', ['a1 60 TXT "x 1" "y"']),
        ("1-1 a\\$b$$c$ A 192.0.2.1", ["a\\$b\\$c1 60 A 192.0.2.1"]),
        ("1-1 a TYPE65280 \\# 2 ${0,4,x}", ["a 60 TYPE65280 \\# 2 0001"]),
        ("1-1 a TYPE1 \\# 4 c00002${0,2,x}", ["a 60 A 192.0.2.1"]),
    ],
)
def test_generate_makes_a_record_for_each_number(text, expected):
    assert good(f"$TTL 60\n$GENERATE {text}\n") == expected


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", Code.BAD_DIRECTIVE, "the directive reads: $GENERATE range owner"),
        ("1-2 a A", Code.BAD_RDATA, "for the number 1: bad A data: too few fields"),
        ("x a A 192.0.2.1", Code.BAD_GENERATE, "'x' is not a range"),
        ("1 a A 192.0.2.1", Code.BAD_GENERATE, "is not a range"),
        ("2-1 a A 192.0.2.1", Code.BAD_GENERATE, "begins at 2, after its end 1"),
        ("1-2/0 a A 192.0.2.1", Code.BAD_GENERATE, "step of a range is at least 1"),
        ("1-9999999999 a A 192.0.2.1", Code.BAD_GENERATE, "go up to"),
        ("0-4194304 a$ A 192.0.2.1", Code.BAD_GENERATE, "records generated in all"),
        ("1-2 a${x} A 192.0.2.1", Code.BAD_GENERATE, "is not ${offset,width,base}"),
        ("1-2 a${0,999} A 192.0.2.1", Code.BAD_GENERATE, "the width 999 is more than"),
        ("1-2 a${-2} A 192.0.2.1", Code.BAD_GENERATE, "1 with offset -2 is not"),
        ("254-256 a$ A 192.0.2.$", Code.BAD_RDATA, "for the number 256: bad A data"),
        ("1-2 a..$ A 192.0.2.1", Code.BAD_NAME, "for the number 1: 'a..1' is not a name"),
        ("1-2 a$ FOO x", Code.UNKNOWN_TYPE, "for the number 1: 'FOO' is"),
        ("1-2 a$ OPT x", Code.META_TYPE, "for the number 1: OPT is not"),
        ('1-2 "a$" A 192.0.2.1', Code.BAD_DIRECTIVE, "the directive reads"),
        ('1-2 a$ TXT "\\"x"', Code.BAD_GENERATE, "the quoted string does not end"),
    ],
)
def test_a_fault_in_generate_is_one_error(text, code, words):
    _, findings = read(f"$TTL 60\n$GENERATE {text}\n")
    assert [(finding.code, str(finding.place)) for finding in findings] == [(code, "z:2")]
    assert words in findings[0].text


def test_generated_records_have_the_place_of_the_directive():
    records, _ = read("$TTL 60\n\n$GENERATE 1-2 a$ A 192.0.2.$\n")
    assert [record.line for record in records] == [3, 3]


def test_many_generates_share_one_limit(monkeypatch):
    monkeypatch.setattr("datasrc.zonetext.MAX_GENERATED", 10)
    records, findings = read("$TTL 60\n" + "$GENERATE 1-4 a$ A 192.0.2.$\n" * 4)
    assert len(records) == 8
    assert [finding.code for finding in findings] == [Code.BAD_GENERATE] * 2


def test_the_owner_after_a_generate_is_the_last_one_generated():
    assert good("$TTL 60\n$GENERATE 1-2 a$ A 192.0.2.$\n A 192.0.2.9\n")[-1] == "a2 60 A 192.0.2.9"


def test_a_stream_that_is_no_file_is_read_too():
    class Pipe(io.BytesIO):
        def fileno(self) -> int:
            raise OSError(9, "no descriptor")

    assert len(list(Reader(ORIGIN, print).read(Pipe(b"a 60 A 192.0.2.1\n"), "<stdin>"))) == 1
