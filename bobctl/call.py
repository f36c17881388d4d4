"""`bobctl call MODULE COMMAND name=value ...`: any command of any module."""

from __future__ import annotations

from typing import Any

import click

from bobctl import building, completion, output, waiting
from bobctl.suite import Suite
from bobctl.values import assignments
from bobctl.verbs import Verb, pass_suite

BUILDING = (("memmgr", "rebuild"), ("memmgr", "reload"))  # what memmgr goes on with behind its answer


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
@click.option("--wait", is_flag=True, help="Of `memmgr rebuild` and `memmgr reload`: until the images are built.")
@pass_suite
def call(
    suite: Suite,
    module: str,
    command: str,
    arguments: tuple[str, ...],
    instance: str | None,
    timeout: float | None,
    *,
    wait: bool,
) -> None:
    """Send COMMAND to MODULE and print its answer.

    Each VALUE is read as YAML: `origin=example.org`, `limit=10`, `names=[a, b]`. `bobctl modules` lists what there is.
    """
    if wait and (module, command) not in BUILDING:
        raise click.UsageError(f"there is nothing to wait for behind {module} {command}")
    body: dict[str, Any] = {"arguments": assignments(arguments)}
    if instance is not None:
        body["instance"] = instance
    if timeout is not None and not wait:
        body["timeout"] = timeout
    named = body["arguments"].get("origin")
    before = building.failures(suite) if wait and command == "reload" else {}
    answer = suite.client.post("call", module, command, body=body)
    if wait:
        seconds = waiting.SECONDS if timeout is None else timeout
        if named is not None:
            building.wait_for_zone(suite, str(named), seconds)
        else:  # behind a reload those count that could be built before
            building.wait_for_all(suite, lambda origin: origin not in before, seconds)
    if suite.json:
        output.document(answer)
    else:
        output.yaml_document(answer)
