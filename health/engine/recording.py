"""Recording what goes through the door, and replaying it: two more doors. docs/health.md has the example.

A recording is a file of JSON lines: the query, and what came for it (octets in base64, with the address they came
from), or why nothing came. The first line says when it was made, which is "now" when it is replayed.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import IO, Any

import dns.message

from health.engine import wire
from health.engine.clock import Clock, FixedClock
from health.engine.errors import HealthError
from health.engine.network import Network, NoResponse, Query, Silence

_FORMAT = 1


class Recorder:
    """A door that asks another one and writes down what came."""

    def __init__(self, network: Network, file: IO[str], clock: Clock) -> None:
        self._network = network
        self._file = file
        self._line({"format": _FORMAT, "time": clock.now()})

    async def query(self, query: Query) -> dns.message.Message | NoResponse:
        """See Network.query."""
        outcome = await self._network.query(query)
        if isinstance(outcome, NoResponse):
            self._line({"query": _key(query), "silence": outcome.reason.name, "detail": outcome.detail})
        else:
            octets = outcome.wire if outcome.wire is not None else outcome.to_wire(max_size=65535)
            said = base64.b64encode(octets).decode("ascii")
            source = getattr(outcome, "source", "") or query.address
            self._line({"query": _key(query), "response": said, "source": source})
        return outcome

    def _line(self, document: Any) -> None:
        self._file.write(json.dumps(document) + "\n")


class Replay:
    """A door that gives what was recorded, each time it is asked, and silence for what nobody asked then."""

    def __init__(self, path: Path) -> None:
        """Read a recording; raises HealthError, naming file and line, where it is none."""
        self._answers: dict[str, Any] = {}
        try:
            with path.open(encoding="utf-8") as file:
                head = json.loads(next(file, "null"))
                self.clock = FixedClock(float(head["time"]))
                for number, line in enumerate(file, 2):
                    self._remember(json.loads(line), f"{path}:{number}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HealthError(f"{path} is no recording that can be read: {error}") from error

    def _remember(self, line: Any, place: str) -> None:
        if "response" not in line and line.get("silence") not in Silence.__members__:
            raise HealthError(f"{place}: neither a response nor a reason for its absence")
        # Of several attempts the one that was answered counts.
        if "response" in line or line["query"] not in self._answers:
            self._answers[line["query"]] = line

    async def query(self, query: Query) -> dns.message.Message | NoResponse:
        """See Network.query."""
        line = self._answers.get(_key(query))
        if line is None:
            return NoResponse(Silence.TIMEOUT, "not in the recording")
        if "silence" in line:
            return NoResponse(Silence[line["silence"]], line["detail"])
        return wire.parse(base64.b64decode(line["response"]), line["source"])


def _key(query: Query) -> str:
    message = query.message()
    message.id = 0
    return f"{query.address} {query.transport.value} {base64.b64encode(message.to_wire()).decode('ascii')}"
