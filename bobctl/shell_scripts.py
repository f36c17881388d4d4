"""`bobctl completion`: what bash, zsh and fish need to complete our command lines."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from bobctl.errors import CommandError
from bobctl.verbs import Verb

VARIABLE = "_BOBCTL_COMPLETE"  # click looks for it under this name
_WHERE = {
    "bash": "bobctl completion bash > ~/.local/share/bash-completion/completions/bobctl",
    "zsh": "bobctl completion zsh > ~/.zfunc/_bobctl   (with ~/.zfunc in $fpath, before compinit)",
    "fish": "bobctl completion fish > ~/.config/fish/completions/bobctl.fish",
}


@click.command(cls=Verb, epilog="\b\nTo have it in every shell:\n" + "\n".join(f"  {line}" for line in _WHERE.values()))
@click.argument("shell", type=click.Choice(list(_WHERE)))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    For the shell at hand: `eval "$(bobctl completion bash)"`. Names of zones, components, options and values are asked
    from the running suite as they are typed.
    """
    found = get_completion_class(shell)
    if found is None:
        raise CommandError("not-found", f"this version of click knows no completion for {shell}")
    from bobctl.cli import root

    click.echo(found(root, {}, "bobctl", VARIABLE).source().strip())
