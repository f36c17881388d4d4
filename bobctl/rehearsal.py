"""The dry run of a file of commands: each line is tried as far as that has no effect, and what it would do is told.

Edits of the configuration are made by cfgmgr on top of those before them, kept nowhere, and checked by it and the
running modules; also those that a command commits by itself. What only reads is done without showing the answer. Of all
else the role, the words and what they name are looked at, as it would be after the lines before.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from bobctl.edits import edit_of
from bobctl.errors import CommandError
from bobctl.keys import ALGORITHMS
from bobctl.scratch import Scratch
from bobctl.suite import Suite
from bobctl.values import assignments
from cmdctl.errors import ErrorAnswer
from daemonkit.findings import did_you_mean, format_path

READS = frozenset(
    {
        *("config show", "config list", "config get", "config describe", "config diff", "config history"),
        *("config candidates", "modules", "user list", "token list", "key list", "log show", "log messages"),
        *("stats show", "stats zones", "stats durations", "audit", "component list", "zone list", "zone history"),
        *("status", "version"),
        *("explain", "log tail"),
    }
)
FRAME = frozenset({"sockcreator", "msgq", "cfgmgr", "cmdctl"})  # what bob does not stop on its own
ENDLESS = ("watch", "follow")  # options of what has no end
ROLE = "x-role"  # of an operation, in the OpenAPI document
ROLES = ("read", "operate", "configure", "admin")
MAKE, TAKE = frozenset({"add"}), frozenset({"remove", "revoke"})
ONLY_WORDS = "not tried, its words are right"


class Rehearsal:
    """One dry run: called with the context of each line; raises as the command would. What it does is in `told`."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._client = suite.client
        self._scratch = Scratch(suite)
        self._there: dict[str, set[str]] = {}  # users, tokens, keys as they would be after the lines before
        self._added: set[str] = set()  # components of lines before
        self._deleted: set[str] = set()  # zones
        self._files: set[Path] = set()  # that lines before would have made
        self._caller: dict[str, Any] = {}
        self._roles: dict[str, Any] = {}
        self._tried: Mapping[str, Callable[[str, dict[str, Any]], str]] = {
            "config": self._config,
            "component": self._component,
            "zone": self._zone,
            "user": self._user,
            "token": self._token,
            "key": self._key,
            "log": self._log,
            "call": lambda _verb, given: self._call(**given),
        }
        self.told = ""

    def __call__(self, ctx: click.Context) -> None:
        """Try one line."""
        name = ctx.command_path.strip()
        noun, _, verb = name.partition(" ")
        if name in READS and not any(map(ctx.params.get, ENDLESS)):
            _silently(ctx)
            self.told = "can be done, it only reads"
        elif name in ("config rollback", "config reload"):
            ctx.params.update({"dry_run": True} if verb == "rollback" else {"apply": False})
            ctx.ensure_object(Suite).json = False
            self.told = _silently(ctx).splitlines()[-1]
        elif noun in self._tried:
            self.told = self._tried[noun](verb, ctx.params)
        else:
            self.told = ONLY_WORDS

    def finish(self) -> None:
        """Check what no line of the file commits; raises CommandError."""
        self._scratch.finish()

    def end(self) -> None:
        """Forget what was tried."""
        self._scratch.end()

    # One noun each.

    def _config(self, verb: str, given: dict[str, Any]) -> str:
        match verb:
            case "set" | "unset" | "add" | "remove":
                return f"would change {self._scratch.edit(verb, edit_of(verb, **given))}"
            case "commit":
                return self._scratch.commit()
            case "check":
                return f"could be committed: {self._scratch.check()}"
            case "revert" | "discard" if given["author"] is not None:
                self._require("DELETE", "/v1/config/candidates/{author}")
                theirs = self._client.get("config", "candidates", given["author"])
                count = len(theirs["changes"]) + theirs["left_out"]
                return f"would forget {count} changes of {given['author']}"
            case "revert" | "discard":
                return self._scratch.revert()
            case "export":
                self._client.get("config", "export")
                return _written(given["file"])
        return ONLY_WORDS

    def _component(self, verb: str, given: dict[str, Any]) -> str:
        name = given["name"]
        component = name.partition("/")[0]
        path = format_path(("components", component))
        if verb in ("add", "change", "remove"):
            method = {"add": "PUT", "change": "PATCH", "remove": "DELETE"}[verb]
            self._require(method, "/v1/components/{name}")
        if verb == "add":
            if component in self._added or self._is_configured(path):
                raise CommandError("conflict", f"the component {name} is configured already; change it")
            self._added.add(component)
            return self._scratch.at_once(("set", {"path": path, "value": assignments(given["options"])}))
        if component not in self._added:
            self._client.get("components", name)
            if verb == "stop" and component in FRAME:
                raise CommandError("refused", f"{name} cannot be stopped alone: restart it, or shut the suite down")
        if verb == "change":
            values = {f"{path}.{option}": value for option, value in assignments(given["options"]).items()}
            return self._scratch.at_once(
                *(("set", {"path": at, "value": value}) for at, value in values.items() if value is not None),
                *(("unset", {"path": at}) for at, value in values.items() if value is None),
            )
        if verb == "remove":
            if component not in self._added and not self._is_configured(path):
                raise CommandError("not-found", f"the component {name} is not configured")
            self._added.discard(component)
            return self._scratch.at_once(("unset", {"path": path}))
        if verb == "show":
            return "can be done, it only reads"
        self._require("POST", "/v1/components/{name}/{order}")
        return f"would {verb} {name}"

    def _zone(self, verb: str, given: dict[str, Any]) -> str:
        origin = given.get("origin")
        if origin is None:
            self._require("POST", "/v1/reload")
            return "would have every server look at all zones afresh"
        entry = self._client.zone_status(origin)
        if entry["origin"] in self._deleted:
            raise CommandError("not-found", f"the zone {origin} would not be there any more")
        match verb:
            case "delete":
                self._require("DELETE", "/v1/zones/{origin}")
                self._deleted.add(entry["origin"])
                return f"would delete {entry['origin']} with {entry['records']} records from {entry['source']}"
            case "reload":
                self._require("POST", "/v1/zones/{origin}/reload")
                return f"would have every server look at {entry['origin']} afresh"
            case "export":
                return _written(None if str(given["file"]) == "-" else given["file"])
        return "can be done, it only reads"

    def _user(self, verb: str, given: dict[str, Any]) -> str:
        if given["name"] is None:
            return ONLY_WORDS
        self._require({"add": "PUT", "remove": "DELETE"}.get(verb, "PATCH"), "/v1/users/{name}")
        return self._entry("user", verb, given["name"])

    def _token(self, verb: str, given: dict[str, Any]) -> str:
        if verb in TAKE:
            return self._entry("token", verb, given["identity"])
        role, mine = given["role"], self._who()["role"]
        if role is not None and ROLES.index(role) > ROLES.index(mine):
            raise CommandError("refused", f"you may {mine}, and give no more than that")
        if given["name"] is not None:
            self._entry("user", "set", given["name"])
        if given["file"] is not None and given["file"].exists():
            raise CommandError("conflict", f"{given['file']} is there already")
        self._new_file(given["file"])
        return f"would make a token for {given['name'] or 'you'}"

    def _key(self, verb: str, given: dict[str, Any]) -> str:
        name = given["name"].lower().rstrip(".")
        self._entry("key", verb, name)
        if verb in TAKE:
            return self._scratch.at_once(("remove", {"path": "keys", "key": name}))
        secret_file, words = given["secret_file"], ""
        if secret_file is None:
            octets = ALGORITHMS[given["algorithm"]]
            secret_file = self._scratch.stand_ins.make(name, self._new_file(given["file"]), octets)
            words = f"would make a secret in {secret_file}; "
        entry = {"algorithm": given["algorithm"], "secret_file": str(secret_file.absolute())}
        return words + self._scratch.at_once(("add", {"path": "keys", "key": name, "value": entry}))

    def _new_file(self, file: Path | None) -> Path | None:
        """A file that this line would make; raises CommandError where one before it would have."""
        if file is not None:
            if file.absolute() in self._files:
                raise CommandError("conflict", f"{file} would be there already")
            self._files.add(file.absolute())
        return file

    def _log(self, verb: str, given: dict[str, Any]) -> str:
        if verb != "level":  # a tail that follows
            return ONLY_WORDS
        module, level = given["module"], given["level"]
        if module is not None and module not in self._added:
            self._client.get("modules", module)
        path = "logging.level" if module is None else f"logging.modules[{module}].level"
        return self._scratch.at_once(
            ("unset", {"path": path}) if level == "default" else ("set", {"path": path, "value": level})
        )

    def _call(self, module: str, command: str, arguments: tuple[str, ...], instance: str | None, **_: Any) -> str:
        """Whether a module knows that command and those arguments, and the caller may."""
        wanted = assignments(arguments)
        if module in self._added:  # what it knows it says when it runs
            return ONLY_WORDS
        found = self._client.get("modules", module)
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
        self._require_role(known["role"])
        if module == "cfgmgr" and wanted.get("author", self._who()["author"]) != self._who()["author"]:
            self._require_role("admin")
        if wanted.get(known["zone"]) is not None:
            self._client.zone_status(str(wanted[known["zone"]]))
        return f"would have {module} {command}" if known["changes"] else ONLY_WORDS

    # What is there, and who asks.

    def _entry(self, noun: str, verb: str, name: str) -> str:
        """Whether a user, token or key is there that is to be changed, and is not there that is to be made."""
        there = self._names(noun)
        if (name in there) == (verb in MAKE):
            code, text = ("conflict", "is there already") if verb in MAKE else ("not-found", "is not there")
            raise CommandError(code, f"the {noun} {name} {text}{'' if verb in MAKE else did_you_mean(name, there)}")
        if verb in MAKE:
            there.add(name)
        elif verb in TAKE:
            there.remove(name)
        return f"would {verb} the {noun} {name}"

    def _names(self, noun: str) -> set[str]:
        if noun not in self._there:
            match noun:
                case "user":
                    found = {one["name"] for one in self._client.get("users")["users"]}
                case "token":
                    found = {one["id"] for one in self._client.get("tokens")["tokens"]}
                case _:
                    found = set(self._client.get("config", query={"path": "keys"})["value"] or {})
            self._there[noun] = found
        return self._there[noun]

    def _is_configured(self, path: str) -> bool:
        try:
            self._client.get("config", query={"path": path, "form": "stored"})
        except ErrorAnswer as error:
            if error.code == "not-found":
                return False
            raise
        return True

    def _who(self) -> dict[str, Any]:
        if not self._caller:
            self._caller = self._client.get("whoami")
        return self._caller

    def _require(self, method: str, path: str) -> None:
        """Raise CommandError unless the caller has the role that an operation of REST takes."""
        if not self._roles:
            paths = self._client.get("openapi.json")["paths"]
            self._roles = {
                f"{verb.upper()} {path}": one[ROLE] for path, verbs in paths.items() for verb, one in verbs.items()
            }
        self._require_role(self._roles[f"{method} {path}"])

    def _require_role(self, role: str) -> None:
        mine = self._who()["role"]
        if ROLES.index(mine) < ROLES.index(role):
            raise CommandError("refused", f"you may {mine}; this takes the role {role}")


def _written(file: Path | None) -> str:
    """What a command does that writes a file; raises CommandError where it plainly cannot."""
    if file is None:
        return "can be done, it only reads"
    if not os.access(file.absolute().parent, os.W_OK):
        raise CommandError("failed", f"{file} cannot be written: its directory is not there, or not yours to write in")
    return f"would write {file}"


def _silently(ctx: click.Context) -> str:
    """Do a command without showing what it says; that is returned, or shown where the command fails by it."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            click.Command.invoke(ctx.command, ctx)
    except SystemExit:
        click.echo(said.getvalue(), err=True, nl=False)
        raise
    return said.getvalue()
