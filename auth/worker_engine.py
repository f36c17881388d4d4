"""Answers by way of the worker; where there is none, in this process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace

from auth.client import Client
from auth.engine import Engine, Serving
from auth.rate_limit_numbers import SEND
from auth.rate_limits import Weight
from auth.tally import RowCounters, Tally
from auth.worker_link import NoWorker, WorkerLink, WorkerLost
from authworker.api import Weigh
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from datasrc.errors import Unavailable
from datasrc.keys import wire_key
from datasrc.source import Snapshot


class _OutOfReach:
    """Zone data that only the worker has."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Raises Unavailable."""
        raise Unavailable("the worker does not answer", database="authworker")


class WorkerEngine(Engine):
    """Has the worker answer. Counts here, so that each instance has its own counts."""

    def __init__(self, serving: Serving, counters: Counters, log: MessageLog, link: WorkerLink) -> None:
        super().__init__(serving, Tally(counters), log)
        self._counters = counters
        self._names = counters.names
        self._link = link
        self._without = Engine(serving, Tally(counters), log)
        self._without.limits = self.limits

    def _weigh(self, response: Weigh, client: Client) -> int:
        """What becomes of a response of the worker: it counts with those that are made here."""
        settings = self.serving.settings.rate_limit
        if not settings.enabled:
            return SEND
        return self.limits.weigh(Weight(client.address, response.kind, response.name, response.rdtype), settings)

    def _respond(self, message: bytes, client: Client) -> bytes | None:
        serving = self.serving
        try:
            answered = self._link.ask(message, client, lambda response: self._weigh(response, client))
        except NoWorker:
            return super()._respond(message, client)
        except WorkerLost as error:
            self._counters.add("worker.lost")
            self._log.error("AUTH_WORKER_LOST", client=client.address, reason=error)
            self._without.serving = replace(serving, data=_OutOfReach())
            return self._without.respond(message, client)  # SERVFAIL, where there is anything to answer
        for place in answered.counted:
            self._counters.add(self._names[place])
        rows = serving.zones.rows
        if rows is not None and answered.zone is not None:
            row = rows.of.get(wire_key(answered.zone))
            if row is not None:
                counted = RowCounters(rows.slots, row)
                for place in answered.counted:
                    counted.add(self._names[place])
        return answered.reply
