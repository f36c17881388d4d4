"""Every input that fuzzing ever kept is tried again, compiled and interpreted: `make fuzz` looks for more."""

from __future__ import annotations

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS

MOST_OCTETS = 1 << 20  # of all that is kept


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_kept_is_survived(name, tmp_path):
    inputs = corpus.read(name)
    assert len(inputs) > 10
    with TARGETS[name](tmp_path) as target:
        for octets in inputs:
            target.give(octets)


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_begins_with_is_survived(name, tmp_path):
    with TARGETS[name](tmp_path) as target:
        for octets in target.seeds():
            target.give(octets)


def test_the_corpora_are_small():
    assert sum(path.stat().st_size for path in corpus.PLACE.iterdir()) < MOST_OCTETS
