"""`bobctl execute`: the commands of a file, one a line."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import IO

import click

from bobctl import lines, output
from bobctl.errors import CommandError
from bobctl.rehearsal import Rehearsal
from bobctl.suite import Suite
from bobctl.verbs import Verb, pass_suite

NAME = "execute"


@click.command(cls=Verb)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Try every line as far as that has no effect; nothing is done.")
@pass_suite
def execute(suite: Suite, file: str, *, dry_run: bool) -> None:
    """Do the commands in FILE, one a line, up to the first that fails.

    Lines are as in the shell: without `bobctl`, `#` begins a comment. FILE is `-` for stdin. All lines are read before
    the first is done. Where one fails, its number is named and the exit code is that of the command: what was done
    before it stays done; configuration is in your candidate until a line says `config commit`.

    A dry run tells of each line what it would do. Edits of the configuration, also those of commands that commit by
    themselves, are made on top of what is in effect, checked by the running processes, and kept nowhere; your
    candidate, which must be empty, stays as it is. It checks whether you may, and whether what is named exists, or
    would after the lines before: components, zones, users, tokens, keys, modules, commands and arguments. What only
    reads is done, and not shown; of all other lines the words are checked. Where a line would make a secret, a file
    beside its place stands for it until the dry run ends. It stops at the first error, too.
    """
    commands = list(_commands(file))
    if dry_run:
        _rehearse(suite, file, commands)
        return
    for place, words in commands:
        code = lines.do(suite, words)
        if code:
            output.words(f"bobctl: {place}: `{' '.join(words)}` failed; the lines after it were not done")
            sys.exit(code)


def _rehearse(suite: Suite, file: str, commands: list[tuple[str, list[str]]]) -> None:
    """Try the lines without effect, up to the first that cannot be done."""
    rehearsal, told = Rehearsal(suite), []
    try:
        for place, words in commands:
            code = lines.do(suite, words, rehearsal=rehearsal)
            if code:
                output.words(f"bobctl: {place}: `{' '.join(words)}` cannot be done; nothing was done")
                sys.exit(code)
            told.append({"place": place, "command": shlex.join(words), "outcome": rehearsal.told})
            if not suite.json:
                output.words(f"{place}: {shlex.join(words)}: {rehearsal.told}")
        rehearsal.finish()
    finally:
        rehearsal.end()
    if suite.json:
        output.document({"commands": told})
    output.words(f"{file}: {len(commands)} commands, none of them done")


def _commands(file: str) -> Iterator[tuple[str, list[str]]]:
    """Each command with its place; raises UsageError, CommandError."""
    name = "stdin" if file == "-" else file
    try:
        with click.open_file(file, encoding="utf-8") as stream:
            yield from _split(stream, name)
    except OSError as error:
        raise CommandError("failed", f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CommandError("usage", f"{file}: is not UTF-8: {error}") from error


def _split(stream: IO[str], name: str) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(stream, 1):
        place = f"{name}:{number}"
        try:
            words = lines.words_of(line)
        except click.UsageError as error:
            raise click.UsageError(f"{place}: {error.message}") from error
        if words[:1] == ["bobctl"]:  # copied from where a command line had it
            words = words[1:]
        if words[:1] == [NAME]:
            raise click.UsageError(f"{place}: a file does not execute another")
        if words:
            yield place, words
