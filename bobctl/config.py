"""`bobctl config`: the configuration. Changes gather in a candidate of your own until they are committed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path as FilePath
from typing import Any

import click

from bobctl import completion, output, waiting
from bobctl.config_conflict import explained
from bobctl.config_report import (
    comments_lost,
    counted,
    facts_of,
    tell_changes,
    tell_late,
    tell_modules,
    tell_problem,
)
from bobctl.edits import edit_of
from bobctl.errors import ExitCode
from bobctl.suite import Suite
from bobctl.verbs import Noun, done, pass_suite, reason_option


@click.group(cls=Noun)
def config() -> None:
    """Configuration: show, set, diff, commit.

    A PATH is written as in `zones.example.org.query_acl[0].action`. A VALUE is read as YAML: `4`, `[a, b]`,
    `{action: REJECT}`. Changes have no effect before `commit`.
    """


@config.command()
@click.argument("path", default="", shell_complete=completion.paths)
@click.option("--stored", "form", flag_value="stored", help="Only what differs from the defaults.")
@click.option("--candidate", "form", flag_value="candidate", help="As your candidate has it.")
@pass_suite
def show(suite: Suite, path: str, form: str | None) -> None:
    """Show the configuration below PATH, with all defaults."""
    found = _look(suite, path, form or "complete")
    if suite.json:
        output.document(found)
        return
    output.yaml_document(found["value"])
    for place, count in found["left_out"].items():
        output.words(f"{count} more in {place}: `bobctl config list {place}`")
    for place, value in found["overlay"].items():
        if not place.startswith(path) and not path.startswith(place):
            continue
        output.words(f"for this run only, by the command line: {place} = {output.cell(value)}")


@config.command("list")
@click.argument("path", default="zones", shell_complete=completion.paths)
@click.option("--after", default="", metavar="KEY", help="Only those behind this key.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many.")
@pass_suite
def list_entries(suite: Suite, path: str, after: str, limit: int) -> None:
    """List the entries of a map, such as zones.

    In order of their keys, with what is stored for each.
    """
    query = {"path": path, "after": after, "limit": limit, "form": "stored"}
    page = suite.client.get("config", "entries", query=query)
    if suite.json:
        output.document(page)
        return
    output.table(("NAME", "VALUE"), [(entry["key"], output.flow(entry["value"])) for entry in page["entries"]])
    if page["more"]:
        last = page["entries"][-1]["key"]
        output.words(f"{page['total']} in all; the next ones: `bobctl config list {path} --after {last}`")


@config.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=FilePath))
@pass_suite
def export(suite: Suite, file: FilePath | None) -> None:
    """Write the configuration as a bob.yaml.

    With the comments of the one it came from, to FILE, which is replaced, or to standard output. Secrets stay in their
    own files.
    """
    found = suite.client.get("config", "export")
    if suite.json:
        output.document(found)
        return
    if file is None:
        click.echo(found["text"], nl=False)
        if found["uncommented"]:
            output.words(f"revision {found['revision']}{comments_lost(found)}")
        return
    try:
        written = file.with_name(file.name + ".new")
        written.write_text(found["text"], encoding="utf-8")
        if file.exists():
            shutil.copymode(file, written)
        written.replace(file)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    comments = f", with the comments of {found['source']}" if found["source"] else ""
    output.words(f"revision {found['revision']} is in {file}{comments}{comments_lost(found)}")


@config.command()
@click.argument("path", shell_complete=completion.paths)
@click.option("--stored", "form", flag_value="stored", help="Only what differs from the defaults.")
@click.option("--candidate", "form", flag_value="candidate", help="As your candidate has it.")
@pass_suite
def get(suite: Suite, path: str, form: str | None) -> None:
    """Print one value."""
    value = _look(suite, path, form or "complete")["value"]
    if suite.json:
        output.document(value)
    else:
        output.yaml_document(value)


@config.command()
@click.argument("path", shell_complete=completion.paths)
@pass_suite
def describe(suite: Suite, path: str) -> None:
    """Explain what the option at PATH takes."""
    found = suite.client.get("config", "describe", query={"path": path})
    if suite.json:
        output.document(found)
        return
    output.fields(facts_of(found))
    if found["text"]:
        click.echo()
        output.paragraphs(found["text"])
    if found["inside"]:
        click.echo()
        output.table(("OPTION", "TYPE", "TEXT"), [(k["path"], k["kind"], k["text"]) for k in found["inside"]])


@config.command("set")
@click.argument("path", shell_complete=completion.paths)
@click.argument("value", shell_complete=completion.values)
@pass_suite
def set_option(suite: Suite, path: str, value: str) -> None:
    """Give an option another value, in your candidate."""
    _edited(suite, suite.client.post("config", "set", body=edit_of("set", path, value)))


@config.command()
@click.argument("path", shell_complete=completion.paths)
@pass_suite
def unset(suite: Suite, path: str) -> None:
    """Give an option its default back.

    Where PATH is an entry of a map, it is taken away. Both in your candidate.
    """
    _edited(suite, suite.client.post("config", "unset", body=edit_of("unset", path)))


@config.command()
@click.argument("path", shell_complete=completion.paths)
@click.argument("value", required=False, shell_complete=completion.values)
@click.option("--key", help="The name of the new entry, where PATH is a map.")
@pass_suite
def add(suite: Suite, path: str, value: str | None, key: str | None) -> None:
    """Append to a list, or make an entry in a map.

    VALUE is appended to the list PATH, or the entry --key (with VALUE) is made in the map PATH.
    """
    _edited(suite, suite.client.post("config", "add", body=edit_of("add", path, value, key)))


@config.command()
@click.argument("path", shell_complete=completion.paths)
@click.argument("value", required=False, shell_complete=completion.values)
@click.option("--key", shell_complete=completion.keys, help="The name of the entry, where PATH is a map.")
@pass_suite
def remove(suite: Suite, path: str, value: str | None, key: str | None) -> None:
    """Take something out of a list or map.

    VALUE is taken out of the list PATH, the entry --key out of the map PATH, or what PATH itself names.
    """
    _edited(suite, suite.client.post("config", "remove", body=edit_of("remove", path, value, key)))


_of = click.option(
    "--of",
    "author",
    metavar="AUTHOR",
    shell_complete=completion.candidates,
    help="Somebody else's, as `config candidates` names them; needs the role admin.",
)


@config.command()
@pass_suite
def candidates(suite: Suite) -> None:
    """List everybody's candidates.

    Who has uncommitted changes, how many, and on which revision. Those of users and tokens that no longer exist are
    forgotten first.
    """
    found = suite.client.get("config", "candidates")
    if suite.json:
        output.document(found)
        return
    head = ("AUTHOR", "REVISION", "CHANGES", "STATE")
    rows = [
        (one["author"], one["base"], one["count"], "fresh" if one["base"] == found["revision"] else "to be rebased")
        for one in found["candidates"]
    ]
    output.table(head, rows)


@config.command()
@_of
@pass_suite
def diff(suite: Suite, author: str | None) -> None:
    """Show what your candidate changes."""
    if author is None:
        candidate = suite.client.get("config", "candidate")
    else:
        candidate = suite.client.get("config", "candidates", author)
    if suite.json:
        output.document(candidate)
        return
    tell_changes(candidate)
    if not candidate["changes"]:
        output.words("nothing is changed")
    elif candidate["revision"] > candidate["base"]:
        newest = f"and {candidate['revision']} is the newest" + (": `bobctl config rebase`" if author is None else "")
        output.words(f"made against revision {candidate['base']}, {newest}")


@config.command()
@_of
@pass_suite
def revert(suite: Suite, author: str | None) -> None:
    """Forget your candidate."""
    if author is None:
        candidate = suite.client.post("config", "discard")
    else:
        candidate = suite.client.request("DELETE", "config", "candidates", author)
    whose = "" if author is None else f" of {author}"
    done(suite, candidate, f"{counted(candidate)}{whose} forgotten")


@config.command("discard", hidden=True)
@_of
@click.pass_context
def discard(context: click.Context, author: str | None) -> None:
    """Do as `revert`; the name REST has for it."""
    context.invoke(revert, author=author)


@config.command()
@pass_suite
def rebase(suite: Suite) -> None:
    """Bring your candidate onto the newest revision."""
    with explained(suite):
        candidate = suite.client.post("config", "rebase")
    _edited(suite, candidate)


@config.command()
@pass_suite
def check(suite: Suite) -> None:
    """Check your candidate, without effect.

    The running modules are asked, too. The exit code is 1 if it cannot be committed.
    """
    checked = suite.client.post("config", "check")
    if suite.json:
        output.document(checked)
    else:
        for problem in checked["problems"]:
            tell_problem(problem)
        tell_modules(checked["modules"])
        if any(answer["adjustments"] for answer in checked["modules"]):
            tell_changes(checked)  # which are not those of the candidate
        output.words("no errors found" if checked["good"] else "this cannot be committed")
    if not checked["good"]:
        sys.exit(ExitCode.FAILED)


@config.command()
@reason_option
@waiting.wait_options
@pass_suite
def commit(suite: Suite, reason: str, timeout: float, *, wait: bool) -> None:
    """Put your candidate into effect.

    It is on all modules concerned, or on none. With --wait it is not done before every process that runs says it has
    that revision.
    """
    with explained(suite):
        committed = suite.client.post("config", "commit", body={"reason": reason})
    if wait:
        waiting.for_revision(suite, committed["revision"], timeout)
    _show_committed(suite, committed)


@config.command("reload")
@click.option("--apply", is_flag=True, help="Put it into effect.")
@reason_option
@waiting.wait_options
@pass_suite
def reload_file(suite: Suite, reason: str, timeout: float, *, apply: bool, wait: bool) -> None:
    """Read bob.yaml again and show what it changes.

    With --apply, that is put into effect.
    """
    found = suite.client.post("config", "reload", body={"apply": apply, "reason": reason})
    errors = [problem for problem in found["problems"] if problem["severity"] == "error"]
    if wait and found["revision"]:
        waiting.for_revision(suite, found["revision"], timeout)
    if suite.json:
        output.document(found)
    else:
        tell_changes(found)
        for problem in found["problems"]:
            tell_problem(problem)
        tell_modules(found["modules"])
        tell_late(found["late"])
        effect = f"in effect as revision {found['revision']}" if found["revision"] else "nothing is changed yet"
        for file in found["secrets"]:
            output.words(f"the secret in {file} has changed")
        output.words(f"{found['source']}: {counted(found)}; {effect}")
    if errors:
        sys.exit(ExitCode.FAILED)


@config.command()
@click.argument("revision", type=click.IntRange(min=1), shell_complete=completion.revisions)
@click.option("--dry-run", is_flag=True, help="Only show what that changes.")
@reason_option
@waiting.wait_options
@pass_suite
def rollback(suite: Suite, revision: int, reason: str, timeout: float, *, dry_run: bool, wait: bool) -> None:
    """Put the values of an older REVISION into effect.

    They become a new revision, so that this can be undone, too. Your candidate is not touched.
    """
    body = {"revision": revision, "apply": not dry_run, "reason": reason}
    found = suite.client.post("config", "rollback", body=body)
    if wait and found["revision"]:
        waiting.for_revision(suite, found["revision"], timeout)
    if suite.json:
        output.document(found)
        return
    tell_changes(found)
    for warning in found["warnings"]:
        tell_problem(warning)
    tell_modules(found["modules"])
    tell_late(found["late"])
    effect = f"in effect as revision {found['revision']}" if found["revision"] else "nothing is changed yet"
    output.words(f"back to revision {revision}: {counted(found)}; {effect}")


@config.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--before", type=click.IntRange(min=1), metavar="REVISION", help="Only older ones.")
@click.option("--changes", is_flag=True, help="With what each of them changed.")
@pass_suite
def history(suite: Suite, limit: int, before: int | None, *, changes: bool) -> None:
    """List the revisions, newest first."""
    query = {"limit": limit, "before": before, "changes": "true" if changes else None}
    found = suite.client.get("config", "history", query=query)
    if suite.json:
        output.document(found)
        return
    if not changes:
        head = ("REVISION", "TIME", "AUTHOR", "CHANGES", "REASON")
        output.table(
            head, [(r["revision"], r["time"], r["author"], r["count"], r["reason"]) for r in found["revisions"]]
        )
        return
    for revision in found["revisions"]:
        title = (
            f"revision {revision['revision']}, {revision['time']}, {revision['author']}: {revision['reason'] or '-'}"
        )
        click.echo(output.style(output.printable(title), bold=True))
        tell_changes(revision)


def _look(suite: Suite, path: str, form: str) -> Any:
    return suite.client.get("config", query={"path": path, "form": form})


def _edited(suite: Suite, candidate: dict[str, Any]) -> None:
    pronoun = "it" if len(candidate["changes"]) == 1 else "them"
    text = f"{counted(candidate)} in your candidate; `bobctl config commit` puts {pronoun} into effect"
    done(suite, candidate, text if candidate["changes"] else "your candidate changes nothing")


def _show_committed(suite: Suite, committed: dict[str, Any]) -> None:
    if suite.json:
        output.document(committed)
    else:
        for warning in committed["warnings"]:
            tell_problem(warning)
        tell_modules(committed["modules"])
        tell_late(committed["late"])
        output.words(f"revision {committed['revision']} is in effect, {counted(committed)}")
