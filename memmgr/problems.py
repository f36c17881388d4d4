"""What is wrong with data sources without stopping them: told once in the log when it appears, and in the status."""

from __future__ import annotations

from daemonkit.log import MessageLog
from datasrc.sources import Failure, Sources
from memmgr import api


class Problems:
    """Blocks; for one thread at a time."""

    def __init__(self, log: MessageLog) -> None:
        self._log = log
        self._known: dict[str, list[str]] = {}

    def look(self, sources: Sources) -> None:
        """See what is new, and what was mended."""
        found = {name: source.problems() for name, source in sources.each() if not isinstance(source, Failure)}
        for name, problems in found.items():
            before = frozenset(self._known.get(name, ()))
            for problem in problems:
                if problem not in before:
                    self._log.warning("MEMMGR_SOURCE_PROBLEM", source=name, problem=problem)
            if before and not problems:
                self._log.info("MEMMGR_SOURCE_MENDED", source=name)
        self._known = found

    def told(self) -> tuple[api.SourceProblems, ...]:
        """For the status."""
        return tuple(
            api.SourceProblems(name, len(problems), tuple(problems[: api.MAX_PROBLEMS]))
            for name, problems in self._known.items()
            if problems
        )
