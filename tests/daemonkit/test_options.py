"""Every option type: what it accepts, keeps and refuses, and what a daemon gets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemonkit.findings import Findings
from daemonkit.option_addresses import normal_name, parse_endpoint
from daemonkit.options import MISSING
from daemonkit.spec import read_inline_option

SUBSTITUTE = {"{state_dir}": "/state", "{run_dir}": "/run"}


def substitute(text):
    for placeholder, value in SUBSTITUTE.items():
        text = text.replace(placeholder, value)
    return text


def checked(option, value):
    findings = Findings()
    return read_inline_option(option).check(value, ("o",), findings), [str(finding) for finding in findings.errors]


def effective(option, value):
    stored, problems = checked(option, value)
    assert problems == []
    built = read_inline_option(option)
    return built.convert(built.complete(stored), substitute)


BOOLEAN = {"type": "boolean"}
INTEGER = {"type": "integer", "minimum": 1, "maximum": 16}
NUMBER = {"type": "number", "minimum": 0}
DURATION = {"type": "duration", "minimum": "1s", "maximum": "1d"}
SIZE = {"type": "size", "maximum": "1G"}
STRING = {"type": "string", "max_length": 8}
PATTERN = {"type": "string", "pattern": "[a-z]+", "example": "abc"}
CHOICE = {"type": "choice", "values": ["auto", "off"]}
NAME = {"type": "name"}
ADDRESS = {"type": "address"}
PREFIX = {"type": "prefix"}
ENDPOINT = {"type": "endpoint"}
ENDPOINT_OFF = {"type": "endpoint", "off": True}
PATH = {"type": "path"}
LIST = {"type": "list", "item": {"type": "integer"}, "min_length": 1, "max_length": 3, "unique": True}
MAP = {
    "type": "map",
    "options": {"every": {"type": "duration", "default": "1d"}, "name": {"type": "string", "required": True}},
}
SET = {"type": "set", "key": {"type": "name"}, "item": {"type": "map", "options": {"ttl": {"type": "duration"}}}}
ANY = {"type": "any_of", "alternatives": [{"type": "choice", "values": ["auto"]}, {"type": "list", "item": ADDRESS}]}


@pytest.mark.parametrize(
    ("option", "value", "stored", "given"),
    [
        (BOOLEAN, True, True, True),
        (BOOLEAN, "off", False, False),
        (BOOLEAN, "Yes", True, True),
        (INTEGER, 16, 16, 16),
        (NUMBER, 1, 1, 1),
        (NUMBER, 0.5, 0.5, 0.5),
        (DURATION, "1h30m", "1h30m", 5400.0),
        (DURATION, "1500ms", "1500ms", 1.5),
        (DURATION, 10, 10, 10.0),
        (SIZE, "64M", "64M", 64 * 2**20),
        (SIZE, "512 KiB", "512 KiB", 512 * 2**10),
        (SIZE, 4096, 4096, 4096),
        ({"type": "string"}, "in {run_dir}", "in {run_dir}", "in /run"),
        (PATTERN, "abc", "abc", "abc"),
        (CHOICE, False, "off", "off"),
        (NAME, "Example.ORG.", "example.org", "example.org"),
        (NAME, ".", ".", "."),
        (NAME, "b\u00fccher.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        (NAME, "a\\.b.example", "a\\.b.example", "a\\.b.example"),
        (ADDRESS, "2001:DB8::0:1", "2001:db8::1", "2001:db8::1"),
        (PREFIX, "192.0.2.0/24", "192.0.2.0/24", "192.0.2.0/24"),
        (PREFIX, "192.0.2.1", "192.0.2.1", "192.0.2.1"),
        (ENDPOINT, "::0@53", "::@53", "::@53"),
        (ENDPOINT_OFF, False, "off", "off"),
        (ENDPOINT_OFF, "off", "off", "off"),
        (PATH, "{state_dir}/zones.sqlite", "{state_dir}/zones.sqlite", "/state/zones.sqlite"),
        (PATH, "/etc/bob", "/etc/bob", "/etc/bob"),
        (LIST, [1, 2], [1, 2], [1, 2]),
        (MAP, {"name": "x"}, {"name": "x"}, {"every": 86400.0, "name": "x"}),
        (SET, {"A.example.": None}, {"a.example": {}}, {"a.example": {"ttl": None}}),
        (SET, None, {}, {}),
        (ANY, "auto", "auto", "auto"),
        (ANY, ["192.0.2.1"], ["192.0.2.1"], ["192.0.2.1"]),
    ],
)
def test_a_good_value_is_kept_in_one_form_and_handed_out_in_another(option, value, stored, given):
    assert checked(option, value) == (stored, [])
    assert effective(option, value) == given


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        (BOOLEAN, 1, "o: must be true or false, not 1"),
        (BOOLEAN, None, "o: must be true or false, not nothing"),
        (INTEGER, 0, "o: must be a whole number from 1 to 16, not 0"),
        (INTEGER, True, "o: must be a whole number from 1 to 16, not true"),
        (INTEGER, 1.0, "o: must be a whole number from 1 to 16, not 1.0"),
        (INTEGER, "0x10", "o: must be a whole number from 1 to 16, not '0x10'"),
        (INTEGER, 10**100, "o: must be a whole number from 1 to 16, not a huge number"),
        (NUMBER, -1, "o: must be a number, at least 0, not -1"),
        (NUMBER, float("nan"), "o: must be a number, at least 0, not nan"),
        (NUMBER, float("inf"), "o: must be a number, at least 0, not inf"),
        (DURATION, "10", "o: must be a duration such as 10s, 5m, 1h30m or 1d from 1s to 1d, not '10'"),
        (DURATION, "12:30", "o: must be a duration such as 10s, 5m, 1h30m or 1d from 1s to 1d, not '12:30'"),
        (DURATION, "2d", "o: must be a duration such as 10s, 5m, 1h30m or 1d from 1s to 1d, not '2d'"),
        (DURATION, -1, "o: must be a duration such as 10s, 5m, 1h30m or 1d from 1s to 1d, not -1"),
        (SIZE, "1T", "o: must be a size such as 4096, 512K, 64M or 1G, at most 1G, not '1T'"),
        (STRING, "123456789", "o: must be text of at most 8 characters, not '123456789'"),
        (STRING, 5, "o: must be text of at most 8 characters (put numbers that are text in quotes), not 5"),
        (STRING, "a\nb", "o: must be text of at most 8 characters, not 'a\\nb'"),
        (PATTERN, "abc1", "o: must be text like abc, not 'abc1'"),
        (CHOICE, "on", "o: must be one of auto, off, not 'on'"),
        (CHOICE, True, "o: must be one of auto, off, not true"),
        (NAME, "a..b", "o: must be a domain name, not 'a..b'"),
        (NAME, "x" * 64, f"o: must be a domain name, not '{'x' * 57}...'"),
        (NAME, "a b", "o: must be a domain name, not 'a b'"),
        (NAME, "", "o: must be a domain name, not ''"),
        (ADDRESS, "192.0.2.1/24", "o: must be an IP address, not '192.0.2.1/24'"),
        (ADDRESS, 3221225985, "o: must be an IP address, not 3221225985"),
        (PREFIX, "192.0.2.1/24", "o: must be a prefix without host bits (as in 192.0.2.0/24), not '192.0.2.1/24'"),
        (ENDPOINT, "127.0.0.1", "o: must be ADDRESS@PORT such as 127.0.0.1@53, not '127.0.0.1'"),
        (ENDPOINT, "127.0.0.1@0", "o: must be ADDRESS@PORT such as 127.0.0.1@53, not '127.0.0.1@0'"),
        (ENDPOINT, "127.0.0.1@65536", "o: must be ADDRESS@PORT such as 127.0.0.1@53, not '127.0.0.1@65536'"),
        (ENDPOINT, "localhost@53", "o: must be ADDRESS@PORT such as 127.0.0.1@53, not 'localhost@53'"),
        (ENDPOINT, "off", "o: must be ADDRESS@PORT such as 127.0.0.1@53, not 'off'"),
        (ENDPOINT_OFF, "on", "o: must be ADDRESS@PORT such as 127.0.0.1@53 or off, not 'on'"),
        (PATH, "zones", "o: must be an absolute path, or one that begins with {state_dir} or {run_dir}, not 'zones'"),
        (
            PATH,
            "/{x}",
            "o: must be a path with no other braces than {state_dir} and {run_dir} (found {x}), not '/{x}'",
        ),
        (LIST, 5, "o: must be a list, not 5"),
        (LIST, [], "o: must have at least 1 item"),
        (LIST, [1, 2, 3, 4], "o: must have at most 3 items, not 4"),
        (LIST, [1, 2, 1], "o[2]: 1 is listed twice"),
        (LIST, [1, "2"], "o[1]: must be a whole number, not '2'"),
        (MAP, [], "o: must be a map, not a list"),
        (MAP, {"nam": "x", "name": "y"}, "o.nam: unknown option (did you mean 'name'?)"),
        (MAP, {}, "o: name is missing: text"),
        (SET, {"a..b": {}}, "o.a..b: the key must be a domain name"),
        (SET, {"a.example": {}, "A.example.": {}}, "o.A.example.: is the same as 'a.example', which is given too"),
        (ANY, "of", "o: must be auto or a list, each item an IP address, not 'of'"),
        (ANY, ["x"], "o[0]: must be an IP address, not 'x'"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_must_be(option, value, problem):
    assert checked(option, value)[1] == [problem]


def test_all_problems_are_told():
    _, problems = checked(SET, {"a.example": {"ttl": "x", "tll": 1}, "b..example": {}})
    assert len(problems) == 3


def test_what_is_right_beside_what_is_wrong_is_kept():
    stored, _ = checked(SET, {"a.example": {"ttl": "x"}, "b.example": {"ttl": 5}})
    assert stored == {"a.example": {}, "b.example": {"ttl": 5}}


def test_an_optional_map_is_null_where_it_is_not_given():
    option = read_inline_option({**MAP, "optional": True})
    assert option.complete() is None
    assert option.convert(None, substitute) is None
    assert option.complete({"name": "x"}) == {"every": "1d", "name": "x"}


def test_a_list_or_set_that_is_not_given_is_empty_and_a_scalar_null():
    option = read_inline_option({"type": "map", "options": {"l": LIST, "s": SET, "n": NAME}})
    assert option.complete() == {"l": [], "s": {}, "n": None}


def test_what_equals_the_default_is_not_worth_keeping():
    option = read_inline_option(MAP)
    assert option.prune({"every": "1d", "name": "x"}) == {"name": "x"}
    assert option.prune({"every": "1d"}) is MISSING
    assert option.prune({"every": 1}) == {"every": 1}


def test_values_that_lie_over_a_template_are_kept_even_if_they_are_the_default():
    option = read_inline_option({**MAP, "layered": True})
    assert option.prune({"every": "1d"}) == {"every": "1d"}


def test_an_entry_is_kept_even_if_it_says_nothing():
    assert read_inline_option(SET).prune({"a.example": {}}) == {"a.example": {}}


def test_a_pending_option_is_told_once_however_often_it_is_used():
    option = read_inline_option(
        {"type": "list", "item": {"type": "map", "options": {"x": {"type": "integer", "pending": "not yet"}}}}
    )
    findings = Findings()
    option.check([{"x": 1}, {"x": 2}], ("o",), findings)
    assert [str(finding) for finding in findings.warnings] == ["o[0].x: has no effect yet: not yet (in 2 places)"]


def test_a_pending_value_is_told():
    option = read_inline_option({**CHOICE, "pending_values": {"auto": "later"}})
    findings = Findings()
    option.check("auto", ("o",), findings)
    assert [str(finding) for finding in findings.warnings] == ["o: has no effect yet: auto: later"]


@pytest.mark.parametrize("text", ["127.0.0.1", "@53", "127.0.0.1@", "127.0.0.1@053", "x@1", "1@2@3"])
def test_an_endpoint_is_an_address_and_a_port(text):
    with pytest.raises(ValueError):
        parse_endpoint(text)


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_a_normal_name_stays_as_it_is(text):
    name = normal_name(text)
    assert name is None or normal_name(name) == name


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(TREES)
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize(
    "option", [BOOLEAN, INTEGER, NUMBER, DURATION, SIZE, PATTERN, NAME, PREFIX, ENDPOINT_OFF, PATH, LIST, MAP, SET, ANY]
)
def test_a_check_gives_findings_and_raises_nothing(option, value):
    stored, problems = checked(option, value)
    if not problems:
        assert checked(option, stored) == (stored, [])
        effective(option, value)
