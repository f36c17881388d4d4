"""The nouns of the command line, each in a module of its own that is imported when it is used."""

from __future__ import annotations

import importlib

import click
from click.shell_completion import CompletionItem

# noun -> (module, attribute, help of one line): the help of all nouns needs none of their modules.
NOUNS = {
    "audit": ("bobctl.audit", "audit", "Who changed what, and who was refused."),
    "call": ("bobctl.call", "call", "Send a command to a module."),
    "completion": ("bobctl.shell_scripts", "completion", "Completion for bash, zsh or fish."),
    "component": ("bobctl.component", "component", "The processes of the suite: list, start, stop, add, change."),
    "config": ("bobctl.config", "config", "Configuration: show, set, diff, commit."),
    "execute": ("bobctl.execute", "execute", "Do the commands in a file, up to the first error."),
    "explain": ("bobctl.explain", "explain", "Explain a log message, or why a query is answered as it is."),
    "health": ("bobctl.health_checks", "health", "Check the health of a domain; needs no running suite."),
    "key": ("bobctl.keys", "key", "TSIG keys: list, add, remove."),
    "log": (
        "bobctl.logs",
        "log",
        "The log: its last lines, levels, places, counts, and which messages there are.",
    ),
    "modules": ("bobctl.modules", "modules", "The modules of the suite and what they understand."),
    "stats": ("bobctl.counters", "stats", "Counters of all modules and instances."),
    "status": ("bobctl.status", "status", "How the suite is."),
    "token": ("bobctl.tokens", "token", "Tokens of REST: list, add, revoke."),
    "user": ("bobctl.users", "user", "Users of REST: list, add, set, remove."),
    "version": ("bobctl.version", "version", "The versions of this program and of the running suite."),
    "zone": ("bobctl.zone", "zone", "Zones: list, show, check, export, delete, reload."),
}


class Nouns(click.Group):
    """A group that imports a command when it is called for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All nouns."""
        return sorted(NOUNS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one noun."""
        if cmd_name not in NOUNS:
            return None
        module, attribute, _ = NOUNS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The nouns, without importing them, and what options there are."""
        nouns = [
            CompletionItem(noun, help=NOUNS[noun][2]) for noun in self.list_commands(ctx) if noun.startswith(incomplete)
        ]
        return [*nouns, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the nouns without importing them."""
        with formatter.section("Nouns"):
            formatter.write_dl([(noun, text) for noun, (_, _, text) in sorted(NOUNS.items())])
