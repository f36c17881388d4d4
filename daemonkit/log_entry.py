"""One log message, and the lines it becomes: for people, for the journal and syslog, and JSON for machines."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_FIELD = 2048  # characters of one value: a line stays near the 4096 octets a pipe takes at once (pipe(7), PIPE_BUF)
SYSLOG_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
FACILITIES = {"daemon": 3, **{f"local{number}": 16 + number for number in range(8)}}  # RFC 5424 section 6.2.1
_NOTICE = 5
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
# Ends of lines for some, and what shows text in another order than it is: marks, embeddings, overrides, isolates.
_REORDERING = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_ESCAPES |= {code: f"\\u{code:04x}" for code in _REORDERING}
# The octets of file names that are no UTF-8, as the interpreter carries them (PEP 383).
_ESCAPES |= {0xDC00 + octet: f"\\x{octet:02x}" for octet in range(0x80, 0x100)}
# The last resort: nobody writes a secret into a message, but the text of a driver's error is not ours. Strangers choose
# what is searched: each alternative takes all it has looked at, also what turns out to be no secret.
_SECRETS = re.compile(
    r"(?P<url>(?<=[a-z0-9+])://[^\s/@:]*:)(?P<hidden>[^\s@]+)(?P<at>@?)"
    r"|(?P<name>\b(?:password|passwd|secret)\s*+=\s*+)[^\s,;]++",
    re.I,
)


def escape(value: object) -> str:
    """The value as text with every control character and lone surrogate made visible, no secret, and not endless."""
    whole = str(value)
    looked_at = whole[:MAX_FIELD]  # of all that follows strangers choose the length
    shown = looked_at.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()
    cut = len(looked_at) < len(whole)

    def hidden(match: re.Match[str]) -> str:
        if match["name"]:
            return f"{match['name']}***"
        if match["at"] or (cut and match.end() == len(shown)):  # where it was cut, an @ may have followed
            return f"{match['url']}***{match['at']}"
        return match[0]

    text = _SECRETS.sub(hidden, shown)
    more = len(whole) - len(looked_at) + max(0, len(text) - MAX_FIELD)
    return f"{text[:MAX_FIELD]}... ({more} more characters)" if more else text


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it was at its moment. Texts are escaped; `id` is empty for what a library says."""

    time: float  # s since the epoch
    level: int  # of the module logging
    who: str
    id: str
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)
    traceback: tuple[str, ...] = ()  # lines
    revision: int = 0  # of the configuration; 0: none yet

    @property
    def severity(self) -> str:
        """`debug`, `info`, `warning`, `error`."""
        return logging.getLevelName(min(self.level, logging.ERROR)).lower()

    @property
    def said(self) -> str:
        """ID and text."""
        return f"{self.id} {self.text}" if self.id else self.text


def text_lines(entry: Entry) -> bytes:
    """Time, severity, who, ID, text; a traceback follows, indented."""
    head = f"{_timestamp(entry.time)} {entry.severity.upper()} {entry.who} {entry.said}"
    return _joined((head, *(f"    {line}" for line in entry.traceback)))


def journal_lines(entry: Entry) -> bytes:
    """As `<N>who ID text`, N being the priority (sd-daemon(3)); the journal has the time."""
    prefix = f"<{SYSLOG_PRIORITY.get(entry.level, _NOTICE)}>{entry.who} "
    return _joined((f"{prefix}{entry.said}", *(f"{prefix}    {line}" for line in entry.traceback)))


def json_line(entry: Entry) -> bytes:
    """One JSON object a line."""
    document: dict[str, object] = {
        "time": _timestamp(entry.time),
        "severity": entry.severity,
        "who": entry.who,
        "id": entry.id,
        "text": entry.text,
        "fields": dict(entry.fields),
    }
    if entry.revision:
        document["revision"] = entry.revision
    if entry.traceback:
        document["traceback"] = list(entry.traceback)
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def syslog_datagram(entry: Entry, facility: str) -> bytes:
    """As local syslog daemons take it (RFC 3164 section 4.1): no host name, the process in brackets, one line."""
    priority = FACILITIES[facility] * 8 + SYSLOG_PRIORITY.get(entry.level, _NOTICE)
    moment = time.localtime(entry.time)
    stamp = f"{time.strftime('%b', moment)} {moment.tm_mday:2d} {time.strftime('%H:%M:%S', moment)}"
    said = " | ".join((entry.said, *entry.traceback))
    return f"<{priority}>{stamp} bob/{entry.who}[{os.getpid()}]: {said}".encode("utf-8", "replace")


def _timestamp(moment: float) -> str:
    """RFC 3339, UTC, milliseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment % 1 * 1000):03d}Z"


def _joined(lines: tuple[str, ...]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")
