"""The dry run of a file of commands: how far each line can be tried without any effect.

Edits of the configuration are made in the author's candidate, which has to be empty, and is empty again at the end: so
they are checked by cfgmgr, each on top of those before it. What only reads is done without showing the answer.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import click

from bobctl.errors import CommandError
from bobctl.suite import Suite
from bobctl.values import assignments
from daemonkit.findings import did_you_mean

EDITS = frozenset({"config set", "config unset", "config add", "config remove", "config revert", "config discard"})
READS = frozenset(
    {
        *("config show", "config list", "config get", "config describe", "config diff", "config history"),
        *("config candidates", "modules", "user list", "token list", "key list", "log show", "log messages"),
        *("stats zones", "stats durations", "audit"),
    }
)
MAKE, TAKE = frozenset({"add"}), frozenset({"remove", "revoke"})


class Rehearsal:
    """One dry run: called with the context of each line; raises as the command would."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._begun = False  # the candidate is ours
        self._edited = False  # since it was checked
        self._added: set[str] = set()  # components of lines before
        self._there: dict[str, set[str]] = {}  # users, tokens, keys as they would be after the lines before

    def __call__(self, ctx: click.Context) -> None:
        """Try one line."""
        name = ctx.command_path.strip()
        noun, _, verb = name.partition(" ")
        if name in EDITS and ctx.params.get("author"):
            self._suite.client.get("config", "candidates", ctx.params["author"])  # whose is there?
        elif name in EDITS:
            self._begin()
            _silently(ctx)
            self._edited = True
        elif name == "config commit":
            self._begin()
            self._check()
        elif name in READS:
            _silently(ctx)
        elif name in ("config rollback", "config reload"):
            ctx.params.update({"dry_run": True} if verb == "rollback" else {"apply": False})
            _silently(ctx)
        elif name == "call":
            self._call(**ctx.params)
        elif noun in ("user", "token", "key"):
            self._entry(noun, verb, ctx.params)
        elif name == "log level" and ctx.params.get("module"):
            self._suite.client.get("modules", ctx.params["module"])
        elif name in ("stats show", "log tail") and not (ctx.params.get("watch") or ctx.params.get("follow")):
            _silently(ctx)
        elif noun == "component":
            self._component(verb, ctx.params.get("name"))
        elif noun == "zone" and ctx.params.get("origin"):
            self._suite.client.zone_status(ctx.params["origin"])

    def finish(self) -> None:
        """Check what no line of the file commits; raises CommandError."""
        if self._edited:
            self._check()

    def end(self) -> None:
        """Forget what was tried."""
        if self._begun and self._suite.client.get("config", "candidate")["changes"]:  # cfgmgr refuses to discard none
            self._suite.client.post("config", "discard")
        self._begun = False

    def _begin(self) -> None:
        if self._begun:
            return
        if self._suite.client.get("config", "candidate")["changes"]:
            raise CommandError(
                "conflict", "a dry run tries these lines in your candidate, which has changes: commit or revert them"
            )
        self._begun = True

    def _check(self) -> None:
        """What a commit would meet."""
        checked = self._suite.client.post("config", "check")
        self._edited = False
        if checked["good"]:
            return
        details = [found for found in checked["problems"] if found["severity"] == "error"]
        details += [
            {"path": found["member"], "reason": found["reason"]}
            for found in checked["modules"]
            if found["state"] not in ("accepted", "adjusted")
        ]
        raise CommandError("refused", "this could not be committed", details)

    def _call(
        self, module: str, command: str, arguments: tuple[str, ...], instance: str | None, **_options: Any
    ) -> None:
        """Whether a module knows that command and those arguments."""
        wanted = assignments(arguments)
        found = self._suite.client.get("modules", module)
        if command not in found["commands"]:
            guess = did_you_mean(command, found["commands"])
            raise CommandError("not-found", f"{module} has no command {command!r}{guess}")
        known = found["commands"][command]
        if known["changes"] and module == "cfgmgr":  # cmdctl refuses them: they take an author
            raise CommandError("refused", "changes of cfgmgr go through `bobctl config`")
        for name in wanted:
            if name not in known["arguments"]:
                guess = did_you_mean(name, known["arguments"])
                raise CommandError("usage", f"{command} of {module} has no argument {name!r}{guess}")
        if instance is not None and f"{module}/{instance}" not in found["members"]:
            raise CommandError("not-found", f"no {module}/{instance} is running")

    def _entry(self, noun: str, verb: str, given: dict[str, Any]) -> None:
        """Whether a user, token or key is there that is to be changed, and is not there that is to be made."""
        if noun == "token" and verb in MAKE:  # the name is that of the user it is for; without one, one's own
            noun, verb = "user", "set"
        name = given.get("identity" if noun == "token" else "name")
        if name is None:
            return
        name = name.lower().rstrip(".") if noun == "key" else name
        there = self._names(noun)
        if (name in there) == (verb in MAKE):
            code, text = ("conflict", "is there already") if verb in MAKE else ("not-found", "is not there")
            raise CommandError(code, f"the {noun} {name} {text}{'' if verb in MAKE else did_you_mean(name, there)}")
        if verb in MAKE:
            there.add(name)
        elif verb in TAKE:
            there.remove(name)

    def _names(self, noun: str) -> set[str]:
        if noun not in self._there:
            ask = self._suite.client.get
            match noun:
                case "user":
                    found = {one["name"] for one in ask("users")["users"]}
                case "token":
                    found = {one["id"] for one in ask("tokens")["tokens"]}
                case _:
                    found = set(ask("config", query={"path": "keys"})["value"] or {})
            self._there[noun] = found
        return self._there[noun]

    def _component(self, verb: str, name: str | None) -> None:
        """Whether there is such a component, or was to be by a line before."""
        if verb == "add" and name is not None:
            self._added.add(name)
        elif name is not None and name.partition("/")[0] not in self._added:
            self._suite.client.get("components", name)


def _silently(ctx: click.Context) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        click.Command.invoke(ctx.command, ctx)
