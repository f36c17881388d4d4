"""`bobctl call MODULE COMMAND name=value ...`: any command of any module."""

from __future__ import annotations

from typing import Any

import click

from bobctl import completion, output
from bobctl.suite import Suite
from bobctl.values import assignments
from bobctl.verbs import Verb, pass_suite


@click.command(cls=Verb)
@click.argument("module", shell_complete=completion.modules)
@click.argument("command", shell_complete=completion.commands)
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...", shell_complete=completion.arguments)
@click.option(
    "--instance",
    metavar="N",
    shell_complete=completion.instances,
    help="The instance that shall answer; else the module's first.",
)
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="How long to wait.")
@pass_suite
def call(
    suite: Suite, module: str, command: str, arguments: tuple[str, ...], instance: str | None, timeout: float | None
) -> None:
    """Send COMMAND to MODULE and print its answer.

    Each VALUE is read as YAML: `origin=example.org`, `limit=10`, `names=[a, b]`. `bobctl modules` lists what there is.
    """
    body: dict[str, Any] = {"arguments": assignments(arguments)}
    if instance is not None:
        body["instance"] = instance
    if timeout is not None:
        body["timeout"] = timeout
    answer = suite.client.post("call", module, command, body=body)
    if suite.json:
        output.document(answer)
    else:
        output.yaml_document(answer)
