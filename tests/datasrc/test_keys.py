"""Names as keys and in wire form."""

from __future__ import annotations

import pytest
from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from datasrc.keys import name_key, wire_key, wire_of
from datasrc.rows import name_wire, names_in

LABELS = st.lists(st.binary(min_size=1, max_size=5).map(bytes.lower), max_size=4)
NAMES = LABELS.map(lambda labels: Name([*labels, b""]))


@given(NAMES)
def test_a_key_is_made_of_the_wire_form_and_back(name):
    assert wire_key(name_wire(name)) == name_key(name)
    assert wire_of(name_key(name)) == name_wire(name)


@given(st.lists(NAMES))
def test_names_behind_each_other_are_told_apart(names):
    assert list(names_in(b"".join(map(name_wire, names)))) == names


def test_a_name_that_is_cut_off_is_an_error():
    with pytest.raises(ValueError, match="damaged"):
        list(names_in(b"\x01a\x00\x01b"))
