"""What a revision of the configuration needs, read and opened beside what is in use, before anything is applied.

Config --CandidateReader--> Candidate; what cannot be had is refused, but at the start, when DNS goes on without it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from auth.cookie_secrets import CookieSecrets, read_secrets
from auth.errors import CookieSecretError
from auth.keys import KeyRing
from auth.listed import Listed
from auth.options import KEYS, change_zones, read_keys, read_settings, read_zones
from auth.server import Server
from auth.settings import Settings
from auth.source_news import refuse_failing
from auth.zone_counters import ZoneCounters
from auth.zones import ZoneTable
from daemonkit.configuration import Config
from daemonkit.errors import Rejected
from daemonkit.module import Context
from datasrc.errors import UnknownBackend
from datasrc.latesources import LateSources
from datasrc.sources import ZONE_PATIENCE, Failure, SourceStatus

WORKER = "authworker"  # the component


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a revision needs, before it is applied."""

    settings: Settings
    zones: ZoneTable
    cookies: CookieSecrets | None
    keys: KeyRing
    key_faults: Mapping[str, Rejected]  # keys that cannot be used, at the start
    configured_keys: Mapping[str, Any]  # `keys`
    configured: Mapping[str, Any]  # `data_sources`
    sources: LateSources
    alone: bool  # there is to be no worker
    statuses: Sequence[SourceStatus] = ()  # of the sources, where they were opened for this revision
    listed: Listed | None = None  # what the loops need of the zones, where they answer from images


@dataclass(frozen=True, slots=True)
class InUse:
    """What is in use; at the start nothing is."""

    server: Server | None = None
    sources: LateSources | None = None
    configured: Mapping[str, Any] = field(default_factory=dict)  # `data_sources`
    keys: Mapping[str, Any] = field(default_factory=dict)  # `keys`


class CandidateReader:
    """Reads what one revision needs. In a worker thread. Raises Rejected."""

    def __init__(
        self,
        context: Context,
        in_use: InUse,
        zone_counters: ZoneCounters,
        source_changed: Callable[[str, Failure | None], None],
    ) -> None:
        """`source_changed` is told, in any thread, how sources do that are opened here."""
        self._context = context
        self._server = in_use.server
        self._sources = in_use.sources
        self._configured = in_use.configured
        self._keys = in_use.keys
        self._zone_counters = zone_counters
        self._source_changed = source_changed

    def read(self, config: Config, worker_is_there: bool) -> Candidate:
        """All that the revision needs; data sources are opened where there is no worker to do that."""
        settings = read_settings(config.own)
        if config.difference is None or self._server is None:
            zones, touched = read_zones(config.values), None
        else:
            zones, touched = change_zones(self._server.engine.serving.zones, config.values, config.difference)
        zones = self._with_rows(zones)
        listed = None if self._server is None else self._server.listed_for(zones, touched)
        keys, faults = self._read_keys(config.values[KEYS])
        cookies = self._read_cookies(config.own["cookies"])
        configured = config.values["data_sources"]
        sources, before = self._sources_of(configured), self._sources
        alone = answers_alone(config)
        candidate = Candidate(
            settings, zones, cookies, keys, faults, config.values[KEYS], configured, sources, alone, listed=listed
        )
        was_open = before is not None and before.is_open()
        changed = {name for name, entry in configured.items() if entry != self._configured.get(name)}
        if not (was_open or alone) or (sources is before and was_open):
            if before is not None and changed and not worker_is_there:
                refuse_failing(_looked_at({name: configured[name] for name in changed}), changed)
            return candidate
        sources.open(before.open() if before is not None and was_open else None)
        statuses = sources.status()
        if before is not None and sources is not before:
            try:
                refuse_failing(statuses, changed)
            except Rejected:
                sources.close()
                raise
        return replace(candidate, statuses=statuses)

    def _sources_of(self, configured: Mapping[str, Any]) -> LateSources:
        """Those in use, unless others are configured; their order counts."""
        if self._sources is not None and list(configured.items()) == list(self._configured.items()):
            return self._sources
        try:
            return LateSources(configured, changed=self._source_changed, patience=ZONE_PATIENCE)
        except UnknownBackend as error:  # no waiting mends that
            raise Rejected("data_sources", str(error)) from error

    def _with_rows(self, zones: ZoneTable) -> ZoneTable:
        """With a place for the counts of zones that are counted. Where there is none a change is refused."""
        before = None if self._server is None else self._server.engine.serving.zones
        if before is not None and (zones.counted is before.counted or zones.counted == before.counted):
            return zones if zones is before else replace(zones, rows=before.rows)
        try:
            rows = self._zone_counters.prepare(zones.counted)
        except OSError as error:
            reason = error.strerror or str(error)
            if before is not None:
                raise Rejected("zones.*.statistics", f"there is no room for the counters: {reason}") from error
            self._context.log.error("AUTH_ZONES_NOT_COUNTED", count=len(zones.counted), reason=reason)
            rows = None
        return replace(zones, rows=rows)

    def _read_cookies(self, options: Mapping[str, Any]) -> CookieSecrets | None:
        """The secrets of cookies. What is wrong with them is refused, but for the start: DNS goes on without."""
        if not options["enabled"]:
            return None
        try:
            return read_secrets(options, self._context.directories.state)
        except CookieSecretError as error:
            if error.index is not None and self._server is not None:
                raise Rejected(f"auth.cookies.secret_files.{error.index}", str(error)) from error
            self._context.log.warning("AUTH_COOKIE_SECRET_UNUSABLE", file=error.file, reason=error.reason)
            return CookieSecrets.passing()

    def _read_keys(self, configured: Mapping[str, Any]) -> tuple[KeyRing, Mapping[str, Rejected]]:
        """At the start a key that cannot be used is done without; later such a change is refused."""
        ring = KeyRing() if self._server is None else self._server.engine.serving.keys
        if self._server is not None and configured == self._keys:
            return ring, {}
        keys, faults = read_keys(configured, self._keys, ring)
        if self._server is not None:
            for name, fault in faults.items():
                if ring.named(name) is not None or not _same_but_for_secret(configured[name], self._keys.get(name)):
                    raise fault
        return keys, faults


def _same_but_for_secret(entry: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    return before is not None and all(
        entry[name] == before[name] or (name == "secret_file" and entry[name]["path"] == before[name]["path"])
        for name in entry
    )


def _looked_at(configured: Mapping[str, Any]) -> Sequence[SourceStatus]:
    """How data sources do that are opened for this alone. Blocks."""
    sources = LateSources(configured)
    try:
        sources.open()
        return sources.status()
    finally:
        sources.close()


def answers_alone(config: Config) -> bool:
    """Whether there is to be no worker, so that this process has to tell of data sources."""
    entry = config.values["components"].get(WORKER)
    return entry is not None and not entry["enabled"]
