"""`bobctl status`: how the suite is."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from bobctl import output
from bobctl.errors import ExitCode
from bobctl.processes import table_of
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite


@click.command(cls=Verb)
@pass_suite
def status(suite: Suite) -> None:
    """Show how the suite is; exit code 1 if a part of it does not answer."""
    found = suite.client.get("status")
    if suite.json:
        output.document(found)
    else:
        _show(found)
    for problem in found["problems"]:
        output.words(f"bobctl: {problem['part']} does not answer: {problem['reason']}")
    if found["problems"]:
        sys.exit(ExitCode.FAILED)


def _show(found: dict[str, Any]) -> None:
    suite, configuration = found["suite"], found["configuration"]
    if suite is not None:
        output.fields(
            {
                "suite": suite["state"],
                "version": suite["version"],
                "up": f"{output.duration(time.time() - suite['started'])}, since {output.moment(suite['started'])}",
                "bob": f"process {suite['pid']} as {suite['user']}",
                "listening": suite["listen"],
                "state": suite["state_dir"],
                "run": suite["run_dir"],
            }
        )
    if configuration is not None:
        _show_configuration(configuration)
    if found["components"]:
        click.echo()
        table_of(found["components"])
    if suite is not None and suite["disabled"]:
        click.echo(f"disabled: {output.cell(suite['disabled'])}")


def _show_configuration(configuration: dict[str, Any]) -> None:
    by = f"{configuration['author']}, {configuration['time']}"
    pairs: dict[str, object] = {"revision": f"{configuration['revision']} ({by})"}
    if configuration["candidates"]:
        pairs["candidates"] = configuration["candidates"]
    if configuration["overlay"]:
        pairs["this run only"] = [f"{path} = {output.cell(value)}" for path, value in configuration["overlay"].items()]
    output.fields(pairs)
    for damage in configuration["damage"]:
        click.echo(
            output.style(f"damaged: {output.printable(damage['file'])}: {output.printable(damage['reason'])}", fg="red")
        )
    for warning in configuration["warnings"]:
        click.echo(f"warning: {output.printable(warning['path'])}: {output.printable(warning['reason'])}")
