"""What `bobctl config` says: of options, of what changes and is wrong, and of what modules make of it."""

from __future__ import annotations

from typing import Any

import click

from bobctl import output


def facts_of(found: dict[str, Any]) -> dict[str, object]:
    """What there is to say of an option."""
    facts: dict[str, object] = {"option": found["path"], "takes": found["expects"]}
    if found["required"]:
        facts["required"] = True
    elif found["kind"] not in ("map", "set"):
        facts["default"] = output.flow(found["default"]) if found["default"] is not None else None
    if found["refers"]:
        facts["one of"] = f"the names in {found['refers']}"
    if found["role"] == "admin":
        facts["who may"] = "changing it takes the role admin"
    if found["pending"]:
        facts["no effect yet"] = found["pending"]
    return facts


def tell_changes(answer: dict[str, Any]) -> None:
    """A difference, in the manner of diff(1)."""
    for change in answer["changes"] or []:
        for sign, value, colour in (("-", change["old"], "red"), ("+", change["new"], "green")):
            if value is not None:
                line = f"{sign} {output.printable(change['path'])}: {output.flow(value)}"
                click.echo(output.style(line, fg=colour))
    if answer["left_out"]:
        output.words(f"and {answer['left_out']} more changes, which are not shown")


def tell_problem(problem: dict[str, Any]) -> None:
    """One error or warning."""
    where = problem["place"] or problem["path"]
    colour = "red" if problem["severity"] == "error" else "yellow"
    text = f"{output.style(problem['severity'], fg=colour)}: {output.printable(problem['reason'])}"
    click.echo(f"{output.printable(where)}: {text}" if where else text, err=True)


def tell_modules(answers: list[dict[str, Any]]) -> None:
    """What modules had to say, other than yes; what several say, once."""
    refused: dict[str, list[str]] = {}
    for answer in answers:
        for adjustment in answer["adjustments"]:
            said = f"{adjustment['path']} becomes {output.flow(adjustment['value'])}: {adjustment['reason']}"
            output.words(f"{answer['member']}: {said}")
        if answer["state"] not in ("accepted", "adjusted"):
            refused.setdefault(f"{answer['state']}: {answer['reason']}", []).append(answer["member"])
    for said, members in refused.items():
        output.words(f"{', '.join(members)}: {said}")


def tell_late(answers: list[dict[str, Any]]) -> None:
    """Who could not apply what is in effect."""
    for answer in answers:
        output.words(f"{answer['member']} could not apply it and is restarted: {answer['reason'] or answer['state']}")


def counted(answer: dict[str, Any]) -> str:
    """How many changes there are."""
    count = len(answer["changes"]) + answer["left_out"]
    return "1 change" if count == 1 else f"{count} changes"


def comments_lost(exported: dict[str, Any]) -> str:
    """Which comments an export had no place for."""
    return f", without comments: {exported['uncommented']}" if exported["uncommented"] else ""
