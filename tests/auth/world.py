"""Zones in memory and an engine over them, for tests of answers.

world = World({"example.": "@ NS ns\nwww A 192.0.2.1"})       # an SOA is put in front
reply = world.ask("www.example.", "A")                          # a strictly read Reply, or None
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace

import dns.name

import datasrc
from auth.client import Client, Transport
from auth.cookie_secrets import CookieSecrets
from auth.engine import Engine, Serving
from auth.keys import KeyRing
from auth.settings import Settings
from auth.tally import Tally
from auth.zones import ZoneTable
from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.spec import Spec
from datasrc.records import Provenance
from datasrc.zonetext_zone import read_zone
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

SOA = "$TTL 300\n@ SOA ns host 1 7200 900 604800 60\n"
SPEC = Spec.load("auth")
UDP = Client("192.0.2.200", 5353, Transport.UDP)
TCP = Client("192.0.2.200", 5353, Transport.TCP, idle_timeout=10.0)


def load(source, zones: Mapping[str, str]) -> None:
    """Put zones into a data source; an empty text makes a zone without data."""
    for origin, text in zones.items():
        name = dns.name.from_text(origin)
        with source.updater(name, create=True) as updater:
            if text:
                zone, findings = read_zone(io.BytesIO((SOA + text).encode()), f"{origin}zone", name)
                assert not findings.errors, [str(finding) for finding in findings]
                for rrset in zone.rrsets():
                    updater.add(rrset)
            updater.commit(Provenance("test", "test"))


class World:
    """An engine over zones in memory."""

    def __init__(
        self,
        zones: Mapping[str, str],
        settings: Settings | None = None,
        table: ZoneTable | None = None,
        *,
        cookies: CookieSecrets | None = None,
        clock: Callable[[], float] = time.time,
        keys: KeyRing | None = None,
    ) -> None:
        self.source = datasrc.open("memory:", create=True)
        load(self.source, zones)
        self.counters = Counters(SPEC.statistics)
        self.engine = Engine(
            Serving(self.source, settings or Settings(), table or ZoneTable(), cookies, keys or KeyRing()),
            Tally(self.counters),
            own_log("auth", SPEC.messages),
            clock,
        )

    def replace_keys(self, keys: KeyRing) -> None:
        """Serve on with other TSIG keys."""
        self.engine.serving = replace(self.engine.serving, keys=keys)

    def send(self, message: bytes, client: Client = UDP) -> Reply | None:
        """The reply to a message."""
        reply = self.engine.respond(message, client)
        return None if reply is None else Reply.read(reply)

    def ask(
        self, name: str | bytes, rdtype: str | int = "A", *, client: Client = UDP, edns=True, size=1232, **how
    ) -> Reply:
        """The reply to a query, with EDNS unless told otherwise."""
        additional = [packet.opt(size=size)] if edns else []
        reply = self.send(packet.query(name, rdtype, additional=additional, **how), client)
        assert reply is not None
        return reply

    def counted(self) -> dict[str, int]:
        """The counters that are not zero."""
        return {name: value for name, value in self.counters.statistics().items() if value}


class FailingSource:
    """A data source that raises what it is told, when it is told."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @contextmanager
    def snapshot(self):
        yield self

    def find_zone(self, name):
        raise self.error

    def zone(self, origin):
        raise self.error
