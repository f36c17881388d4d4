"""`bobctl audit`: who changed what, and who was refused."""

from __future__ import annotations

import time

import click

from bobctl import output
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite


@click.command(cls=Verb)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many entries.")
@click.option("--before", default=0, metavar="ID", help="Only entries before this one.")
@click.option("--author", default="", metavar="NAME", help="Only what this author did; users of REST are user:NAME.")
@pass_suite
def audit(suite: Suite, limit: int, before: int, author: str) -> None:
    """Show changes and refusals, newest first."""
    found = suite.client.get("audit", query={"limit": limit, "before": before, "author": author or None})
    if suite.json:
        output.document(found)
        return
    head = ("ID", "TIME", "AUTHOR", "FROM", "WHAT", "STATUS", "WHY")
    rows = [
        (
            one["id"],
            _moment(one["time"]),
            one["author"],
            one["origin"],
            f"{one['method']} {one['path']}",
            one["status"],
            one["text"],
        )
        for one in found["entries"]
    ]
    output.table(head, rows)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
