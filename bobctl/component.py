"""`bobctl component`: the processes of the suite."""

from __future__ import annotations

from typing import Any

import click

from bobctl import completion, output, waiting
from bobctl.processes import table_of
from bobctl.suite import Suite
from bobctl.values import assignments
from bobctl.verbs import Noun, done, pass_suite, reason_option


@click.group(cls=Noun)
def component() -> None:
    """The processes of the suite: list, start, stop, add, change.

    NAME is a component (`auth`) or one instance of it (`auth/0`).
    """


@component.command("list")
@pass_suite
def list_components(suite: Suite) -> None:
    """List every process."""
    found = suite.client.get("components")
    if suite.json:
        output.document(found["components"])
        return
    table_of(found["components"])
    if found["disabled"]:
        click.echo(f"disabled: {output.cell(found['disabled'])}")


@component.command()
@click.argument("name", shell_complete=completion.components)
@pass_suite
def show(suite: Suite, name: str) -> None:
    """Show one component or instance."""
    found = suite.client.get("components", name)
    if suite.json:
        output.document(found)
        return
    for instance in found["instances"]:
        output.fields(_facts(instance))
        click.echo()
    click.echo("configured:" if found["configuration"] else "configured: nothing, all defaults")
    output.yaml_document(found["configuration"])


def _facts(instance: dict[str, Any]) -> dict[str, object]:
    return {
        "component": f"{instance['component']}/{instance['instance']}",
        "state": instance["state"],
        "since": output.moment(instance["since"]),
        "process": instance["pid"],
        "kind": instance["kind"],
        "revision": instance["revision"] or None,
        "progress": instance["progress"],
        "restarts": instance["restarts"],
        "last exit": instance["last_exit"],
        "sockets": instance["descriptors"],
        "waits for": instance["waits_for"],
        "next attempt": output.moment(instance["next_attempt"]),
    }


@component.command()
@click.argument("name", shell_complete=completion.components)
@waiting.wait_options
@pass_suite
def start(suite: Suite, name: str, timeout: float, *, wait: bool) -> None:
    """Start what was stopped or given up."""
    answer = suite.client.post("components", name, "start")
    if wait:
        waiting.until(lambda: waiting.not_in_state(waiting.instances(suite, name), "running"), timeout)
    done(suite, answer, f"{name} is running" if wait else f"{name} is being started")


@component.command()
@click.argument("name", shell_complete=completion.components)
@waiting.wait_options
@pass_suite
def stop(suite: Suite, name: str, timeout: float, *, wait: bool) -> None:
    """Stop, until it is started again or the suite is."""
    answer = suite.client.post("components", name, "stop")
    if wait:
        waiting.until(lambda: waiting.not_in_state(waiting.instances(suite, name), "stopped"), timeout)
    done(suite, answer, f"{name} is stopped" if wait else f"{name} is being stopped")


@component.command()
@click.argument("name", shell_complete=completion.components)
@waiting.wait_options
@pass_suite
def restart(suite: Suite, name: str, timeout: float, *, wait: bool) -> None:
    """Restart an instance, or all of a component one after the other."""
    old = frozenset(row["pid"] for row in waiting.instances(suite, name) if row["pid"]) if wait else frozenset()
    answer = suite.client.post("components", name, "restart")
    if wait:
        waiting.until(lambda: waiting.not_in_state(waiting.instances(suite, name), "running", other_than=old), timeout)
    done(suite, answer, f"{name} is restarted" if wait else f"{name} is being restarted")


@component.command()
@click.argument("name", shell_complete=completion.components)
@click.argument("options", nargs=-1, metavar="[OPTION=VALUE]...", shell_complete=completion.component_options)
@reason_option
@waiting.wait_options
@pass_suite
def add(suite: Suite, name: str, options: tuple[str, ...], reason: str, timeout: float, *, wait: bool) -> None:
    """Add a component.

    For example `add greeter program=/usr/bin/greeter spec=/etc/bob/greeter.yaml`.
    """
    body = {"values": assignments(options), "reason": reason}
    answer = suite.client.request("PUT", "components", name, body=body)
    if wait:
        waiting.settled(suite, name, answer["revision"], timeout)
    _committed(suite, answer, f"{name} is added")


@component.command()
@click.argument("name", shell_complete=completion.components)
@click.argument(
    "options", nargs=-1, required=True, metavar="OPTION=VALUE...", shell_complete=completion.component_options
)
@reason_option
@waiting.wait_options
@pass_suite
def change(suite: Suite, name: str, options: tuple[str, ...], reason: str, timeout: float, *, wait: bool) -> None:
    """Change options of a component.

    For example `change auth instances=4`; `OPTION=` goes back to the default.
    """
    body = {"values": assignments(options), "reason": reason}
    answer = suite.client.request("PATCH", "components", name, body=body)
    if wait:
        waiting.settled(suite, name, answer["revision"], timeout)
    _committed(suite, answer, f"{name} is changed")


@component.command()
@click.argument("name", shell_complete=completion.components)
@reason_option
@waiting.wait_options
@pass_suite
def remove(suite: Suite, name: str, reason: str, timeout: float, *, wait: bool) -> None:
    """Remove a component from the configuration.

    One of ours goes back to its defaults.
    """
    answer = suite.client.request("DELETE", "components", name, query={"reason": reason or None})
    if wait:
        waiting.settled(suite, name, answer["revision"], timeout)
    _committed(suite, answer, f"{name} is removed")


def _committed(suite: Suite, answer: dict[str, Any], text: str) -> None:
    done(suite, answer, f"{text} (revision {answer['revision']})")
