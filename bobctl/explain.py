"""`bobctl explain`: what a log message means, or why a query is answered as it is."""

from __future__ import annotations

import re
from typing import Any

import click

from bobctl import completion, output
from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite

_ID = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")


@click.command(cls=Verb)
@click.argument("subject", shell_complete=completion.messages)
@pass_suite
def explain(suite: Suite, subject: str) -> None:
    """Explain a log message, by its ID.

    For example `explain AUTH_ZONE_UNUSABLE`. No running suite is needed.
    """
    if not _ID.match(subject):
        raise click.UsageError(f"{subject} is no ID of a log message, as AUTH_ZONE_UNUSABLE is")
    _message(suite, subject)


def _message(suite: Suite, name: str) -> None:
    module, message = _find(suite, name)
    if suite.json:
        output.document({"id": name, "module": module, **message})
        return
    output.fields({"message": name, "module": module, "severity": message["severity"], "text": message["text"]})
    click.echo()
    output.paragraphs(message["explain"])


def _find(suite: Suite, name: str) -> tuple[str, dict[str, Any]]:
    from daemonkit.spec import modules  # PyYAML and the specs: only here

    for module in sorted(modules(), key=lambda module: not name.startswith(f"{module.upper()}_")):
        found = _messages(module).get(name)
        if found is not None:
            return module, found
    return _of_the_suite(suite, name)


def _messages(module: str) -> dict[str, dict[str, Any]]:
    from daemonkit.spec import Spec

    return {
        name: {"severity": message.severity, "text": message.text, "explain": message.explain}
        for name, message in Spec.load(module).messages.items()
    }


def _of_the_suite(suite: Suite, name: str) -> tuple[str, dict[str, Any]]:
    """A message of a component that brought its own spec: only the running suite knows it."""
    for one in completion.ask(suite, "modules").get("modules", []):
        found = suite.client.get("modules", one["module"])["messages"]
        if name in found:
            return one["module"], found[name]
    raise CommandError("not-found", f"there is no log message {name}{_near(name)}")


def _near(name: str) -> str:
    from daemonkit.findings import did_you_mean
    from daemonkit.spec import modules

    return did_you_mean(name, [known for module in modules() for known in _messages(module)])
