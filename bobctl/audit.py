"""`bobctl audit`: who changed what, and who was refused."""

from __future__ import annotations

import time

import click

from bobctl import output
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite
from cmdctl.api import AuditEntry

NAMES = 3  # of what was changed, in a line


@click.command(cls=Verb)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many entries.")
@click.option("--before", default=0, metavar="ID", help="Only entries before this one.")
@click.option("--author", default="", metavar="NAME", help="Only what this author did; users of REST are user:NAME.")
@click.option("--changes", "kind", flag_value="changes", help="Only changes.")
@click.option("--refusals", "kind", flag_value="refusals", help="Only refusals.")
@pass_suite
def audit(suite: Suite, limit: int, before: int, author: str, kind: str | None) -> None:
    """Show changes and refusals, newest first.

    Those that came by way of cmdctl. What loadzone wrote is in `bobctl zone history NAME`, a configuration file read
    again by SIGHUP in `bobctl config history`.
    """
    query = {"limit": limit, "before": before, "author": author or None, "kind": kind}
    found = suite.client.get("audit", query=query)
    if suite.json:
        output.document(found)
        return
    head = ("ID", "TIME", "AUTHOR", "FROM", "WHAT", "STATUS", "CHANGED, OR WHY NOT")
    rows = [
        (
            one["id"],
            _moment(one["time"]),
            one["author"],
            one["origin"],
            f"{one['method']} {one['path']}".strip() or "-",
            one["status"] or "?",
            one["text"] or _changed(one),
        )
        for one in found["entries"]
    ]
    output.table(head, rows)


def _changed(entry: AuditEntry) -> str:
    """`revision 7: auth.udp_size, listen and 3 more`: as many names as a line has room for."""
    shown = entry["changed"][:NAMES]
    more = entry["changes"] - len(shown)
    names = ", ".join(shown) + (f" and {more} more" if more else "")
    return names if entry["revision"] is None else f"revision {entry['revision']}: {names}"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
