"""`bobctl status`: how the suite is."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from bobctl import output, waiting
from bobctl.errors import ExitCode
from bobctl.processes import table_of
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite
from cmdctl.api import ImagesState, SourceFault

NOT_ANSWERING = "not answering"
SHOWN_PROBLEMS = 10  # of a data source; `bobctl zone list --state broken` and `--state stale` have all
MEBI = 1 << 20  # octets


@click.command(cls=Verb)
@waiting.wait_options
@pass_suite
def status(suite: Suite, timeout: float, *, wait: bool) -> None:
    """Show how the suite is.

    The exit code is 1 if queries or a part of it are not answered, or a data source cannot be answered from. With
    --wait it is shown as soon as everything runs that should, as after `bob run`.
    """
    if wait:
        waiting.until(lambda: _lacking(suite), timeout)
    found = suite.client.get("status")
    if suite.json:
        output.document(found)
    else:
        _show(found)
    for problem in found["problems"]:
        output.words(f"bobctl: {problem['part']} does not answer: {problem['reason']}")
    mute = found["suite"] is not None and _is_mute(found["suite"])
    if mute or found["problems"] or any(fault["failure"] and not fault["new"] for fault in found["data_sources"]):
        sys.exit(ExitCode.FAILED)


def _lacking(suite: Suite) -> str:
    """What does not run yet; where the suite is shows only when it has begun."""
    found = suite.for_a_line().client.get("status")
    if found["suite"] is None or found["problems"]:
        return ", ".join(f"{problem['part']} does not answer" for problem in found["problems"])
    if found["suite"]["state"] != "running":
        return f"the suite is {found['suite']['state']}"
    return waiting.not_in_state([row for row in found["components"] if row["state"] != "stopped"], "running")


def _show(found: dict[str, Any]) -> None:
    suite, configuration = found["suite"], found["configuration"]
    output.fields({**_of_suite(suite), **_of_configuration(configuration), **_of_images(found.get("images"))})
    if configuration is not None:
        _show_trouble(configuration)
    _show_listeners(found)
    _show_faults(found["data_sources"])
    if found["components"]:
        click.echo()
        table_of(found["components"])


def _is_mute(suite: dict[str, Any]) -> bool:
    """Whether it should answer queries, and no instance that could is running."""
    return suite["state"] == "running" and not suite.get("answering", True)


def _of_suite(suite: dict[str, Any] | None) -> dict[str, object]:
    if suite is None:
        return {}
    facts = {
        "suite": NOT_ANSWERING if _is_mute(suite) else suite["state"],
        "version": suite["version"],
        "up": f"{output.duration(time.time() - suite['started'])}, since {output.moment(suite['started'])}",
        "bob": f"process {suite['pid']} as {suite['user']}",
        "listening": suite["listen"],
        "state in": suite["state_dir"],
        "sockets in": suite["run_dir"],
    }
    return facts | ({"disabled": suite["disabled"]} if suite["disabled"] else {})


def _of_configuration(configuration: dict[str, Any] | None) -> dict[str, object]:
    if configuration is None:
        return {}
    facts: dict[str, object] = {
        "revision": f"{configuration['revision']} ({configuration['author']}, {configuration['time']})"
    }
    if configuration["candidates"]:
        facts["uncommitted"] = f"changes of {output.cell(configuration['candidates'])}"
    if configuration["overlay"]:
        facts["this run only"] = [f"{path} = {output.cell(value)}" for path, value in configuration["overlay"].items()]
    return facts


def _of_images(images: ImagesState | None) -> dict[str, object]:
    if images is None or images["state"] == "none":
        return {}
    if images["state"] != "ready":
        return {"images": f"{images['state']}: {images['reason']}" if images["reason"] else images["state"]}
    facts = f"{images['zones']} zones in {images['slots']} files, {images['octets'] / MEBI:.1f} MiB"
    if images["waiting"]:
        facts += f", {images['waiting']} waiting to be built"
    published = images["published"]
    if published is not None:
        facts += f", last published {output.duration(time.time() - published)} ago"
    age = images.get("age")  # a suite of an earlier release does not say
    if age is not None:
        facts += f"; so it was {output.duration(age)} ago: memmgr waits for a data source, or has much to do"
    told: dict[str, object] = {"images": facts}
    if images.get("doubt"):  # a suite of an earlier release does not say
        told["names of no zone"] = f"refused slowly, from the data sources: {images['doubt']}"
    if images["failures"]:
        told["without image"] = images["failures"]
    return told


def _show_trouble(configuration: dict[str, Any]) -> None:
    for damage in configuration["damage"]:
        text = f"damaged: {output.printable(damage['file'])}: {output.printable(damage['reason'])}"
        click.echo(output.style(text, fg="red"))
    for warning in configuration["warnings"]:
        click.echo(f"warning: {output.printable(warning['path'])}: {output.printable(warning['reason'])}")


def _show_listeners(found: dict[str, Any]) -> None:
    """Where REST and metrics should be served and are not, or not as they should be."""
    for name in ("rest", "metrics"):
        listener = found.get(name)
        if listener is not None and listener["reason"]:
            where = f" at {listener['endpoint']}" if listener["endpoint"] else ""
            served = listener.get("state") == "open"
            line = (
                f"{name}{where}: {listener['reason']}" if served else f"{name}: not served{where}: {listener['reason']}"
            )
            click.echo(output.style(output.printable(line), fg="yellow"))


def _show_faults(faults: list[SourceFault]) -> None:
    """What is wrong with data sources, once for all instances that find the same."""
    found: dict[tuple[str, ...], list[str]] = {}
    for fault in faults:
        found.setdefault(tuple(_said(fault)), []).append(fault["instance"])
    for (first, *others), instances in found.items():
        colour = "red" if " fails: " in first else "yellow"
        for line in (f"data source {first} (says {', '.join(instances)})", *(f"  {other}" for other in others)):
            click.echo(output.style(output.printable(line), fg=colour))


def _said(fault: SourceFault) -> list[str]:
    """In lines; of very many problems the first few."""
    name, problems = fault["source"], fault["problems"]
    if fault["failure"]:
        return [f"{name} {'is not there yet' if fault['new'] else 'fails'}: {fault['failure']}"]
    count = fault.get("count", len(problems))
    if count == 1:
        return [f"{name} has a problem: {problems[0]}"]
    shown = problems[:SHOWN_PROBLEMS]
    more = [f"and {count - len(shown)} more"] if count > len(shown) else []
    return [f"{name} has {count} problems", *shown, *more]
