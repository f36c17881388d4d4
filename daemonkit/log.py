r"""Log messages with stable IDs: texts and explanations are in the spec, the code names the ID and its fields.

MessageLog --rate limit per ID--> logging --> LogHandler --> a Sink for each destination --> its thread
                                                        \--> LogRing, the last lines, in the run directory

Control characters in fields are escaped, so that what comes from the network cannot forge a line. Nothing here blocks:
what a destination does not take in time is dropped, counted and told (`daemonkit.log_sink`). Severities and
destinations are those of the configuration root `logging` (`daemonkit.log_settings`).
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Mapping
from typing import Protocol

import msgspec

from daemonkit.log_destinations import destination
from daemonkit.log_entry import Entry, escape
from daemonkit.log_limits import ORDINARY, PROVOKED, Limits, Suppressed
from daemonkit.log_ring import LogLine, LogRing
from daemonkit.log_settings import LEVELS, LogSettings
from daemonkit.log_sink import Sink

__all__ = [
    "LEVELS",
    "MessageLog",
    "escape",
    "log_handler",
    "log_statistics",
    "note_revision",
    "own_log",
    "rename_log",
    "start_logging",
]

FLUSH_TIMEOUT = 0.5  # s, at exit: a stop must not take longer because nobody reads the log
SEVERITIES = ("debug", "info", "warning", "error")
LOG_COUNTERS = (*(f"log.{severity}" for severity in SEVERITIES), "log.suppressed", "log.dropped")  # of every process
SUPPRESSED, DROPPED = len(SEVERITIES), len(SEVERITIES) + 1
_LIBRARIES = ("asyncio", "uvicorn", "sqlalchemy", "alembic", "psycopg")
_PLAIN = (str, int, float, bool, type(None))


class MessageText(Protocol):
    """What the log needs of a message in a spec."""

    @property
    def text(self) -> str:
        """The text with its fields in braces."""

    @property
    def provoked(self) -> bool:
        """Whether whoever sends us packets can cause it."""


class MessageLog:
    """The log of one process. The severity at the call is that of the spec; a test compares them."""

    def __init__(self, who: str, messages: Mapping[str, MessageText], limits: Limits | None = None) -> None:
        self._logger = logging.getLogger(who)
        self._messages = messages
        self._limits = limits or Limits()

    def debug(self, message_id: str, **fields: object) -> None:
        """For developers: off by default."""
        self._write(logging.DEBUG, message_id, fields)

    def info(self, message_id: str, **fields: object) -> None:
        """Something an operator wants to see once."""
        self._write(logging.INFO, message_id, fields)

    def warning(self, message_id: str, **fields: object) -> None:
        """Something works, but not as it should."""
        self._write(logging.WARNING, message_id, fields)

    def error(self, message_id: str, **fields: object) -> None:
        """Something does not work."""
        self._write(logging.ERROR, message_id, fields)

    def exception(self, message_id: str, error: BaseException, **fields: object) -> None:
        """Something that must not happen: with the traceback."""
        self._write(logging.ERROR, message_id, {**fields, "error": error}, error)

    def tell_suppressed(self) -> float | None:
        """Say what the rate limit kept back, where a window is over; the seconds until the next one is."""
        for kept in self._limits.ended():
            self.tell_kept_back(kept)
        return self._limits.next_end()

    def tell_kept_back(self, kept: Suppressed) -> None:
        """Say how often a message came too often."""
        self.warning("DAEMON_MESSAGES_SUPPRESSED", id=kept.id, count=kept.count, seconds=kept.seconds)

    def _write(
        self, level: int, message_id: str, fields: Mapping[str, object], error: BaseException | None = None
    ) -> None:
        if not self._logger.isEnabledFor(level):
            return
        if self._limits.suppressed:
            self.tell_suppressed()
        message = self._messages[message_id]
        if not self._limits.allows(message_id, PROVOKED if message.provoked else ORDINARY):
            if (handler := log_handler()) is not None:
                handler.count(SUPPRESSED)
            return
        safe = {name: escape(value) for name, value in fields.items()}
        plain = {name: value if isinstance(value, _PLAIN[1:]) else safe[name] for name, value in fields.items()}
        text = message.text.format_map(safe)
        extra = {"message_id": message_id, "fields": plain, "said": text}
        self._logger.log(level, "%s %s", message_id, text, exc_info=error, extra=extra)


class LogHandler(logging.Handler):
    """What stands behind the root logger of a process: counts, and hands on to the sinks."""

    def __init__(self, who: str, settings: LogSettings) -> None:
        super().__init__()
        self.who = who
        self.revision = 0
        self._counts = memoryview(bytearray(8 * len(LOG_COUNTERS))).cast("Q")
        self.settings = settings
        self.wanted: LogSettings | None = None  # what the configuration says; `settings` may have a way out beside it
        self._sinks = {name: self._sink(name, settings) for name in settings.destinations}
        self._logs: list[MessageLog] = []
        self._libraries = Limits()  # of what they say, by the name of their logger
        self._ring = LogRing.in_memory(who, os.getpid())

    def keep_in(self, ring: LogRing) -> None:
        """Keep the last lines here from now on, those that are kept already among them."""
        self.acquire()  # records come from any thread
        try:
            before, self._ring = self._ring, ring
            if before.next:
                image = before.image()
                for line in image.lines.values():
                    ring.append(msgspec.json.encode(line), image.written)
            before.close()
        finally:
            self.release()

    def rename(self, who: str) -> None:
        """What is logged from now on is logged as `who`."""
        self.acquire()
        try:
            self.who = who
            self._ring.rename(who)
        finally:
            self.release()

    def last_lines(self) -> list[LogLine]:
        """The last lines, oldest first."""
        self.acquire()
        try:
            return list(self._ring.image().after(0))
        finally:
            self.release()

    def statistics(self) -> dict[str, int]:
        """The counters of the log, by their names in the spec of daemonkit."""
        return dict(zip(LOG_COUNTERS, self._counts, strict=False))

    def count_in(self, slots: memoryview) -> None:
        """Count in these slots from now on, which say already what was counted."""
        self._counts = slots

    def count(self, index: int) -> None:
        """Count, from whatever thread (see daemonkit.counters.Counters.add)."""
        counts = self._counts
        counts[index] += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Count, keep and queue; never blocks."""
        if not getattr(record, "message_id", "") and not self._libraries.allows(record.name, ORDINARY):
            self.count(SUPPRESSED)
            return
        entry = self._entry(record)
        self.count(SEVERITIES.index(entry.severity))
        try:
            self._ring.add(entry)
        except Exception:  # noqa: BLE001 - counted: who logs must not fail for it, and the line goes on to its places
            self.count(DROPPED)
        for sink in tuple(self._sinks.values()):
            sink.put(entry)

    def watch(self, log: MessageLog) -> None:
        """Tell what the rate limit of this log kept back, too, also when the flood is over."""
        if log not in self._logs:
            self._logs.append(log)

    def apply(self, settings: LogSettings) -> None:
        """Write as this says from now on. What is queued for a destination that goes is still written."""
        old, sinks = self._sinks, {}
        same_form = (settings.form, settings.facility) == (self.settings.form, self.settings.facility)
        for name in settings.destinations:
            sinks[name] = old[name] if name in old and same_form else self._sink(name, settings)
        self.acquire()  # whoever logs has either all the old ones, which still take the line, or the new ones
        try:
            self.settings, self._sinks = settings, sinks
        finally:
            self.release()
        for sink in old.values():
            if sink not in sinks.values():
                sink.close()
        set_levels(settings.level)

    def flush(self) -> None:
        """Wait for what is queued, all destinations together for no longer than FLUSH_TIMEOUT."""
        end = time.monotonic() + FLUSH_TIMEOUT
        for sink in tuple(self._sinks.values()):
            sink.flush(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Flush, and let every destination go."""
        self.flush()
        for sink in self._sinks.values():
            sink.close()
        super().close()

    def _sink(self, name: str, settings: LogSettings) -> Sink:
        return Sink(
            destination(name, settings.form, settings.facility),
            gap=self._gap,
            idle=self._idle,
            dropped=lambda: self.count(DROPPED),
            lost=self._tell_lost,
        )

    def _idle(self) -> float | None:
        ends = [end for log in self._logs if (end := log.tell_suppressed()) is not None]
        if self._logs:  # what libraries say has no log of its own
            for kept in self._libraries.ended():
                self._logs[0].tell_kept_back(kept)
        if (end := self._libraries.next_end()) is not None:
            ends.append(end)
        return min(ends, default=None)

    def _tell_lost(self, count: int) -> None:
        """Tell at the other places what one that was given up did not take."""
        for sink in tuple(self._sinks.values()):
            sink.put(_Notices(self.who, self.revision).warning("DAEMON_LOG_LOST", count=count))

    def _gap(self, count: int) -> Entry:
        return _Notices(self.who, self.revision).warning("DAEMON_LOG_DROPPED", count=count)

    def _entry(self, record: logging.LogRecord) -> Entry:
        message_id = getattr(record, "message_id", "")
        text = record.said if message_id else escape(record.getMessage())  # type: ignore[attr-defined]
        fields = record.fields if message_id else {"logger": record.name}  # type: ignore[attr-defined]
        lines: tuple[str, ...] = ()
        if record.exc_info and record.exc_info[1] is not None:
            whole = "".join(traceback.format_exception(record.exc_info[1]))
            lines = tuple(escape(line) for line in whole.splitlines())
        return Entry(record.created, record.levelno, self.who, message_id, text, fields, lines, self.revision)


class _Notices:
    """Makes entries for one sink alone, past the loggers."""

    def __init__(self, who: str, revision: int) -> None:
        self._who = who
        self._revision = revision

    def warning(self, message_id: str, **fields: object) -> Entry:
        """An entry of this severity."""
        from daemonkit.spec import Spec  # bob reads specs late

        text = Spec.load("daemonkit").messages[message_id].text.format_map(fields)
        return Entry(time.time(), logging.WARNING, self._who, message_id, text, fields, revision=self._revision)


def start_logging(who: str, level: str = "info", form: str = "text") -> None:
    """Send everything this process logs to standard error, as `who`, until the configuration says otherwise."""
    if (before := log_handler()) is not None:
        before.close()
    logging.basicConfig(handlers=[LogHandler(who, LogSettings(level=level, form=form))], force=True)
    set_levels(level)


def set_levels(level: str) -> None:
    """Write messages of this severity and above; libraries speak only when something is wrong, or all is wanted."""
    logging.getLogger().setLevel(LEVELS[level])
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(max(LEVELS[level], logging.WARNING) if level != "debug" else logging.NOTSET)


def log_handler() -> LogHandler | None:
    """The handler start_logging() made, if it did."""
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LogHandler)), None)


def own_log(who: str, messages: Mapping[str, MessageText] | None = None) -> MessageLog:
    """A log with the messages every process has, those of the log itself among them, and with these."""
    from daemonkit.spec import Spec  # bob reads specs late

    return MessageLog(who, {**Spec.load("daemonkit").messages, **(messages or {})})


def note_revision(revision: int) -> None:
    """The configuration revision this process is on, for those who read logs by machine."""
    if (handler := log_handler()) is not None:
        handler.revision = revision


def log_statistics() -> dict[str, int]:
    """The counters of the log of this process; nothing where it has none of ours."""
    handler = log_handler()
    return {} if handler is None else handler.statistics()


def rename_log(who: str) -> None:
    """What is logged from now on is logged as `who`: a spare took a place."""
    if (handler := log_handler()) is not None:
        handler.rename(who)
