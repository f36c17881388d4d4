"""Log messages with stable IDs: texts and explanations are in the spec, the code names the ID and its fields.

One line a message on stderr: time, severity, who, ID, text. Under journald the time is left out and the priority goes
in front as `<N>` (sd-daemon(3)). Control characters in fields are escaped, so that what comes from the network cannot
forge a line.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SYSLOG_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class MessageText(Protocol):
    """What the log needs of a message in a spec."""

    @property
    def text(self) -> str:
        """The text with its fields in braces."""


class MessageLog:
    """The log of one process. The severity at the call is that of the spec; a test compares them."""

    def __init__(self, who: str, messages: Mapping[str, MessageText]) -> None:
        self._logger = logging.getLogger(who)
        self._messages = messages

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

    def _write(
        self, level: int, message_id: str, fields: Mapping[str, object], error: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            safe = {name: escape(value) for name, value in fields.items()}
            text = self._messages[message_id].text.format_map(safe)
            self._logger.log(level, "%s %s", message_id, text, exc_info=error)


def escape(value: object) -> str:
    """The value as text with every control character made visible."""
    return str(value).translate(_ESCAPES)


def start_logging(who: str, level: str = "info") -> None:
    """Send everything this process logs to stderr, as `who`; called again, the process has another name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JournalFormatter(who) if "JOURNAL_STREAM" in os.environ else _LineFormatter(who))
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    if level != "debug":  # libraries speak only when something is wrong
        for library in ("asyncio", "uvicorn", "sqlalchemy", "alembic"):
            logging.getLogger(library).setLevel(logging.WARNING)


def rename_log(who: str) -> None:
    """What is logged from now on is logged as `who`: a spare took a place."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _LineFormatter | _JournalFormatter):
            handler.setFormatter(type(handler.formatter)(who))


class _LineFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)  # UTC
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, who: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {who} %(message)s")


class _JournalFormatter(logging.Formatter):
    def __init__(self, who: str) -> None:
        super().__init__(f"{who} %(message)s")

    def format(self, record: logging.LogRecord) -> Any:
        priority = _SYSLOG_PRIORITY.get(record.levelno, 5)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
