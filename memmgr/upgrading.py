"""Databases that an earlier release has left in the state directory get the schema of this one (docs/adr/0036)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemonkit.log import MessageLog
from datasrc.errors import DataSourceError
from datasrc.sources import source_url

DATABASE = "database"  # the type of a data source


def upgrade_own(configured: Mapping[str, Any], state: Path, log: MessageLog) -> bool:
    """Upgrade those of these data sources that are this suite's alone; whether any was. Blocks."""
    from datasrc.database import upgrade  # SQLAlchemy: there may be no database

    upgraded = False
    for name, entry in configured.items():
        if entry["type"] != DATABASE:
            continue
        try:
            kept = upgrade(source_url(entry), state)
        except DataSourceError as error:
            log.error("MEMMGR_DATABASE_NOT_UPGRADED", source=name, reason=error)
            continue
        except Exception as error:
            log.exception("MEMMGR_DATABASE_NOT_UPGRADED", error, source=name, reason=repr(error))
            continue
        if kept is not None:
            upgraded = True
            log.info("MEMMGR_DATABASE_UPGRADED", source=name, kept=kept)
    return upgraded
