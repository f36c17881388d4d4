"""`help` in the shell: of nouns and verbs from the program, of options, modules and commands from the specs."""

from __future__ import annotations

import click

from bobctl import lines, output
from bobctl.suite import Suite

SHELL_WORDS = {"help": "Help, with the words of a command for that one.", "exit": "End the shell (as Ctrl-D does)."}


def show_help(suite: Suite, words: list[str]) -> None:
    """Show what is known of a command line that begins so: the deepest thing it names."""
    context = click.Context(lines.root, info_name="", obj=suite)
    rest = list(words)
    while rest and isinstance(context.command, click.Group):
        command = context.command.get_command(context, rest[0])
        if command is None:
            output.words(f"there is no {' '.join(words)!r}")
            break
        context = click.Context(command, parent=context, info_name=rest.pop(0))
    named = [word for word in rest if not word.startswith("-")]
    if not (named and _of_the_specs(suite, words[0], named)):
        _of_the_program(context)


def _of_the_program(context: click.Context) -> None:
    click.echo(context.get_help())
    if context.parent is None:
        click.echo("\nIn the shell:")
        for word, text in SHELL_WORDS.items():
            click.echo(f"  {word:<11} {text}")


def _of_the_specs(suite: Suite, noun: str, named: list[str]) -> bool:
    """Whether a spec has something to say of what is named behind noun and verb."""
    match noun:
        case "config":
            return lines.do(suite, ["config", "describe", named[0]]) == 0
        case "call" | "modules":
            return lines.do(suite, ["modules", *named[:2]]) == 0
        case "explain":
            return lines.do(suite, ["explain", named[0]]) == 0
        case _:
            return False
