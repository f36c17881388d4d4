"""Tables, colours, times."""

from __future__ import annotations

import sys

import pytest
import yaml

from bobctl import output


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m 0s"),
        (3661, "1h 1m"),
        (86400 * 400 + 7200, "400d 2h"),
        (86405, "1d 0h"),
    ],
)
def test_a_span_of_time_has_two_units(seconds, text):
    assert output.duration(seconds) == text


def test_a_table_is_aligned_and_has_no_trailing_blanks(capsys):
    output.table(("A", "LONGER"), [("xyz", 1), ("y", None), ("", ["p", "q"])])
    assert capsys.readouterr().out == "A    LONGER\nxyz  1\ny    -\n-    p, q\n"


def test_an_empty_table_is_nothing(capsys):
    output.table(("A",), [])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "a\nb", "\x9b1m", "\r", "\0", "\x7f", "\u202e", "\u2066", "\u200f", "\u2028"]
)
def test_control_characters_are_made_visible(hostile, capsys):
    output.table(("A",), [(hostile,)])
    output.fields({"name": hostile})
    output.words(hostile)
    output.yaml_document(hostile)
    output.yaml_document({"key": hostile})
    said = capsys.readouterr()
    assert not [char for char in said.out + said.err if ord(char) < 32 and char != "\n"]
    assert not set(said.out + said.err) & set("\x7f\x9b\u200f\u2028\u202e\u2066")
    assert not [char for char in said.out + said.err if 0x7F <= ord(char) < 0xA0]


def test_yaml_that_is_escaped_is_still_the_value(capsys):
    value = {"name": "a\u202eb", "other": ["Zürich", "\u2066"]}
    output.yaml_document(value)
    assert yaml.safe_load(capsys.readouterr().out) == value
    output.yaml_document({"other": "Zürich"})
    assert capsys.readouterr().out == "other: Zürich\n"


@pytest.mark.parametrize(
    ("tty", "environment", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(tty, environment, coloured, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: tty)
    assert ("\x1b" in output.style("running", fg="green")) is coloured


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), ("", "-"), (True, "yes"), (False, "no"), ([], "-"), ({"a": 1}, '{"a": 1}'), (0, "0"), ("é", "é")],
)
def test_cells(value, text):
    assert output.cell(value) == text
