"""What Tab offers, in bash, zsh and fish and in our own shell: click calls these for an argument that is being typed.

All of it is asked from the suite, a little at a time; a suite that does not answer offers nothing and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from bobctl.suite import Suite
from cmdctl.errors import ClientError
from daemonkit.errors import PathError

LIMIT = 60  # what one Tab shows at most: about a screen
ZONES = "zones."  # how paths to zones begin
PATIENCE = 2.0  # seconds somebody who typed Tab waits


def ask(suite: Suite, *segments: str, query: Mapping[str, Any] | None = None) -> Any:
    """The suite's answer, or an empty one where it cannot be asked: somebody is only typing."""
    try:
        return suite.client.request("GET", *segments, query=query, timeout=PATIENCE)
    except (ClientError, PathError):
        return {}


def suite_of(context: click.Context) -> Suite:
    """The suite a command line means, though the command is not complete."""
    found = context.find_object(Suite)
    return found if found is not None else Suite.of(context.find_root().params)


def zones(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of zones: the server picks them, for there may be 100 000."""
    found = ask(suite_of(context), "zone-names", query={"prefix": typed, "limit": LIMIT})
    return [CompletionItem(name) for name in found.get("names", [])]


def components(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Components and their instances."""
    found = ask(suite_of(context), "components").get("components", [])
    names = {row["component"]: "" for row in found}
    names |= {f"{row['component']}/{row['instance']}": row["state"] for row in found}
    return _items(typed, names)


def modules(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Modules of the suite."""
    found = ask(suite_of(context), "modules").get("modules", [])
    return _items(typed, {one["module"]: one["title"] for one in found})


def members(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Modules, and the processes of those that run."""
    found = ask(suite_of(context), "modules").get("modules", [])
    running = {member: one["module"] for one in found for member in one["members"]}
    return _items(typed, {one["module"]: one["title"] for one in found} | running)


def commands(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Commands of the module that is named before."""
    return _items(typed, {name: one["text"] for name, one in _module(context)["commands"].items()})


def subjects(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Whatever the spec of the module named before explains."""
    spec = _module(context)
    told = {name: one["text"] for kind in ("commands", "messages", "statistics") for name, one in spec[kind].items()}
    return _items(typed, told | spec["topics"])


def arguments(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Arguments of the command named before, as `name=`, and the names of zones behind that of a zone."""
    command = _module(context)["commands"].get(context.params.get("command"), {"arguments": {}, "zone": ""})
    name, given, value = typed.partition("=")
    before = tuple(context.params.get("arguments") or ())
    if before[-2:] == (command["zone"], "="):  # bash makes words of what is before and behind it
        return zones(context, _parameter, typed)
    if given and name == command["zone"]:
        return [CompletionItem(f"{name}={zone.value}") for zone in zones(context, _parameter, value)]
    return _items(typed, {f"{name}=": text for name, text in command["arguments"].items()})


def instances(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Running instances of the module named before."""
    return _items(typed, {member.partition("/")[2]: member for member in _module(context)["members"]})


def component_options(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Options of a component, as `name=`."""
    path = f"components[{context.params.get('name') or 'any'}]"
    inside = _described(context, path, "").get("inside", [])
    return _items(typed, {f"{known['path']}=": known["text"] for known in inside})


def paths(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Paths of the configuration, those of the candidate too."""
    found = ask(suite_of(context), "config", "complete", query={"path": typed, "limit": LIMIT}).get("paths", [])
    told = {known["path"]: f"{known['kind']}: {known['text']}" for known in found}
    if typed.startswith(ZONES) and len(told) < LIMIT:  # any zone may be given an entry
        names = ask(suite_of(context), "zone-names", query={"prefix": typed.removeprefix(ZONES), "limit": LIMIT})
        told |= {
            f"{ZONES}{name}": "a zone without an entry" for name in names.get("names", []) if ZONES + name not in told
        }
    return _items(typed, told)


def values(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Values of the option at the path named before: choices, booleans, names it refers to."""
    path = context.params.get("path")
    found = _described(context, path, typed) if path else {}
    return [CompletionItem(value) for value in found.get("values", [])]


def keys(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of entries of the map at the path named before."""
    path = context.params.get("path")
    return _keys_at(context, path, typed) if path else []


def data_sources(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of data sources."""
    return _keys_at(context, "data_sources", typed)


def tsig_keys(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of TSIG keys."""
    return _keys_at(context, "keys", typed)


def users(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Users of REST."""
    found = ask(suite_of(context), "users").get("users", [])
    return _items(typed, {one["name"]: one["role"] for one in found})


def candidates(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Who has uncommitted changes."""
    found = ask(suite_of(context), "config", "candidates").get("candidates", [])
    return _items(typed, {one["author"]: f"changes: {one['count']}" for one in found})


def tokens(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Tokens of REST, by their ID."""
    found = ask(suite_of(context), "tokens").get("tokens", [])
    return _items(typed, {one["id"]: f"{one['user']} {one['label']}" for one in found})


def revisions(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """The newest revisions."""
    found = ask(suite_of(context), "config", "history", query={"limit": LIMIT}).get("revisions", [])
    return _items(typed, {str(r["revision"]): f"{r['time']} {r['author']}: {r['reason'] or '-'}" for r in found})


def messages(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """IDs of log messages of our modules; no suite is needed."""
    from daemonkit.spec import Spec  # PyYAML and the specs: only here
    from daemonkit.spec import modules as ours

    known = {name: message.text for module in ours() for name, message in Spec.load(module).messages.items()}
    return _items(typed, known)


def subjects_of_explain(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """What `explain` explains: messages, which are written in capitals, and queries for names in our zones."""
    return messages(context, parameter, typed) if typed[:1].isupper() else zones(context, parameter, typed)


def record_types(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Types people ask for."""
    return [CompletionItem(name) for name in _RECORD_TYPES if name.startswith(typed.upper())]


_RECORD_TYPES = (
    *("A", "AAAA", "CAA", "CDNSKEY", "CDS", "CNAME", "DNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "NSEC"),
    *("NSEC3PARAM", "PTR", "RRSIG", "SOA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"),
)


def _module(context: click.Context) -> Mapping[str, Any]:
    nothing: dict[str, Any] = {"commands": {}, "messages": {}, "statistics": {}, "topics": {}, "members": []}
    # Behind an option whose value is being typed click has not given the words before to their parameters yet.
    module = context.params.get("module") or next((word for word in context.args if not word.startswith("-")), None)
    return nothing | (ask(suite_of(context), "modules", module) if module else {})


def _keys_at(context: click.Context, path: str, typed: str) -> list[CompletionItem]:
    query = {"path": f"{path}[{typed}", "limit": LIMIT}
    found = ask(suite_of(context), "config", "complete", query=query)
    inside = (known["path"].removeprefix(f"{path}[").partition("]")[0] for known in found.get("paths", []))
    return [CompletionItem(key) for key in dict.fromkeys(inside)]


def _described(context: click.Context, path: str, prefix: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = ask(suite_of(context), "config", "describe", query={"path": path, "prefix": prefix})
    return found


def _items(typed: str, known: Mapping[str, str] | Iterable[str]) -> list[CompletionItem]:
    told = known if isinstance(known, Mapping) else dict.fromkeys(known, "")
    found = [(name, " ".join(text.split())) for name, text in told.items() if name.startswith(typed)]
    return [CompletionItem(name, help=text or None) for name, text in found[:LIMIT]]
