"""`bobctl modules`: what modules there are and what they understand, from their specs."""

from __future__ import annotations

from typing import Any

import click

from bobctl import completion, output
from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite


@click.command(cls=Verb)
@click.argument("module", required=False, shell_complete=completion.modules)
@click.argument("subject", required=False, shell_complete=completion.subjects)
@pass_suite
def modules(suite: Suite, module: str | None, subject: str | None) -> None:
    """List all modules; show what MODULE is; explain its command or log message SUBJECT."""
    if module is None:
        _list(suite)
        return
    found = suite.client.get("modules", module)
    if subject is not None:
        _explain(suite, found, subject)
    elif suite.json:
        output.document(found)
    else:
        _show(found)


def _list(suite: Suite) -> None:
    found = suite.client.get("modules")
    if suite.json:
        output.document(found)
        return
    head = ("MODULE", "RUNNING", "TITLE", "COMMANDS")
    rows = [(m["module"], len(m["members"]) or None, m["title"], m["commands"]) for m in found["modules"]]
    output.table(head, rows)
    for one in found["unreadable"]:
        output.words(f"bobctl: the spec of the component {one['component']} cannot be used: {one['reason']}")


def _show(found: dict[str, Any]) -> None:
    click.echo(output.style(f"{found['module']}: {output.printable(found['title'])}", bold=True))
    for line in found["text"].strip().splitlines():
        click.echo(output.printable(line))
    click.echo()
    output.fields({"running": found["members"], "configuration": found["configuration"], "reads": found["reads"]})
    if found["commands"]:
        click.echo()
        output.table(
            ("COMMAND", "ARGUMENTS", "WHAT IT DOES"),
            [(name, list(one["arguments"]), _one_line(one["text"])) for name, one in found["commands"].items()],
        )
    if found["statistics"]:
        click.echo()
        rows = [(name, one["type"], _one_line(one["text"])) for name, one in found["statistics"].items()]
        output.table(("COUNTER", "TYPE", "WHAT IT COUNTS"), rows)


def _explain(suite: Suite, found: dict[str, Any], subject: str) -> None:
    for kind in ("commands", "messages", "statistics", "topics"):
        if subject in found[kind]:
            explained = found[kind][subject]
            if suite.json:
                output.document(explained)
            else:
                _facts(subject, explained)
            return
    raise CommandError("not-found", f"{found['module']} has no command, message, counter or topic {subject}")


def _facts(subject: str, explained: Any) -> None:
    """A command, message or counter with all that is said of it; a topic is just a text."""
    facts: dict[str, Any] = {"text": explained} if isinstance(explained, str) else explained
    plain = {name: _one_line(value) if isinstance(value, str) else value for name, value in facts.items()}
    arguments: dict[str, str] = facts.get("arguments", {})
    plain.pop("arguments", None)
    output.fields({"name": subject, **plain, **{f"  {name}": text for name, text in arguments.items()}})


def _one_line(text: str) -> str:
    return " ".join(text.split())
