from __future__ import annotations

import pytest
from dns.serial import Serial
from hypothesis import example, given
from hypothesis import strategies as st

from loadzone.serials import HALF, Order, compare, refusal

u32 = st.integers(0, 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("old", "new", "order"),
    [
        (1, 1, Order.EQUAL),
        (1, 2, Order.NEWER),
        (2, 1, Order.OLDER),
        (0xFFFFFFFF, 0, Order.NEWER),
        (0, 0xFFFFFFFF, Order.OLDER),
        (0, HALF - 1, Order.NEWER),
        (0, HALF, Order.UNDEFINED),
        (HALF, 0, Order.UNDEFINED),
        (0, HALF + 1, Order.OLDER),
    ],
)
def test_serials_are_compared_as_rfc_1982_has_it_zon_10(old, new, order):
    assert compare(old, new) is order


@given(u32, u32)
@example(0, HALF)
def test_the_order_is_that_of_dnspython_and_of_its_mirror(old, new):
    order = compare(old, new)
    assert (Serial(new) > Serial(old)) == (order is Order.NEWER)
    assert (Serial(new) < Serial(old)) == (order is Order.OLDER)
    mirror = {Order.NEWER: Order.OLDER, Order.OLDER: Order.NEWER}
    assert compare(new, old) is mirror.get(order, order)


def test_only_what_is_newer_or_the_same_may_follow():
    assert (refusal(5, 5), refusal(5, 6)) == ("", "")
    assert "lower than the 5" in refusal(5, 4)
    assert "2^31 from the 5" in refusal(5, 5 + HALF)
