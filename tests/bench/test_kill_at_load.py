"""How the losses of a kill are judged: by what was in hand, what the kernel dropped, and what waited for the worker."""

import pytest

from auth.sizes import HATCH_MESSAGES
from bench.kill_at_load import BATCH, Losses
from bench.sidebyside.load_program import Account, Part


def losses(lost=0, apart_lost=0, *, wrong=0, dropped=0, left=500, refused=0):
    """Of 1 000 queries, of which 500 were for the worker."""
    apart = Part(500, 500 - apart_lost, apart_lost)
    answered = 1000 - lost - apart_lost - wrong
    account = Account(1.0, 0.0, 1000, answered, answered, wrong, lost + apart_lost, 0, 0, 0, 0, 0.0, apart, {})
    return Losses(account, dropped, left, refused)


@pytest.mark.parametrize(
    ("found", "is_bad"),
    [
        (losses(), False),
        (losses(BATCH), False),
        (losses(BATCH + 1), True),
        (losses(BATCH + 7, dropped=7), False),
        (losses(wrong=1), True),
        (losses(0, BATCH, left=0), False),
        (losses(0, BATCH + 1, left=0), True),  # nothing was left: it was not waiting that lost them
        (losses(0, BATCH + 1, left=0, dropped=1), False),
        (losses(BATCH, 1, left=0), True),  # one batch was in hand
        (losses(BATCH + 100, 100, dropped=100, left=0), True),  # the kernel dropped each but once
        (losses(0, 2 * BATCH + HATCH_MESSAGES, left=500), False),
        (losses(0, 2 * BATCH + HATCH_MESSAGES + 1, left=500), True),
        (losses(0, 2 * BATCH + HATCH_MESSAGES + 1, left=500, refused=1), False),
    ],
)
def test_more_is_lost_than_may_be_only_beyond_what_a_process_holds(found, is_bad):
    assert found.is_bad is is_bad
    assert ("MISSED" in found.columns()) is is_bad


def test_what_was_for_the_worker_is_no_loss_of_what_images_answer():
    found = losses(3, 20)
    assert (found.lost, found.account.apart.lost) == (3, 20)


def test_what_was_left_and_not_answered_is_told_apart_from_what_never_came_there():
    assert losses(0, 20, left=470).waiting == 0
    assert losses(0, 20, left=490).waiting == 10
    assert losses(0, 20, left=500).waiting == 20
    assert losses(0, 0, left=530).waiting == 0  # the loop left others, too, which were answered
