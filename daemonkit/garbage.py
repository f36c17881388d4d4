"""The collector of circular garbage in processes that keep very many objects for long.

By itself it goes through all objects there are each time their number has grown by a quarter, and no thread has the
interpreter meanwhile: of some millions that is a second of processor time, and on a busy machine many of the clock.
"""

from __future__ import annotations

import asyncio
import gc

OLDEST = 2  # generation
NEVER = 1 << 30
LOOK_EVERY = 0.1  # s
DUE = 10  # collections of the younger generations: some 70 000 objects have come that live on


async def collect_a_little_at_a_time() -> None:
    """For ever: collect what has come since the last time, and have no collection look again at what is left then.

    What dies is freed as ever; of what has been looked at circles alone are not, until look_at_all_again(). This is no
    callback of the collector: threads would give way to others within what they do in one step, copy a dictionary, say.
    """
    youngest, younger, oldest = gc.get_threshold()
    gc.set_threshold(youngest, younger, NEVER)
    try:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if gc.get_count()[OLDEST] >= DUE:
                gc.collect()
                gc.freeze()
    finally:
        gc.set_threshold(youngest, younger, oldest)


def look_at_all_again() -> None:
    """Have the next collection look at everything: much has died by now."""
    gc.unfreeze()
