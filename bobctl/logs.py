"""`bobctl log`: what is logged and where to, how much it was, and which messages there are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from bobctl import completion, output
from bobctl.committing import commit_at_once
from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.verbs import Noun, done, pass_suite, reason_option
from cmdctl.errors import DoorClosed, ErrorAnswer, NoAnswer, NotRunning

LEVELS = ("debug", "info", "warning", "error")
USUAL = "info"  # the default of logging.level (specs/logging.yaml)
DEFAULT = "default"  # instead of a level: that of all modules, or of the suite
MAX_LINES = 1000  # cmdctl gives no more at once
MAX_PLACES = 200  # cmdctl takes no more, either
AGAIN = ("not-found", "unavailable")  # what is answered while a process is started again
INTERVAL = 1.0  # seconds between two looks with --follow
COUNTED = (*LEVELS, "suppressed", "dropped")


def levels(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Levels, and the way back to the default."""
    return [CompletionItem(one) for one in (*LEVELS, DEFAULT) if one.startswith(typed)]


@click.group("log", cls=Noun)
def log() -> None:
    """The log: its levels and places, how much was written, and which messages there are.

    `log tail` shows its last lines. All of them are where `log show` says: standard error, which under systemd is the
    journal (`journalctl -u bob -f`), syslog, or a file of the suite's machine.
    """


@log.command()
@click.argument("module", required=False, shell_complete=completion.modules)
@pass_suite
def show(suite: Suite, module: str | None) -> None:
    """Show levels, places and counts.

    For each module, or for MODULE, and how many messages it has written. KEPT BACK came too often, LOST found their
    place blocked for too long.
    """
    configured = suite.client.get("config", query={"path": "logging"})
    counted = suite.client.get("statistics", query={"module": module})["modules"]
    told = {name: _of_module(configured["value"], name, one["counters"]) for name, one in counted.items()}
    if suite.json:
        output.document({"logging": configured["value"], "modules": told, "overlay": configured["overlay"]})
        return
    rows = [(name, one["level"], one["destinations"], *one["messages"].values()) for name, one in told.items()]
    output.table(("MODULE", "LEVEL", "TO", "DEBUG", "INFO", "WARNING", "ERROR", "KEPT BACK", "LOST"), rows)
    for path, value in configured["overlay"].items():
        if path.startswith("logging"):
            output.words(f"for this run only, by the command line: {path} = {output.cell(value)}")


def _of_module(logging: dict[str, Any], name: str, counters: dict[str, int]) -> dict[str, Any]:
    own = logging["modules"].get(name) or {}
    return {
        "level": own.get("level") or logging["level"],
        "destinations": own.get("destinations") or logging["destinations"],
        "messages": {one: counters.get(f"log.{one}", 0) for one in COUNTED},
    }


@log.command()
@click.argument("module", required=False, shell_complete=completion.members)
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="Only lines of this level and above.")
@click.option("--limit", type=click.IntRange(1, MAX_LINES), default=50, show_default=True, help="At most so many.")
@click.option("--follow", "-f", is_flag=True, help="Then show what comes, until interrupted.")
@pass_suite
def tail(suite: Suite, module: str | None, level: str, limit: int, *, follow: bool) -> None:
    """Show the last lines.

    Of all processes, or of MODULE, or of one instance, as auth/1. Each keeps its last lines, some 250 of the levels
    that are logged, in the run directory, also when it has ended or was killed: those of the last three processes of
    each instance that have ended are shown, too, and where no suite runs what was left there. All others are at the
    places that `log show` tells. Lines of cmdctl, who asked for what and from where, take the role admin, as
    `bobctl audit` does.
    With --json and --follow it is one object a line. What ends meanwhile is waited for.
    """
    query: dict[str, Any] = {"module": module, "level": level, "limit": limit}
    try:
        found = suite.client.get("log", query=query)
    except (NotRunning, DoorClosed) as error:
        if follow or suite.run_directory is None:
            raise
        found = _left_behind(suite.run_directory, query, error)
    if suite.json and not follow:
        output.document(found)
        return
    _show(suite, found, [])
    if follow:
        _follow(suite, query, found)


def _left_behind(run_directory: Path, query: dict[str, Any], error: Exception) -> dict[str, Any]:
    """What the processes of a suite have left, where nobody can be asked; raises the error where that is nothing."""
    from cmdctl.log_page import Wanted, page, silent_files  # what reads files: only here
    from daemonkit.log_files import read_lines
    from daemonkit.paths import Directories

    try:
        found, problems = read_lines(Directories(Path(), run_directory).last_lines)
    except OSError:  # another user's
        raise error from None
    if not found:
        raise error
    output.words(f"{error}; these lines are what its processes have left in {run_directory}")
    wanted = Wanted(query["module"] or "", query["level"], query["limit"])
    return dict(page(found, wanted, list(silent_files(problems))))


def _follow(suite: Suite, query: dict[str, Any], found: dict[str, Any]) -> NoReturn:
    """Show what comes, over the end of any process that begins again: what is followed, cmdctl, the suite."""
    places: dict[str, str] = {}
    trouble = ""
    while True:
        places = _places(places, found["next"])
        after = ",".join(f"{pid}:{number}" for pid, number in places.items())
        query.update(after=after or None, limit=MAX_LINES)  # nothing: nobody has answered
        time.sleep(INTERVAL)
        try:
            new = suite.client.get("log", query=query)
        except (NotRunning, DoorClosed, NoAnswer, ErrorAnswer) as error:
            if isinstance(error, ErrorAnswer) and error.code not in AGAIN:
                raise
            if str(error) != trouble:
                trouble = str(error)
                output.words(f"{trouble}: trying again")
            continue
        _show(suite, new, found["silent"])
        found, trouble = new, ""


def _places(before: dict[str, str], told: str) -> dict[str, str]:
    """Where each process is in its log. Those not heard of just now are kept: cmdctl may only not know them yet."""
    now = dict(place.split(":", 1) for place in told.split(",") if place)
    every = {pid: number for pid, number in before.items() if pid not in now} | now
    return dict(list(every.items())[-MAX_PLACES:])


def _show(suite: Suite, found: dict[str, Any], silent: list[Any]) -> None:
    """One answer; `silent` is who did not tell its lines in the last one."""
    for line in found["lines"]:
        _line(suite, line)
    if found["missed"]:
        output.words(f"{found['missed']} lines came too fast to be shown here")
    if found["silent"] != silent:
        for one in found["silent"]:
            output.words(f"{one['member']} is not shown in full: {one['reason']}")


def _line(suite: Suite, line: dict[str, Any]) -> None:
    if suite.json:
        click.echo(json.dumps(line, ensure_ascii=False))
        return
    when = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(line['time']))}.{int(line['time'] % 1 * 1000):03}Z"
    severity = output.state(line["severity"], line["severity"].upper())
    said = f"{line['id']} {line['text']}" if line["id"] else line["text"]
    process = f"{line['who']}[{line['pid']}{', ended' if line['ended'] else ''}]"
    click.echo(f"{when} {severity} {output.printable(process)} {output.printable(said)}")
    for one in line["traceback"]:
        click.echo(f"    {output.printable(one)}")


@log.command()
@click.argument("level", type=click.Choice((*LEVELS, DEFAULT)), shell_complete=levels)
@click.argument("module", required=False, shell_complete=completion.modules)
@reason_option
@pass_suite
def level(suite: Suite, level: str, module: str | None, reason: str) -> None:
    """Set the level of all, or of a module.

    Of MODULE, or of all modules that have none of their own. It is configuration, committed at once, and takes effect
    in every process. `default` takes it back.
    """
    configured = suite.client.get("config", query={"path": "logging"})["value"]
    path = "logging.level" if module is None else f"logging.modules[{module}].level"
    if module is not None:
        suite.client.get("modules", module)  # a name that no module has would have no effect
    shown = "the log" if module is None else f"the log of {module}"
    text = f"{shown} has the default level" if level == DEFAULT else f"{shown} has the level {level}"
    own = configured if module is None else configured["modules"].get(module) or {}
    usual = USUAL if module is None else None
    if own.get("level") == (usual if level == DEFAULT else level):
        done(suite, {"revision": None}, f"{text} already")
        return
    if level == DEFAULT:
        answer = commit_at_once(suite, "unset", {"path": path}, reason or text)
    else:
        answer = commit_at_once(suite, "set", {"path": path, "value": level}, reason or text)
    done(suite, answer, f"{text} (revision {answer['revision']})")


@log.command()
@click.argument("part", required=False, shell_complete=completion.messages)
@pass_suite
def messages(suite: Suite, part: str | None) -> None:
    """List the messages there are.

    Those with PART in their ID or text; no running suite is needed. `bobctl explain ID` tells more of one.
    """
    found = list(_messages((part or "").lower()))
    if suite.json:
        output.document({"messages": [{"id": name, "severity": kind, "text": text} for name, kind, text in found]})
        return
    if not found:
        raise CommandError("not-found", f"no message has {part!r} in its ID or text")
    output.table(("ID", "SEVERITY", "TEXT"), found)


def _messages(part: str) -> Iterator[tuple[str, str, str]]:
    from daemonkit.spec import Spec  # PyYAML and the specs: only here
    from daemonkit.spec import modules as ours

    for module in ours():
        for name, message in sorted(Spec.load(module).messages.items()):
            if part in name.lower() or part in message.text.lower():
                yield name, message.severity, message.text
