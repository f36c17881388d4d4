"""Medians of pairwise ratios and their intervals."""

import random

import pytest

from bench.sidebyside.ratios import median_interval, pairwise


def test_fifteen_slices_leave_out_three_on_either_side():
    interval = median_interval([float(value) for value in range(15)])
    assert (interval.low, interval.median, interval.high) == (3.0, 7.0, 11.0)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_slices_give_their_extremes(count):
    interval = median_interval([float(value) for value in range(count)])
    assert (interval.low, interval.high) == (0.0, count - 1.0)


def test_the_interval_holds_the_true_median_in_at_least_95_of_100_experiments():
    """Whatever the distribution: this one is far from normal."""
    source = random.Random(53)
    experiments = 2000
    held = 0
    for _ in range(experiments):
        interval = median_interval([source.expovariate(1.0) ** 3 for _ in range(15)])
        held += interval.low <= 0.6931471805599453**3 <= interval.high
    assert 0.95 <= held / experiments <= 0.985  # 0.965 by the binomial distribution


def test_an_outlier_does_not_move_the_median():
    assert median_interval([1.0] * 14 + [1000.0]).high == 1.0


def test_pairs_are_of_the_same_round():
    """A machine that slows down slows both of a pair."""
    reference = [100.0, 50.0, 25.0]
    interval = pairwise([90.0, 45.0, 22.5], reference)
    assert (interval.low, interval.high) == pytest.approx((0.9, 0.9))


def test_slices_without_a_partner_are_refused():
    with pytest.raises(ValueError, match="3 slices of one, 2 of the other"):
        pairwise([1.0, 1.0, 1.0], [1.0, 1.0])


def test_nothing_has_no_median():
    with pytest.raises(ValueError, match="no values"):
        median_interval([])


def test_a_server_that_does_not_answer_does_not_end_the_report():
    assert pairwise([1.0, 2.0, 3.0], [0.0, 0.0, 3.0]).median == float("inf")
