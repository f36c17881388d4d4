"""YAML as we read it: no surprises, bounded, every value with its line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemonkit import document
from daemonkit.document import DocumentError, read_file, read_text, read_value
from daemonkit.findings import Finding


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("off", "off"),
        ("on", "on"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1.5e3", 1500.0),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("'5'", "5"),
        ('"true"', "true"),
        ("10.1.2.3", "10.1.2.3"),
        ("::1@53", "::1@53"),
        ("1d", "1d"),
    ],
)
def test_a_word_means_what_it_looks_like(written, value):
    found = read_text(f"key: {written}").value["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "--- \n...\n", "{}"])
def test_nothing_is_an_empty_map(text):
    assert read_text(text).value == {}


def test_keys_are_text_whatever_they_look_like():
    assert read_text("{1: a, true: b, 10.5: c, off: d, ~: e}").value == {
        "1": "a",
        "true": "b",
        "10.5": "c",
        "off": "d",
        "~": "e",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3: the key 'a' is given twice (first in line 1)"),
        ("x:\n  a: {b: 1,\n     b: 2}\n", "f:3: x.a: the key 'b' is given twice (first in line 2)"),
        ("a: !!str 5", "f:1: a: the tag 'tag:yaml.org,2002:str' is not allowed here"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "f:1: a: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is",
        ),
        ("a: ! '5'", "f:1: a: the tag '!' is not allowed here"),
        ("!!map {a: 1}", "f:1: the tag 'tag:yaml.org,2002:map' is not allowed here"),
        ("a: 1\n---\nb: 2\n", "f:2: a second document begins here; one file holds one document"),
        ("a: &x [*x]", "f:1: a[0]: the alias *x stands inside what it names"),
        ("a: *b", "f:1: a: the alias *b has no anchor before it"),
        ("? [a]\n: b", "f:1: a key must be plain text"),
        ("x: &x [1]\n*x : b", "f:2: a key must be plain text"),
        (
            "a: &x {b: 1}\nc: {<<: *x}",
            "f:2: c: merge keys (<<) are not supported; zones share values through templates",
        ),
        ("a: [1, 2\nb: 3\n", "f:2: is not YAML: while parsing a flow sequence: did not find expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", "f:2: is not YAML: "),
        ("a: 1\nb: \x01\n", "f:2: is not YAML: "),
        (b"a: 1\nb: \xff\n", "f:2: is not UTF-8 text"),
        ("[" * 40, "nested deeper than 32 levels"),
        ("[" * 100_000, "nested deeper than 32 levels"),
        ("{a: " * 100_000, "nested deeper than 32 levels"),
    ],
)
def test_what_is_refused_says_where_and_why(text, message):
    with pytest.raises(DocumentError) as caught:
        read_text(text, "f")
    assert message in str(caught.value)


def test_aliases_expand_to_so_much_and_no_more():
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
    )
    with pytest.raises(DocumentError, match="aliases expand to more than"):
        read_text(bomb)
    assert read_text("a: &x [1, 2]\nb: *x\n").value == {"a": [1, 2], "b": [1, 2]}


def test_aliases_do_not_get_around_the_depth():
    deep = "a: &a " + "[" * 30 + "]" * 30 + "\nb: [[[[*a]]]]\n"
    with pytest.raises(DocumentError, match="nested deeper"):
        read_text(deep)


def test_a_document_has_a_limit_of_size_and_of_values(monkeypatch):
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    with pytest.raises(DocumentError, match="larger than 10 bytes"):
        read_text("a: 123456789")
    monkeypatch.undo()
    monkeypatch.setattr(document, "MAX_NODES", 5)
    with pytest.raises(DocumentError, match="more than 5 values"):
        read_text("[1, 2, 3, 4, 5, 6]")


def test_every_value_has_its_line():
    read = read_text(
        "listen:\n"
        "  - 127.0.0.1@53\n"
        "  - nonsense\n"
        "zones:\n"
        "  example.org:\n"
        "    query_acl:\n"
        "      - action: ACCEPT\n"
        "        from: 10.0.0.0/8\n"
        "  example.net: {role: primary,\n"
        "    notify: auto}\n"
    )
    assert read.line(("listen",)) == 1
    assert read.line(("listen", 1)) == 3
    assert read.line(("zones", "example.org", "query_acl", 0, "from")) == 8
    assert read.line(("zones", "example.net", "notify")) == 10
    assert read.line(("zones", "example.org", "missing", "deeper")) == 5
    assert read.line(()) == 1
    assert read.locate(Finding(("listen", 1), "no")) == "<text>:3: listen[1]: no"


def test_a_byte_order_mark_is_no_text():
    assert read_text(b"\xef\xbb\xbfa: 1").value == {"a": 1}


def test_an_unreadable_file_says_why(tmp_path):
    with pytest.raises(DocumentError, match=r"gone\.yaml: cannot be read: No such file or directory"):
        read_file(tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("5m", "5m"),
        ("[a, 1]", ["a", 1]),
        ("{a: b}", {"a": "b"}),
        ("{}", {}),
        ("", None),
        ("true", True),
    ],
)
def test_a_value_of_a_command_line(text, value):
    assert read_value(text) == value


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.binary(), st.text(alphabet="[]{}:,-&*!|>'\"%@`?# \n\tab1")))
@example("a: &a\n  b: *a")
@example("%YAML 9.9\n---\na")
@example("\ud800")
def test_any_text_is_read_or_refused(text):
    try:
        read_text(text)
    except DocumentError:
        pass
