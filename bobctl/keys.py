"""`bobctl key`: TSIG keys. What it changes is configuration, committed at once; secrets stay in files of their own."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from bobctl import completion, output, secret_files
from bobctl.committing import commit_at_once
from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.verbs import Noun, done, pass_suite
from cmdctl.errors import ErrorAnswer

# Octets of a secret: those of the hash, as RFC 8945 section 8 asks.
ALGORITHMS = {
    "hmac-sha256": 32,
    "hmac-sha384": 48,
    "hmac-sha512": 64,
    "hmac-sha224": 28,
    "hmac-sha256-128": 32,
    "hmac-sha384-192": 48,
    "hmac-sha512-256": 64,
    "hmac-sha1": 20,
}


def names(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Keys of the configuration."""
    found = completion.ask(completion.suite_of(context), "config", query={"path": "keys"}).get("value") or {}
    return [CompletionItem(name) for name in sorted(found) if name.startswith(typed)]


@click.group(cls=Noun)
def key() -> None:
    """TSIG keys (RFC 8945): secrets shared with those who ask, transfer or update."""


@key.command("list")
@pass_suite
def list_keys(suite: Suite) -> None:
    """List the keys, without their secrets."""
    found = suite.client.get("config", query={"path": "keys"})["value"] or {}
    if suite.json:
        output.document({"keys": [{"name": name, **entry} for name, entry in sorted(found.items())]})
        return
    rows = [(name, entry["algorithm"], entry["secret_file"]) for name, entry in sorted(found.items())]
    output.table(("KEY", "ALGORITHM", "SECRET IN"), rows)


@key.command("add")
@click.argument("name")
@click.option(
    "--algorithm",
    type=click.Choice(list(ALGORITHMS)),
    default="hmac-sha256",
    show_default=True,
    help="What requests are signed with.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the new secret is written, on the suite's machine; else below its state directory.",
)
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make no secret: it is in this file of the suite's machine, in base64.",
)
@click.option("--no-show", is_flag=True, help="Do not show the new secret.")
@pass_suite
def add_key(
    suite: Suite, name: str, algorithm: str, file: Path | None, secret_file: Path | None, *, no_show: bool
) -> None:
    """Make the key NAME.

    A new secret is written to a file that only the suite can read, and shown once, as dig -y takes it. The peer has to
    get it in confidence.
    """
    if file is not None and secret_file is not None:
        raise click.UsageError("--file is for a new secret, --secret-file for one that is there")
    known = suite.client.get("config", query={"path": "keys"})["value"] or {}
    if name.lower().rstrip(".") in known:
        raise CommandError("conflict", f"there is a key {name} already; remove it first")
    secret = None
    if secret_file is None:
        secret = secret_files.secret_of(ALGORITHMS[algorithm])
        secret_file = secret_files.make(suite, name, file, secret)
    try:
        entry = {"algorithm": algorithm, "secret_file": str(secret_file.absolute())}
        body = {"path": "keys", "key": name, "value": entry}
        committed = commit_at_once(suite, "add", body, f"key {name} added")
    except ErrorAnswer:
        if secret is not None:
            secret_file.unlink()
        raise
    shown = None if no_show else secret
    if suite.json:
        output.document({"name": name, **entry, "secret": shown, "revision": committed["revision"]})
        return
    output.words(f"key {name} added, with the secret in {entry['secret_file']}")
    if shown is not None:
        click.echo(f"{algorithm}:{name}:{shown}")


@key.command("remove")
@click.argument("name", shell_complete=names)
@pass_suite
def remove_key(suite: Suite, name: str) -> None:
    """Take the key NAME away. The file with its secret stays."""
    known = suite.client.get("config", query={"path": "keys"})["value"] or {}
    name = name.lower().rstrip(".")
    if name not in known:
        raise CommandError("not-found", f"there is no key {name}")
    committed = commit_at_once(suite, "remove", {"path": "keys", "key": name}, f"key {name} removed")
    done(suite, committed, f"key {name} removed; its secret is still in {known[name]['secret_file']}")
