"""`bobctl version`."""

from __future__ import annotations

import importlib.metadata

import click

from bobctl import output
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite
from cmdctl.errors import ClientError


@click.command(cls=Verb)
@pass_suite
def version(suite: Suite) -> None:
    """Show the versions of this program and of the running suite; that none is running is no error here."""
    own = importlib.metadata.version("bobdns")
    try:
        running, reason = suite.client.get("version")["version"], None
    except ClientError as error:
        running, reason = None, str(error)
    if suite.json:
        output.document({"bobctl": own, "suite": running, "reason": reason})
    else:
        output.fields({"bobctl": own, "suite": running or f"unknown ({reason})"})
