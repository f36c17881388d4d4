"""What all commands share: `--json` also behind the verb, and the way a command gets at the suite."""

from __future__ import annotations

from typing import Any

import click

from bobctl import output
from bobctl.suite import Suite

pass_suite = click.make_pass_decorator(Suite)

reason_option = click.option("-m", "--reason", default="", metavar="TEXT", help="Why; kept with the change.")


class Verb(click.Command):
    """A command that takes --json as well as the program does, because people type it last."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(["--json"], is_flag=True, expose_value=False, callback=_json, help="The answer as JSON.")
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Do it, or in a dry run what stands for it."""
        rehearsal = ctx.ensure_object(Suite).rehearsal
        return super().invoke(ctx) if rehearsal is None else rehearsal(ctx)


class Noun(click.Group):
    """A group of verbs."""

    command_class = Verb


def _json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Suite).json = True


def done(suite: Suite, answer: Any, text: str) -> None:
    """The end of a command that did something: the answer for programs, a sentence for people."""
    if suite.json:
        output.document(answer)
    else:
        output.words(text)
