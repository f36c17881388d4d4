"""The lines of all processes in one row. `bobctl` reads them itself, where no suite runs that could be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cmdctl.api import LogPage, LogText, SilentMember
from daemonkit.log_files import ProcessLines
from daemonkit.log_ring import LogLine

LogLevel = Literal["debug", "info", "warning", "error"]
MAX_PLACES = 200  # processes whose place in their log a caller may tell


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines."""

    named: str = ""  # only of this module, or of this instance of it
    level: LogLevel = "debug"  # and above
    limit: int = 1000
    places: Mapping[int, int] = field(default_factory=dict)  # the number of the next line of each process, by its pid
    kept_from: str = ""  # a module whose lines are not for the caller


def page(found: Sequence[ProcessLines], wanted: Wanted, silent: Sequence[SilentMember]) -> LogPage:
    """The newest lines, oldest first."""
    lines: list[tuple[ProcessLines, LogLine]] = []
    missed = 0
    for process in found:
        gone, its = process.wanted(wanted.places.get(process.pid, 0), wanted.level)
        its = [line for line in its if _is_wanted(line.who, wanted)]
        lines += ((process, line) for line in its)
        if its or is_of(wanted.named, process.image.who):
            missed += gone
    lines.sort(key=lambda one: one[1].time)
    newest = sorted(found, key=lambda process: process.image.written)[-MAX_PLACES:]
    return LogPage(
        lines=[_text(process, line) for process, line in lines[-wanted.limit :]],
        next=",".join(f"{process.pid}:{process.image.next}" for process in newest),
        missed=missed + max(0, len(lines) - wanted.limit) if wanted.places else 0,
        silent=list(silent),
    )


def is_of(named: str, who: str) -> bool:
    """Whether a process is of a module, or is this instance; nothing named: any is."""
    module, _, instance = who.partition("/")
    return named in ("", module, f"{module}/{instance or 0}")


def _is_wanted(who: str, wanted: Wanted) -> bool:
    return is_of(wanted.named, who) and not (wanted.kept_from and is_of(wanted.kept_from, who))


def silent_files(problems: Mapping[str, str]) -> Iterator[SilentMember]:
    """Files that say nothing."""
    for name, problem in problems.items():
        yield SilentMember(member=name, reason=problem)


def _text(process: ProcessLines, line: LogLine) -> LogText:
    return LogText(
        time=line.time,
        severity=line.severity,
        who=line.who,
        pid=process.pid,
        ended=process.ended,
        id=line.id,
        text=line.text,
        traceback=list(line.traceback),
        revision=line.revision,
    )
