"""`bobctl explain`: what a log message means, or why a query is answered as it is."""

from __future__ import annotations

import re
from typing import Any

import click

from bobctl import completion, explain_query, output
from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite

_ID = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")


@click.command(cls=Verb)
@click.argument("subject", metavar="ID|NAME", shell_complete=completion.subjects_of_explain)
@click.argument("rdtype", metavar="[TYPE]", required=False, shell_complete=completion.record_types)
@click.option("--from", "client", metavar="ADDRESS", help="As if this client asked; else 127.0.0.1, or ::1.")
@click.option("--to", metavar="ADDRESS@PORT", help="As if it asked there.")
@click.option("--tcp", is_flag=True, help="As if it asked over TCP.")
@click.option("--dnssec", is_flag=True, help="As if it set DO.")
@click.option(
    "--key", metavar="NAME", shell_complete=completion.tsig_keys, help="As if it were signed with this TSIG key."
)
@click.option("--instance", metavar="N", default="0", show_default=True, help="The auth instance to ask.")
@pass_suite
def explain(suite: Suite, /, subject: str, rdtype: str | None, instance: str, **how: Any) -> None:
    """Explain a log message, or why a query is answered as it is.

    `explain AUTH_ZONE_UNUSABLE` says what that message means; no running suite is needed.

    `explain www.example.org AAAA --from 192.0.2.1` shows the way of that query: where it comes in, which ACL decides,
    the zone and who wrote it last, the rule that applies, and the reply. It is told by the code that answers; nothing
    is sent or counted.
    """
    if rdtype is None and _ID.match(subject):
        _message(suite, subject)
    else:
        _query(suite, subject, rdtype or "A", instance, **how)


def _query(suite: Suite, name: str, rdtype: str, instance: str, client: str | None, to: str | None, **how: Any) -> None:
    sixth = to is not None and ":" in to
    client = client or ("::1" if sixth else "127.0.0.1")
    arguments = {"name": name, "rdtype": rdtype, "client": client, "to": to, **how}
    body = {"arguments": arguments, "instance": instance}
    found = suite.client.post("call", "auth", "explain", body=body)
    if suite.json:
        output.document(found)
    else:
        way = f"over {'TCP' if how['tcp'] else 'UDP'}{' with DO' if how['dnssec'] else ''}"
        explain_query.show(found, f"from {client} {way}{' signed by ' + how['key'] if how['key'] else ''}")


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
