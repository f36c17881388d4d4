"""Data sources that are opened only when something is asked of them: an open one takes megabytes of each process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dns.name import Name

from datasrc import backends
from datasrc.errors import Unavailable
from datasrc.member import OnChange, SourceStatus
from datasrc.source import DataSource, Snapshot
from datasrc.sources import Sources, open_sources, source_url


class LateSources:
    """As `Sources`, for whoever mostly does without. May be shared between threads."""

    def __init__(
        self,
        configured: Mapping[str, Mapping[str, Any]],
        *,
        changed: OnChange | None = None,
        patience: float | None = None,
    ) -> None:
        """The arguments are those of open_sources(). Raises UnknownBackend; nothing else can fail yet."""
        for entry in configured.values():
            backends.check(source_url(entry))
        self.configured = configured
        self._changed = changed
        self._patience = patience
        self._lock = threading.Lock()
        self._sources: Sources | None = None
        self._closed = False

    def is_open(self) -> bool:
        """Whether anything was asked of them."""
        return self._sources is not None

    def open(self, before: Sources | None = None) -> Sources:
        """Open what can be opened, if that was not done; sharing those of `before` that say the same. Blocks."""
        with self._lock:
            if self._closed:
                raise Unavailable("it is closed: another revision of the configuration is in use")
            if self._sources is None:
                self._sources = open_sources(
                    self.configured,
                    before=before,
                    changed=self._changed,
                    patience=self._patience,
                )
            return self._sources

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One state of each source, taken when it is first asked."""
        with self.open().snapshot() as snapshot:
            yield snapshot

    def holder_of(self, origin: Name) -> tuple[str, DataSource] | None:
        """The first source that has a zone of exactly this origin: the one it is answered from."""
        return self.open().holder_of(origin)

    def status(self) -> list[SourceStatus]:
        """How each source does, in order, looked at now; nothing before they are opened. Blocks."""
        return [] if self._sources is None else self._sources.status()

    def refresh(self, only: str | None = None) -> None:
        """Let every open source, or the one of this name, take notice of what changed, and try failing ones, now."""
        if self._sources is not None:
            self._sources.refresh(only)

    def close(self) -> None:
        """Close all that no other shares; they are not opened any more."""
        with self._lock:
            self._closed = True
            if self._sources is not None:
                self._sources.close()
