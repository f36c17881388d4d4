"""From the effective configuration to what serves: settings and the table of zones. Raises Rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import dns.exception
import dns.name
import msgspec

from auth.acl import Acl, compile_acl
from auth.chaos import MAX_TEXT
from auth.errors import AclError
from auth.keys import ALGORITHMS, Key, KeyRing
from auth.settings import AnyAnswer, CookieSettings, RateLimitSettings, Settings, TcpSettings
from auth.wire import wire_of
from auth.zones import ZonePolicy, ZoneTable
from daemonkit.configuration import Difference
from daemonkit.errors import Rejected
from daemonkit.findings import format_path
from daemonkit.rowmap import rows_of
from daemonkit.secretfiles import SecretError, read_secret
from datasrc.keys import name_key
from datasrc.namemap import NameMap

DEFAULT_TEMPLATE = "default"
KEYS = "keys"
MAX_KEY_NAME = 123  # octets: a signed reply of question and OPT only, with the longest name and MAC, fits into 512
MAX_COUNTED_ZONES = 100_000  # 1 KiB each in the run directory, for each process
MAX_IDENTITY = 128  # octets: a reply with the longest name, NSID and an extended error fits into 512


def read_settings(own: Mapping[str, Any]) -> Settings:
    """The options of auth itself."""
    return Settings(
        udp_size=own["udp_size"],
        minimal_responses=own["minimal_responses"],
        any_answer=AnyAnswer(own["any_answer"]),
        any_ttl=int(own["any_ttl"]),
        nsid=_text(own, "identity", MAX_IDENTITY).encode(),
        version=_text(own, "version", MAX_TEXT),
        server_id=own["identity"],
        udp_batch=own["udp_batch"],
        tcp=TcpSettings(**own["tcp"]),
        cookies=CookieSettings(own["cookies"]["enabled"], own["cookies"]["required"]),
        rate_limit=RateLimitSettings(**{**own["rate_limit"], "exempt": tuple(own["rate_limit"]["exempt"])}),
    )


def read_zones(values: Mapping[str, Any]) -> ZoneTable:
    """The roots `zones` and `templates`. Zones that say the same share one policy: of 100 000 most do."""
    policy = _policies()
    counted = set[bytes]()

    def entries() -> Iterator[tuple[bytes, ZonePolicy]]:
        for name, zone in values["zones"].items():
            key, one = _key(name), policy(zone, f"zones.{name}.query_acl")
            if one.statistics:
                counted.add(key)
            yield key, one

    listed = NameMap(entries())
    template = values["templates"][DEFAULT_TEMPLATE]
    return ZoneTable(listed, policy(template, f"templates.{DEFAULT_TEMPLATE}.query_acl"), _counted(frozenset(counted)))


def change_zones(
    before: ZoneTable, values: Mapping[str, Any], difference: Difference
) -> tuple[ZoneTable, frozenset[bytes]]:
    """As `read_zones`, from the table before and what differs; takes the time of that. Also the keys of zones that
    differ.
    """
    table, changes = before, difference.rows.get("zones")
    policy = _policies()
    touched: frozenset[bytes] = frozenset()
    if changes is not None:
        policies = {_key(name): policy(zone, f"zones.{name}.query_acl") for name, zone in changes.changed.items()}
        removed = [_key(name) for name in changes.removed]
        listed = rows_of(table.listed).changed(policies.items(), removed)
        touched = frozenset((*policies, *removed))
        counted = {key for key in touched if key in listed and listed[key].statistics}
        if counted or not table.counted.isdisjoint(touched):
            table = replace(table, counted=_counted(table.counted - touched | counted))
        table = replace(table, listed=listed)
    if "templates" in difference.keys:
        template = values["templates"][DEFAULT_TEMPLATE]
        table = replace(table, default=policy(template, f"templates.{DEFAULT_TEMPLATE}.query_acl"))
    return table, touched


def read_key(name: str, configured: Mapping[str, Any]) -> Key:
    """One entry of the root `keys`; reads the file with the secret."""
    algorithm = ALGORITHMS[configured["algorithm"]]
    origin = dns.name.from_text(name)
    if len(wire_of(origin)) > MAX_KEY_NAME:
        raise Rejected(format_path((KEYS, name)), f"must not be longer than {MAX_KEY_NAME} octets")
    shortest = algorithm.full if configured["shortest_mac"] is None else configured["shortest_mac"]
    if not algorithm.shortest <= shortest <= algorithm.full:
        reason = f"must be {algorithm.shortest} to {algorithm.full} octets for {configured['algorithm']}"
        raise Rejected(format_path((KEYS, name, "shortest_mac")), reason)
    file = configured["secret_file"]["path"]
    try:
        return Key(origin, algorithm, read_secret(file), shortest)
    except SecretError as error:
        raise Rejected(format_path((KEYS, name, "secret_file")), f"{file} cannot be used: {error}") from error


def read_keys(
    configured: Mapping[str, Any], before: Mapping[str, Any], ring: KeyRing
) -> tuple[KeyRing, dict[str, Rejected]]:
    """The root `keys`, and those of it that cannot be used; what says the same as `before` is taken from `ring`."""
    keys: list[Key] = []
    faults: dict[str, Rejected] = {}
    for name, entry in configured.items():
        known = ring.named(name) if entry == before.get(name) else None
        try:
            keys.append(known or read_key(name, entry))
        except Rejected as fault:
            faults[name] = fault
    return KeyRing(keys), faults


def _policies() -> Callable[[Mapping[str, Any], str], ZonePolicy]:
    """Makes policies, one for all that say the same; the second argument is where an error is."""
    compiled: dict[bytes, ZonePolicy] = {}

    def policy(item: Mapping[str, Any], place: str) -> ZonePolicy:
        key = msgspec.json.encode((item["query_acl"], item["statistics"], item["hook"]))
        if key not in compiled:
            compiled[key] = ZonePolicy(_acl(item["query_acl"], place), item["statistics"], item["hook"])
        return compiled[key]

    return policy


def _counted(keys: frozenset[bytes]) -> frozenset[bytes]:
    if len(keys) > MAX_COUNTED_ZONES:
        limit = f"at most {MAX_COUNTED_ZONES} can be: set it for those that matter"
        raise Rejected("zones.*.statistics", f"{len(keys)} zones would be counted, and {limit}")
    return keys


def _acl(rules: Any, place: str) -> Acl:
    try:
        return compile_acl(rules, place)
    except AclError as error:
        where, _, reason = str(error).partition(": ")
        raise Rejected(where, reason) from error


def _key(name: str) -> bytes:
    """Of a zone; not the name, whose hash whoever chooses it can have meet that of others (memmgr/builds.py)."""
    try:
        return name_key(dns.name.from_text(name))
    except dns.exception.DNSException as error:
        raise Rejected(f"zones.{name}", f"is not a domain name: {error}") from error


def _text(own: Mapping[str, Any], name: str, limit: int) -> str:
    text = str(own[name])
    if len(text.encode()) > limit:
        raise Rejected(f"auth.{name}", f"must not be longer than {limit} octets in UTF-8")
    return text
