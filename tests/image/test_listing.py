"""Listings that change in place of few of their zones say what one that is made anew says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image.layout import HALF, MASK64
from image.listing import MAX_CHANGES, SIEVE_BITS, Listing, OriginReader
from tests.image.mapping import SEED

# Hashes that meet in few places of a table, so that entries are pushed on, across its end too.
HASHES = st.builds(lambda high, low: high << 61 | low, st.integers(0, 7), st.sampled_from([0, *range(2, 5)]))
NUMBERS = st.integers(0, (1 << 63) - 1)


def made(numbers: dict[int, int]) -> Listing:
    return Listing.of(numbers.items(), len(numbers))


@given(
    st.dictionaries(HASHES, NUMBERS),
    st.lists(st.dictionaries(HASHES, st.none() | NUMBERS), max_size=5),
    st.integers(0, 8),
)
def test_changed_is_as_made_anew(first, changes, most):
    import image.listing

    before, image.listing.MAX_CHANGES = image.listing.MAX_CHANGES, most
    try:
        numbers, listing = dict(first), made(first)
        kept = [(dict(numbers), listing)]
        for change in changes:
            listing = listing.changed(change)
            numbers |= {value: number for value, number in change.items() if number is not None}
            for value in (value for value, number in change.items() if number is None):
                numbers.pop(value, None)
            kept.append((dict(numbers), listing))
    finally:
        image.listing.MAX_CHANGES = before
    asked = {high << 61 | low for high in range(8) for low in (0, *range(2, 6))}
    for expected, one in kept:  # nothing that was told is ever changed
        assert all(one.may_have(value) for value in expected)
        assert {value: one.number_of(value) for value in asked} == {value: expected.get(value) for value in asked}


def test_many_changes_become_part_of_the_large_table():
    numbers = {value * 0x9E3779B97F4A7C15 & MASK64: value for value in range(1, 3000)}
    listing = made(numbers)
    base = listing.base
    one_by_one = list(numbers)
    for at in range(0, MAX_CHANGES, 100):
        listing = listing.changed(dict.fromkeys(one_by_one[at : at + 100], 7 << HALF))
        assert listing.base is base
    listing = listing.changed({one_by_one[-1]: None})
    assert listing.base is not base
    assert listing.changes.used == 0
    assert listing.count == len(numbers) - 1
    assert [listing.number_of(value) for value in one_by_one] == [
        *[7 << HALF] * MAX_CHANGES,
        *(numbers[value] for value in one_by_one[MAX_CHANGES:-1]),
        None,
    ]


@pytest.mark.parametrize("entries", [1, 100, 3000])
def test_what_is_not_listed_seldom_passes_the_sieve(entries):
    listing = made({})
    for at in range(0, entries, 500):  # some of them in changes, across what makes a larger sieve
        listing = listing.changed(dict.fromkeys(map(spread, range(at, min(entries, at + 500))), 1))
    assert all(listing.may_have(spread(number)) for number in range(entries))
    others = 10_000
    passing = sum(listing.may_have(spread(number)) for number in range(entries, entries + others))
    assert passing <= 2 * others / SIEVE_BITS


def test_a_sieve_that_was_told_is_not_changed():
    first = made({spread(number): 1 for number in range(50)})
    before = bytes(first.sieve)
    later = first.changed({spread(number): 2 for number in range(50, 60)})
    assert len(later.sieve) == len(first.sieve)
    assert bytes(first.sieve) == before != bytes(later.sieve)


def spread(number: int) -> int:
    return (number + 1) * 0x9E3779B97F4A7C15 & MASK64


def test_the_case_of_an_origin_does_not_matter():
    reader = OriginReader(SEED)
    assert reader.hash_of(b"\7EXAMPLE\0") == reader.hash_of(b"\7example\0") != reader.hash_of(b"\7exampla\0")
    assert reader.hash_of(b"\0") == OriginReader(SEED).hash_of(b"\0")
