"""`bobctl token`: what programs, and bobctl elsewhere, show to be let in."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from bobctl import completion, output
from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.users import ROLES
from bobctl.verbs import Noun, done, pass_suite

SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}
MODE = 0o600


@click.group(cls=Noun)
def token() -> None:
    """Tokens of users of REST. A token is shown once, when it is made."""


@token.command("list")
@pass_suite
def list_tokens(suite: Suite) -> None:
    """List your tokens; with the role admin, those of all users."""
    found = suite.client.get("tokens")
    if suite.json:
        output.document(found)
        return
    head = ("ID", "USER", "ROLE", "ZONES", "EXPIRES", "LABEL")
    rows = [
        (t["id"], t["user"], t["role"], t["zones"] or "all", _day(t["expires"]), t["label"]) for t in found["tokens"]
    ]
    output.table(head, rows)


@token.command("add")
@click.option(
    "--user",
    "name",
    metavar="NAME",
    shell_complete=completion.users,
    help="Whose token it is; over the network yours, if you name nobody.",
)
@click.option("--role", type=ROLES, help="A role below that of its user.")
@click.option(
    "--zone",
    "zones",
    multiple=True,
    metavar="ZONE",
    shell_complete=completion.zones,
    help="Only for requests about this zone; may be repeated.",
)
@click.option("--label", default="", metavar="TEXT", help="What it is for, for people.")
@click.option(
    "--expires", metavar="TIME", help="For how long it is good, as in 12h, 30d or 8w; else until it is revoked."
)
@click.option(
    "--file", type=click.Path(path_type=Path), metavar="FILE", help="Write it to a new file that only you can read."
)
@pass_suite
def add_token(
    suite: Suite,
    name: str | None,
    role: str | None,
    zones: tuple[str, ...],
    label: str,
    expires: str | None,
    file: Path | None,
) -> None:
    """Make a token. Keep what is shown: it is not shown again."""
    body: dict[str, Any] = {"label": label}
    wanted = {"user": name, "role": role, "zones": list(zones) or None, "lifetime": _seconds(expires)}
    body |= {key: value for key, value in wanted.items() if value is not None}
    with _new(file) as written:
        answer = suite.client.post("tokens", body=body)
        if written is not None:
            os.write(written, f"{answer['token']}\n".encode())
            answer = {**answer, "token": None}
    if suite.json:
        output.document(answer)
    elif file is not None:
        output.words(f"token {answer['id']} of {answer['user']} is in {file}")
    else:
        output.words(f"token {answer['id']} of {answer['user']}; it is not shown again:")
        click.echo(answer["token"])


@token.command("revoke")
@click.argument("identity", metavar="ID", shell_complete=completion.tokens)
@pass_suite
def revoke(suite: Suite, identity: str) -> None:
    """Revoke the token ID: it lets nobody in any more."""
    answer = suite.client.request("DELETE", "tokens", identity)
    done(suite, answer, f"token {identity} revoked")


class _new:  # noqa: N801 - a context manager, used like a function
    """A new file for its owner only, or nothing; made before the token is, so that no token is lost."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __enter__(self) -> int | None:
        if self._path is not None:
            try:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
            except OSError as error:
                raise CommandError("failed", f"{self._path}: {error.strerror}") from error
        return self._descriptor

    def __exit__(self, kind: object, *_error: object) -> None:
        if self._descriptor is not None:
            assert self._path is not None
            os.close(self._descriptor)
            if kind is not None:
                self._path.unlink()


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in SECONDS:
        raise click.BadParameter(f"{text!r} is no time like 12h, 30d or 8w", param_hint="--expires")
    return float(int(number) * SECONDS[unit])


def _day(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
