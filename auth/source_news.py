"""What is told of data sources, by whoever looks things up in them: auth's worker, or auth where it answers alone."""

from __future__ import annotations

from collections.abc import Sequence

from auth.api import SourceServed
from daemonkit.errors import Rejected
from daemonkit.log import MessageLog
from datasrc.sources import Failure, SourceStatus


def tell_source(log: MessageLog, name: str, failure: Failure | None) -> None:
    """A source began to fail, or works again."""
    if failure is None:
        log.info("AUTH_DATA_SOURCE_BACK", source=name)
    else:
        log.warning("AUTH_DATA_SOURCE_WAITING", source=name, reason=f"{failure.database}: {failure.reason}")


def tell_problems(log: MessageLog, statuses: Sequence[SourceStatus]) -> None:
    """What is wrong with sources without stopping them."""
    for status in statuses:
        for problem in status.problems:
            log.warning("AUTH_DATA_SOURCE_PROBLEM", source=status.name, problem=problem)


def refuse_failing(statuses: Sequence[SourceStatus], changed: set[str]) -> None:
    """Refuse changed data sources that are there and cannot be used; one that does not exist yet may still come."""
    for status in statuses:
        if status.name in changed and status.failure and not status.new:
            raise Rejected(f"data_sources.{status.name}", status.failure)


def sources_served(statuses: Sequence[SourceStatus]) -> tuple[SourceServed, ...]:
    """The same for the bus."""
    return tuple(SourceServed(one.name, one.failure, one.zones, one.problems, one.new) for one in statuses)
