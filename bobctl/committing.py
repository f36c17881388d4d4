"""One change of configuration that is committed at once: for commands that are about something else."""

from __future__ import annotations

from typing import Any

from bobctl.errors import CommandError
from bobctl.suite import Suite
from cmdctl.errors import ErrorAnswer


def commit_at_once(suite: Suite, order: str, body: dict[str, Any], reason: str) -> Any:
    """Make one edit (`set`, `unset`, `add`, `remove`) and put it into effect; nothing is left where it is refused."""
    if suite.client.get("config", "candidate")["changes"]:
        raise CommandError("conflict", "you have uncommitted changes: commit or revert them first")
    suite.client.post("config", order, body=body)
    try:
        return suite.client.post("config", "commit", body={"reason": reason})
    except ErrorAnswer:
        suite.client.post("config", "discard")
        raise
