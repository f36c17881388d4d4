"""`bobctl call MODULE COMMAND name=value ...`: any command of any module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from bobctl import completion, output, waiting
from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.values import assignments
from bobctl.verbs import Verb, pass_suite
from daemonkit.option_addresses import normal_name

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
    counts = _counted(suite, command, body["arguments"]) if wait else None
    answer = suite.client.post("call", module, command, body=body)
    if counts is not None:
        waiting.until(lambda: _unbuilt(suite, counts), waiting.SECONDS if timeout is None else timeout)
    if suite.json:
        output.document(answer)
    else:
        output.yaml_document(answer)


def _counted(suite: Suite, command: str, arguments: Mapping[str, Any]) -> Callable[[str], bool]:
    """Asked before the order: of which zones it counts that they cannot be built, by their origins.

    Of the one that is to be built, or of all; behind a reload of those that could be built before.
    """
    if command == "reload":
        before = {one["origin"] for one in _images(suite)["failures"]}
        return lambda origin: origin not in before
    if arguments.get("origin") is None:
        return lambda _origin: True
    named = str(arguments["origin"])
    wanted = normal_name(named) or named
    return lambda origin: normal_name(origin) == wanted


def _images(suite: Suite) -> dict[str, Any]:
    found: dict[str, Any] = suite.client.post("call", "memmgr", "status", body={"arguments": {}})
    return found


def _unbuilt(suite: Suite, counts: Callable[[str], bool]) -> str:
    """How many zones wait for their images; raises CommandError where some that count cannot be built."""
    found = _images(suite)
    if found.get("age") is not None:  # what it tells is how it was before, perhaps before the order
        return "memmgr does not tell yet: it waits for a data source, or has much to do"
    left = found["waiting"] + found["building"]
    if left:
        return f"{left} zone{'s' * (left > 1)} to be built"
    failures = [one for one in found["failures"] if counts(one["origin"])]
    if failures:
        first, more = failures[0], len(failures) - 1
        text = f"the image of {first['origin']} cannot be built: {first['reason']}"
        raise CommandError("failed", f"{text} (and {more} more)" if more else text)
    return ""
