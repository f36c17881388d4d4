"""`bobctl user`: who may use REST over the network."""

from __future__ import annotations

import sys
from typing import IO

import click

from bobctl import completion, output
from bobctl.suite import Suite
from bobctl.verbs import Noun, done, pass_suite

ROLES = click.Choice(["read", "operate", "configure", "admin"])
_password = click.option(
    "--password-file",
    type=click.File("r"),
    metavar="FILE",
    help="Read the password from the first line of a file, or of stdin (-); without it you are asked.",
)


@click.group(cls=Noun)
def user() -> None:
    """Users of REST. There is none at first; over the UNIX socket none is needed."""


@user.command("list")
@pass_suite
def list_users(suite: Suite) -> None:
    """List the users."""
    found = suite.client.get("users")
    if suite.json:
        output.document(found)
        return
    rows = [(one["name"], one["role"], "yes" if one["has_password"] else "no") for one in found["users"]]
    output.table(("USER", "ROLE", "PASSWORD"), rows)


@user.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, required=True, help="What they may do; each includes those before it.")
@click.option("--no-password", is_flag=True, help="Only tokens let them in.")
@_password
@pass_suite
def add_user(suite: Suite, name: str, role: str, password_file: IO[str] | None, *, no_password: bool) -> None:
    """Add the user NAME."""
    if no_password and password_file is not None:
        raise click.UsageError("--no-password cannot be combined with --password-file")
    password = None if no_password else _ask(password_file)
    answer = suite.client.request("PUT", "users", name, body={"role": role, "password": password})
    done(suite, answer, f"user {name} added, with the role {role}")


@user.command("set")
@click.argument("name", shell_complete=completion.users)
@click.option("--role", type=ROLES, help="Another role.")
@click.option("--password", "ask", is_flag=True, help="Another password, which you are asked for.")
@_password
@pass_suite
def set_user(suite: Suite, name: str, role: str | None, password_file: IO[str] | None, *, ask: bool) -> None:
    """Give the user NAME another role or password."""
    password = _ask(password_file) if ask or password_file is not None else None
    answer = suite.client.request("PATCH", "users", name, body={"role": role, "password": password})
    done(suite, answer, f"user {name} changed")


@user.command("password")
@click.argument("name", required=False, shell_complete=completion.users)
@click.option(
    "--current-file",
    type=click.File("r"),
    metavar="FILE",
    help="Read your password until now from the first line of a file.",
)
@_password
@pass_suite
def password(suite: Suite, name: str | None, current_file: IO[str] | None, password_file: IO[str] | None) -> None:
    """Give yourself another password, or the user NAME.

    For another user's password you need the role admin.
    """
    if name is not None:
        if current_file is not None:
            raise click.UsageError("--current-file is for your own password")
        answer = suite.client.request("PATCH", "users", name, body={"password": _ask(password_file)})
        done(suite, answer, f"user {name} has another password")
        return
    current = _ask(current_file, "Your password until now", confirm=False)
    body = {"current": current, "password": _ask(password_file, "Your password from now on")}
    done(suite, suite.client.post("password", body=body), "you have another password")


@user.command("remove")
@click.argument("name", shell_complete=completion.users)
@pass_suite
def remove_user(suite: Suite, name: str) -> None:
    """Remove the user NAME, and with them all their tokens."""
    answer = suite.client.request("DELETE", "users", name)
    done(suite, answer, f"user {name} and all their tokens removed")


def _ask(file: IO[str] | None, prompt: str = "Password", *, confirm: bool = True) -> str:
    if file is None:
        if not sys.stdin.isatty():
            option = "--password-file" if confirm else "--current-file"
            raise click.UsageError(f"nobody is there to type a password: name a file with {option}")
        typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        return typed
    return str(file.readline()).rstrip("\n")
