"""How processes of the suite look in a table."""

from __future__ import annotations

import time
from typing import Any

from bobctl import output

HEAD = ("COMPONENT", "STATE", "FOR", "PID", "KIND", "REVISION", "RESTARTS", "SOCKETS", "REMARKS")


def table_of(rows: list[dict[str, Any]]) -> None:
    """Write one line a process."""
    now = time.time()
    output.table(HEAD, [_row(row, now) for row in rows])


def _row(row: dict[str, Any], now: float) -> tuple[object, ...]:
    return (
        f"{row['component']}/{row['instance']}",
        row["state"],
        output.duration(max(0.0, now - row["since"])),
        row["pid"],
        row["kind"],
        row["revision"] or None,
        row["restarts"],
        row["descriptors"] or None,
        "; ".join(_remarks(row, now)),
    )


def _remarks(row: dict[str, Any], now: float) -> list[str]:
    remarks = []
    if row["progress"]:
        remarks.append(row["progress"])
    if row["waits_for"]:
        remarks.append(f"waits for {', '.join(row['waits_for'])}")
    if row["next_attempt"] is not None:
        remarks.append(f"next attempt in {output.duration(max(0.0, row['next_attempt'] - now))}")
    if row["stale"]:
        remarks.append("to be renewed")
    if row["last_exit"]:
        remarks.append(f"before: {row['last_exit']}")
    return remarks
