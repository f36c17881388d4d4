"""Somebody else was faster: who changed what since a candidate was begun, what of it overlaps, and how to go on."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from bobctl import output
from bobctl.errors import CommandError
from bobctl.suite import Suite
from cmdctl.errors import ClientError, ErrorAnswer

MAX_REVISIONS = 50  # shown; who has that much to catch up with reads `config history`
_PART = re.compile(r"[^.\[\]]+")


@contextlib.contextmanager
def explained(suite: Suite) -> Iterator[None]:
    """A conflict met here is explained before it ends the command; for programs its details have the same."""
    try:
        yield
    except ErrorAnswer as error:
        newer = _newer(suite) if error.code == "conflict" else None
        if newer is None:
            raise
        mine, revisions = newer
        if not suite.json:
            _tell(mine, revisions)
        details = [
            {"path": path, "reason": f"was changed in revision {number} by {author}, too"}
            for path, number, author in _overlaps(mine, revisions)
        ]
        raise CommandError(error.code, error.message, details) from error


def _newer(suite: Suite) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]] | None:
    """The changes of the candidate, and the revisions it does not know; None where there are none of either."""
    try:
        candidate = suite.client.get("config", "candidate")
        query = {"limit": MAX_REVISIONS, "changes": "true"}
        found = suite.client.get("config", "history", query=query)["revisions"]
    except ErrorAnswer as error:
        if error.code == "refused" and not suite.json:
            output.words("What the others changed is not shown to you: the history is of the whole configuration.")
            output.words("`bobctl config rebase` brings your changes onto the newest.")
        return None
    except ClientError:  # the conflict itself is what counts
        return None
    unknown = [revision for revision in found if revision["revision"] > candidate["base"]]
    return (candidate["changes"], unknown) if candidate["changes"] and unknown else None


def _tell(mine: Sequence[Mapping[str, Any]], revisions: Sequence[Mapping[str, Any]]) -> None:
    output.words("Since you began, there is:")
    for revision in reversed(revisions):
        what = f"revision {revision['revision']} of {revision['time']} by {revision['author']}"
        output.words(f"  {what}: {revision['reason'] or 'no reason given'}")
        for change in revision["changes"] or []:
            output.words(f"    {_told(change)}")
    overlaps = _overlaps(mine, revisions)
    if overlaps:
        output.words("You change the same:")
        for change in mine:
            if any(_alike(change["path"], path) for path, _, _ in overlaps):
                output.words(f"    {_told(change)}")
        output.words("To have yours: `bobctl config unset` what overlaps, `config rebase`, and set it again.")
        output.words("To have theirs: the same without setting it again; `config revert` forgets all your changes.")
    else:
        output.words("Nothing of it overlaps with your changes: `bobctl config rebase` brings them onto the newest.")
    click.echo(err=True)


def _told(change: Mapping[str, Any]) -> str:
    old, new = ("nothing" if value is None else output.flow(value) for value in (change["old"], change["new"]))
    return f"{change['path']}: {old} -> {new}"


def _overlaps(mine: Sequence[Mapping[str, Any]], revisions: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """What they changed that we change, or that is within or around it: path, revision, author."""
    return [
        (change["path"], revision["revision"], revision["author"])
        for revision in revisions
        for change in revision["changes"] or []
        if any(_alike(change["path"], own["path"]) for own in mine)
    ]


def _alike(one: str, other: str) -> bool:
    """Whether two paths are the same, or one is above the other."""
    first, second = _PART.findall(one), _PART.findall(other)
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]
