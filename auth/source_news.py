"""What is told of data sources that fail, by whoever looks things up in them."""

from __future__ import annotations

from daemonkit.log import MessageLog
from datasrc.sources import Failure


def tell_source(log: MessageLog, name: str, failure: Failure | None) -> None:
    """A source began to fail, or works again."""
    if failure is None:
        log.info("AUTH_DATA_SOURCE_BACK", source=name)
    else:
        log.warning("AUTH_DATA_SOURCE_WAITING", source=name, reason=f"{failure.database}: {failure.reason}")
