"""A change to its end: tried again where others were in the way, and found out where its answer was lost.

write, COMMIT --answered--> done
              --contended (serialisation, deadlock)--> again, as a whole, a few times
              --no answer--> look: is the outbox row there? --> done, or again, or OutcomeUnknown
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from sqlalchemy import Connection, select

from datasrc.database.engine import Database
from datasrc.database.schema import OUTBOX_COUNTER, counters, outbox
from datasrc.errors import Contended, OutcomeUnknown, StorageError
from datasrc.records import Change

ATTEMPTS = 5
PAUSE = 0.02  # s before the second attempt, doubled before each further one, with jitter
RESOLVE_PATIENCE = 30.0  # s to reach a server again that was lost in a COMMIT
RESOLVE_INTERVAL = 0.25  # s


def commit_change(database: Database, write: Callable[[Connection], Change]) -> Change:
    """Carry out `write` in one transaction; the change it gives is the outbox row it wrote last.

    It is called again for another attempt, on what is stored then. Raises what it raises, and StorageError.
    """
    for attempt in range(1, ATTEMPTS + 1):
        change: Change | None = None
        try:
            with database.change() as connection:
                change = write(connection)
        except Contended:
            if attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        except OutcomeUnknown as lost:
            if change is None:
                raise
            if _came_about(database, change, lost):
                return change
        else:
            return change
    raise StorageError(f"the connection was lost {ATTEMPTS} times; nothing was changed", database=database.text)


def _came_about(database: Database, change: Change, lost: OutcomeUnknown) -> bool:
    """Whether the transaction of this outbox row was committed. Raises OutcomeUnknown where nobody can tell.

    Its server process may still be at it: it holds the counter's lock to its end, which is waited for here.
    """
    deadline = time.monotonic() + RESOLVE_PATIENCE
    while True:
        try:
            with database.write() as connection:
                counter = select(counters.c.last).where(counters.c.name == OUTBOX_COUNTER).with_for_update()
                connection.execute(counter)
                row = connection.execute(select(outbox).where(outbox.c.id == change.id)).first()
        except StorageError:
            if time.monotonic() > deadline:
                raise lost from None
            time.sleep(RESOLVE_INTERVAL)
        else:
            ours = (change.version, change.time, change.provenance.author, change.provenance.source)
            return row is not None and (row.version, row.time, row.author, row.source) == ours
