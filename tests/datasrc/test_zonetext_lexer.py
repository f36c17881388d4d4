from __future__ import annotations

import io

import pytest

from datasrc.findings import Code, Finding
from datasrc.zonetext_lexer import GLUED, MAX_ENTRY, QUOTED, Entry, Lexer


def lex(text: bytes, stream: io.BufferedIOBase | None = None) -> tuple[list[Entry], list[Finding]]:
    findings: list[Finding] = []
    return list(Lexer(stream or io.BytesIO(text), "f", findings.append)), findings  # type: ignore[arg-type]


def words(text: bytes) -> list[list[str]]:
    entries, findings = lex(text)
    assert findings == []
    return [entry.words for entry in entries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b"\n \t \n;only a comment\n   ; another\n()\n( )\n", []),
        (b"a b\tc\n", [["a", "b", "c"]]),
        (b"a b", [["a", "b"]]),
        (b"a b\r\nc d\r\n", [["a", "b"], ["c", "d"]]),
        (b'a "b c"\r\nd ; e\r\n', [["a", "b c"], ["d"]]),
        (b"\xef\xbb\xbfa b\n", [["a", "b"]]),
        (b"a (b\n c\n) d\ne", [["a", "b", "c", "d"], ["e"]]),
        (b"a(b)c", [["a", "b", "c"]]),
        (b"a ( b ; ) not this\n ) c\n", [["a", "b", "c"]]),
        (b"a ( ( b\n ) c\n ) d\n", [["a", "b", "c", "d"]]),
        (b'a ";" "(" ")"\n', [["a", ";", "(", ")"]]),
        (b'a\\;b \\( \\" \\ c\n', [["a\\;b", "\\(", '\\"', "\\ c"]]),
        (b'a "b\\"c" ""\n', [["a", 'b\\"c', ""]]),
        (b'a "b\tc"\n', [["a", "b\tc"]]),
        (b"a \xc3\xa4;\xff\x07\n", [["a", "\\195\\164"]]),
        (b'a "\\\xe4\xff"\n', [["a", "\\228\\255"]]),
    ],
)
def test_text_falls_into_entries_of_words(text, expected):
    entries, findings = lex(text)
    assert [entry.words for entry in entries] == expected
    assert [finding for finding in findings if finding.code is not Code.NON_ASCII] == []


def test_blank_space_at_the_beginning_is_seen_on_plain_and_other_lines():
    entries, _ = lex(b'a b\n c d\n\te "f"\ng ( h\n i )\n( j\n k )\n')
    assert [entry.blank for entry in entries] == [False, True, True, False, False]


def test_words_know_their_line_and_marks():
    (entry,), _ = lex(b'a "b"(\n\n"c"d ;x\n e="f" )\n')
    assert entry.words == ["a", "b", "c", "d", "e=", "f"]
    assert entry.marks == [0, QUOTED, QUOTED, GLUED, 0, QUOTED | GLUED]
    assert [entry.line_of(index) for index in range(7)] == [1, 1, 3, 3, 4, 4, 4]


def test_octets_outside_ascii_in_an_unquoted_word_are_a_warning():
    _, findings = lex(b'a "\xc3\xa4"\nb\xe4 c\n')
    assert [(finding.code, finding.place) for finding in findings] == [(Code.NON_ASCII, ("f", 2))]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (b"a b\nc )\n", 2, "a closing parenthesis without an opening one"),
        (b"a b\nc ( d\ne f\n", 2, "this parenthesis is never closed"),
        (b'a "b\n', 1, "the quoted string does not end on its line"),
        (b'a "b\\"\n', 1, "the quoted string does not end on its line"),
        (b'a "', 1, "the quoted string does not end on its line"),
        (b"a \\\nb", 1, "a backslash ends the line"),
        (b"a b\n\nc\0d\n", 3, "a NUL octet (is the file in UTF-16?)"),
        (b"a ; comment\0\n", 1, "a NUL octet (is the file in UTF-16?)"),
        (b'a "\0"\n', 1, "a NUL octet (is the file in UTF-16?)"),
        (b"a\x07\n", 1, "the control octet 0x07 (in data it is written \\007)"),
        (b'a "\x1b[0m"\n', 1, "the control octet 0x1b (in data it is written \\027)"),
        (b"a\x7f\n", 1, "the control octet 0x7f (in data it is written \\127)"),
        (b"a\\\x01\n", 1, "the control octet 0x01 (in data it is written \\001)"),
        (b"a\rb\n", 1, "the control octet 0x0d (in data it is written \\013)"),
        (b"a\x0b\x0cb\n", 1, "the control octet 0x0b (in data it is written \\011)"),
    ],
)
def test_a_fault_has_its_line_and_reason_and_its_entry_is_left_out(text, line, reason):
    entries, findings = lex(text)
    assert [(finding.code, str(finding.place), finding.text) for finding in findings] == [
        (Code.SYNTAX, f"f:{line}", reason)
    ]
    assert all("d" not in entry.words for entry in entries)


def test_after_a_fault_outside_parentheses_the_next_line_is_read():
    entries, findings = lex(b'a "b\n c d\n')
    assert (len(findings), [entry.words for entry in entries]) == (1, [["c", "d"]])


def test_after_a_fault_within_parentheses_reading_goes_on_at_the_next_line_in_the_first_column():
    entries, findings = lex(b'a (\n "b\n c d )\n\n) e\nf g\n')
    assert (len(findings), [entry.words for entry in entries]) == (1, [["f", "g"]])


@pytest.mark.parametrize("length", [MAX_ENTRY, MAX_ENTRY + 1, 3 * MAX_ENTRY])
def test_a_line_too_long_is_one_fault_and_lines_are_still_counted(length):
    entries, findings = lex(b"a\n" + b"x" * length + b"\nb )\n")
    assert [entry.words for entry in entries] == [["a"]]
    assert [(finding.place.line if finding.place else 0) for finding in findings] == [2, 3]


@pytest.mark.parametrize("piece", [b"x\n", b'""\n', b'"' + b"x" * 1000 + b'"\n'])
def test_an_entry_too_long_is_a_fault_where_it_began(piece):
    text = b"a\nb (\n" + piece * (2 * MAX_ENTRY // len(piece)) + b")\n"
    _, findings = lex(text)
    assert str(findings[0]).startswith("f:2: error: the entry is longer than")


def test_a_read_error_is_a_fault_at_the_next_line():
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 3:
                raise OSError(5, "Input/output error")
            return super().read(4)

    entries, findings = lex(b"", Broken(b"a b\nc d\ne f\n"))
    assert [entry.words for entry in entries] == [["a", "b"]]
    assert [str(finding) for finding in findings] == ["f:2: error: cannot read on: Input/output error [unreadable]"]


def test_octets_read_are_counted():
    lexer = Lexer(io.BytesIO(b"a b\n; c\n"), "f", lambda _: None)
    list(lexer)
    assert lexer.octets == 8
