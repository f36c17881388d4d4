"""`bobctl health`: check a domain from here, list the test cases, explain a tag. Needs no running suite."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bobctl import health_arguments, output
from bobctl.errors import CommandError
from bobctl.health_report import JsonLines, Raw, Report
from bobctl.suite import Suite
from bobctl.verbs import Noun, pass_suite
from health.engine import catalogue, explanation
from health.engine.catalogue import Catalogue
from health.engine.clock import Clock, SystemClock
from health.engine.context import DelegationSigner
from health.engine.errors import CatalogueError, HealthError
from health.engine.hints import Hints
from health.engine.levels import Level
from health.engine.network import Network
from health.engine.profiles import Profile
from health.engine.recording import Recorder, Replay
from health.engine.results import name_text
from health.engine.runner import Test
from health.engine.sockets import SocketNetwork

_TICK = 0.5  # seconds between two looks at how far a test is
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _language(_context: click.Context, _parameter: click.Parameter, value: str) -> Catalogue:
    try:
        return catalogue.load(value)
    except CatalogueError as error:
        raise click.BadParameter(str(error)) from error


_language_option = click.option(
    "--lang", "texts", default="en", metavar="L", callback=_language, help="The language of messages: en, de."
)


@click.group(cls=Noun)
def health() -> None:
    """Domain health checks: run, list, explain."""


@health.command()
@click.argument("domain")
@click.option(
    "--ns",
    "nameservers",
    multiple=True,
    callback=health_arguments.name_servers,
    metavar="NAME[/ADDRESS]",
    help="Pretend that the domain is delegated to this name server. May be repeated.",
)
@click.option(
    "--ds",
    "signers",
    multiple=True,
    callback=health_arguments.signers,
    metavar="KEYTAG,ALGORITHM,TYPE,DIGEST",
    help="Pretend that the parent has this DS record. May be repeated.",
)
@click.option("--profile", "profile_file", type=_FILE, metavar="FILE", help="A profile (YAML or JSON).")
@click.option("--hints", "hints_file", type=_FILE, metavar="FILE", help="The root servers, as in named.root.")
@click.option("--test", "cases", multiple=True, metavar="CASE", help="Run this case or module only. May be repeated.")
@click.option(
    "--level",
    callback=health_arguments.level,
    default="NOTICE",
    metavar="L",
    help="Show entries from this level on.",
)
@_language_option
@click.option("--raw", is_flag=True, help="Tags and arguments instead of sentences.")
@click.option("--ipv4/--no-ipv4", default=None, help="Whether to ask servers over IPv4.")
@click.option("--ipv6/--no-ipv6", default=None, help="Whether to ask servers over IPv6.")
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Keep what was said.")
@click.option("--replay", type=_FILE, metavar="FILE", help="Ask nobody: use what --record kept.")
@pass_suite
def run(suite: Suite, /, domain: str, level: Level, texts: Catalogue, *, raw: bool, **given: Any) -> None:
    """Check the health of DOMAIN.

    With --json, one JSON object a line, as results come.

    The exit code is 0 where nothing worse than NOTICE was found, 10 for WARNING, 11 for ERROR, 12 for CRITICAL;
    1 when the test could not be run (not even a root server answered), 2 for wrong arguments.
    """
    try:
        with ExitStack() as stack:
            test = _test(domain, stack, **given)
            report: Raw = Report(_shown(domain, test), level, texts)
            if suite.json or raw:
                report = JsonLines(level, texts) if suite.json else Raw(level)
            asyncio.run(_follow(test, report))
    except HealthError as error:
        raise CommandError("usage", str(error)) from error
    sys.exit(report.exit_code)


def _shown(domain: str, test: Test) -> str:
    """The domain as it was given, and as messages have it where that is something else."""
    tested = name_text(test.zone)
    return tested if domain.isascii() else f"{domain} ({tested})"


async def _follow(test: Test, report: Raw) -> None:
    """Show what is found as it comes; interrupted, what was found so far."""
    now = asyncio.get_running_loop().time
    begun = now()

    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK)
            report.tick(test, now() - begun)

    ticking = asyncio.create_task(tick())
    whole = False
    try:
        async for entry in test.run():
            report.show(entry)
        whole = True
    finally:
        ticking.cancel()
        report.end(test, now() - begun, whole=whole)


def _test(
    domain: str,
    stack: ExitStack,
    *,
    nameservers: tuple[Any, ...],
    signers: tuple[DelegationSigner, ...],
    profile_file: Path | None,
    hints_file: Path | None,
    cases: tuple[str, ...],
    ipv4: bool | None,
    ipv6: bool | None,
    record: Path | None,
    replay: Path | None,
) -> Test:
    profile = Profile.default() if profile_file is None else Profile.load(profile_file)
    switches = {name: value for name, value in (("ipv4", ipv4), ("ipv6", ipv6)) if value is not None}
    profile = profile.overlaid({"net": switches})
    network, clock = _door(profile, record, replay, stack)
    return Test(
        domain,
        network=network,
        clock=clock,
        profile=profile,
        undelegated=health_arguments.undelegated(nameservers, signers),
        hints=None if hints_file is None else Hints.load(hints_file),
        cases=cases or None,
    )


def _door(profile: Profile, record: Path | None, replay: Path | None, stack: ExitStack) -> tuple[Network, Clock]:
    if replay is not None:
        recorded = Replay(replay)
        return recorded, recorded.clock
    clock = SystemClock()
    network: Network = SocketNetwork(profile.get("resolver.source4") or "", profile.get("resolver.source6") or "")
    if record is not None:
        try:
            network = Recorder(network, stack.enter_context(record.open("w", encoding="utf-8")), clock)
        except OSError as error:
            raise CommandError("failed", f"cannot write {record}: {error.strerror}") from error
    return network, clock


@health.command("list")
@_language_option
@pass_suite
def list_cases(suite: Suite, texts: Catalogue) -> None:
    """List all test cases in the order they run."""
    cases = explanation.cases()
    if suite.json:
        output.document([{"case": c.name, "module": c.module, "title": texts.title(c.name)} for c in cases])
    else:
        output.table(("MODULE", "CASE", "ABOUT"), [(c.module, c.name, texts.title(c.name)) for c in cases])


@health.command()
@click.argument("tag")
@_language_option
@pass_suite
def explain(suite: Suite, tag: str, texts: Catalogue) -> None:
    """Say what a tag means and how severe it is."""
    found = explanation.explain(tag, texts)
    if not found:
        raise CommandError("not-found", f"there is no tag and no test case {tag!r}")
    if suite.json:
        output.document(found)
        return
    for number, document in enumerate(found):
        if number:
            click.echo()
        output.fields({name: value for name, value in document.items() if value not in ("", [])})
