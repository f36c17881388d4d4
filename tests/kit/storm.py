"""A storm of commands: zones come, change and go, are reloaded and rebuilt, options and keys change, revisions are
rolled back and processes restarted, while queries are asked. In the end all is as a model that was told the same.

    storm = Storm(suite, seed=70)
    storm.begin(); storm.run(100); storm.end()

The same seed draws the same commands.
"""

from __future__ import annotations

import base64
import copy
import io
import random
import threading
import time
from collections import deque
from typing import Any

import dns.exception
import dns.name
import dns.rcode

import datasrc
from cmdctl.api import Client
from cmdctl.errors import ErrorAnswer, NoAnswer
from datasrc.records import Provenance
from datasrc.zonetext_zone import read_zone
from tests.kit.suite import DEADLINE, PROBE_TIMEOUT, Suite, wait_until
from tests.kit.zones import small_zone

CONFIG = "components: {auth: {instances: 2}}\n"
STEADY = "steady.example"  # changes, but is never hidden and never gone
ZONES = [f"storm{number}.example" for number in range(5)]
RESTARTED = ["auth/0", "auth/1", "memmgr", "authworker", "stats"]
TRIES = 4  # of a query: a process that is restarted may take a batch with it
REMEMBERED = 500  # commands told where something is odd, and revisions that may be rolled back to
PERHAPS_DONE = {"failed", "unavailable", "timeout"}  # a process that a commit needs may be on its way
WITHOUT_DATA = {dns.rcode.REFUSED, dns.rcode.SERVFAIL}  # hidden or not there; listed, but without data
BEARABLE = ("nothing is different", "stopped before it was", ": stopping")
COMPLAINTS = ("Traceback", "INTERNAL_ERROR")


def bearable(error: ErrorAnswer) -> None:
    """Raise the error again unless a change may meet it in a storm."""
    if error.code not in PERHAPS_DONE and not any(text in error.message for text in BEARABLE):
        raise error


class Storm:
    """The suite, and what it should be."""

    def __init__(self, suite: Suite, seed: int) -> None:
        self.suite = suite
        self.seed = seed
        self.random = random.Random(seed)
        self.client = Client(suite.run / "control.sock", timeout=60)
        self.rows: dict[str, dict[str, Any]] = {}  # the configuration of zones
        self.keys: dict[str, dict[str, Any]] = {}
        self.serials: dict[str, int] = {}  # of the zones there are
        self.newest = 0  # serial
        self.revisions: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.done: deque[str] = deque(maxlen=REMEMBERED)
        self.odd: list[str] = []
        self.count = 0  # of commands
        self.queries = 0
        self.reply = ""  # the last one to who asks all the time
        self.over = threading.Event()
        self.others = [threading.Thread(target=target) for target in (self.noise, self.ask)]

    def begin(self) -> None:
        """Have some zones, and somebody who asks and comes between."""
        for zone in (STEADY, *ZONES[:2]):
            self.write(zone)
        wait_until(lambda: self.answer(STEADY) == self.expected(STEADY), DEADLINE, "the steady zone is served")
        for thread in self.others:
            thread.start()

    # Zones.

    def write(self, zone: str) -> None:
        self.newest += 1
        name = dns.name.from_text(zone)
        read, _ = read_zone(io.BytesIO(small_zone(zone, self.newest).encode()), "text", name)
        source = datasrc.open(f"sqlite:///{self.suite.state}/zones.sqlite", create=True)
        try:
            with source.updater(name, create=True, replace=True) as updater:
                updater.load(read)
                updater.commit(Provenance("storm", "test"))
        finally:
            source.close()
        self.serials[zone] = self.newest

    def delete(self, zone: str) -> None:
        if zone in self.serials:
            self.client.request("DELETE", "zones", zone)
            del self.serials[zone]

    # Configuration.

    def commit(self, path: str, value: object, rows: dict[str, Any], keys: dict[str, Any]) -> None:
        """One change of the configuration, which happens or does not."""
        try:
            order = {"path": path} if value is None else {"path": path, "value": value}
            self.client.post("config", "unset" if value is None else "set", body=order)
            made = self.client.post("config", "commit")["revision"]
        except ErrorAnswer as error:
            bearable(error)
            if self.client.get("config", "candidate")["changes"]:
                self.client.post("config", "discard")
            self.settle(rows, keys)
        else:
            self.rows, self.keys = rows, keys
            self.remember(made)

    def remember(self, revision: int) -> None:
        self.revisions[revision] = copy.deepcopy((self.rows, self.keys))
        if len(self.revisions) > REMEMBERED:
            del self.revisions[min(self.revisions)]

    def settle(self, rows: dict[str, Any], keys: dict[str, Any]) -> None:
        """After an answer that leaves it open: it is the one or the other, and nothing between."""
        found = self.stored()
        assert found in ((self.rows, self.keys), (rows, keys)), found
        self.rows, self.keys = found

    def stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        shown = self.client.get("config", query={"form": "stored"})["value"]
        return shown.get("zones") or {}, shown.get("keys") or {}

    def acl(self, zone: str) -> None:
        action = self.random.choice(["ACCEPT", "REJECT"])
        rows = {**self.rows, zone: {"query_acl": [{"action": action}]}}
        self.commit(f"zones[{zone}].query_acl", [{"action": action}], rows, self.keys)

    def unlist(self, zone: str) -> None:
        if zone in self.rows:
            rows = {name: row for name, row in self.rows.items() if name != zone}
            self.commit(f"zones[{zone}]", None, rows, self.keys)

    def key(self, zone: str) -> None:
        file = self.suite.state / f"key{self.random.randrange(3)}"
        file.write_text(base64.b64encode(self.random.randbytes(32)).decode() + "\n")
        file.chmod(0o600)
        value = {"secret_file": str(file)}
        self.commit(f"keys[{zone}]", value, self.rows, {**self.keys, zone: value})

    def roll_back(self, _zone: str) -> None:
        if not self.revisions:
            return
        target = self.random.choice(list(self.revisions))
        rows, keys = self.revisions[target]
        try:
            made = self.client.post("config", "rollback", body={"revision": target})["revision"]
        except ErrorAnswer as error:
            bearable(error)
            self.settle(rows, keys)
        else:
            self.rows, self.keys = copy.deepcopy((rows, keys))
            self.remember(made)

    def run(self, operations: int, *, seconds: float = float("inf")) -> None:
        """So many commands, one after the other, or as many as there is time for."""
        kinds = [self.write] * 5 + [self.delete] * 2 + [self.acl] * 4 + [self.unlist, self.key, self.roll_back]
        end = time.monotonic() + seconds
        for _ in range(operations):
            if time.monotonic() > end:
                return
            kind, zone = self.random.choice(kinds), self.random.choice(ZONES)
            self.done.append(f"{kind.__name__} {zone}")
            if self.random.random() < 0.2:
                self.write(STEADY)
            kind(zone)
            self.count += 1

    def end(self) -> None:
        """Everything comes to rest, and is as it was told; raises AssertionError."""
        self.rest()
        assert self.odd == [], self.odd[:20]
        assert self.stored() == (self.rows, self.keys)
        for zone in (STEADY, *ZONES):
            for tcp in (False, True):
                wait_until(
                    lambda: self.answer(zone, tcp=tcp) == self.expected(zone),  # noqa: B023
                    DEADLINE,
                    f"{zone}: {self.expected(zone)} where {self.answer(zone)} is answered",
                )
        log = self.suite.log.read_text()
        for complaint in COMPLAINTS:
            at = log.find(complaint)
            assert at < 0, log[max(0, at - 1000) : at + 5000]
        states = {name: row["state"] for name, row in self.suite.components().items()}
        assert set(states.values()) == {"running"}, states

    def rest(self) -> None:
        """Nobody asks or comes between any more."""
        self.over.set()
        for thread in self.others:
            if thread.ident is not None:
                thread.join(120)

    # At the same time.

    def noise(self) -> None:
        """What changes nothing that is asked for, but may come between."""
        drawn = random.Random(self.seed + 1)
        while not self.over.is_set():
            zone = drawn.choice([*ZONES, STEADY])
            order = drawn.choice(["reload", "rebuild", "look", "explain", "statistics", "list", "restart"])
            try:
                match order:
                    case "reload":
                        self.client.post("zones", zone, "reload")
                    case "rebuild":
                        self.client.post("call", "memmgr", "rebuild", body={"arguments": {"origin": zone}})
                    case "look":
                        self.client.post("call", "auth", "reload")
                    case "explain":
                        self.client.post("call", "auth", "explain", body={"arguments": {"name": zone, "rdtype": "SOA"}})
                    case "statistics":
                        self.client.get("statistics")
                    case "list":
                        self.client.get("zones")
                    case "restart":
                        self.client.post("components", drawn.choice(RESTARTED), "restart")
            except ErrorAnswer as error:
                if error.code not in PERHAPS_DONE | {"not-found", "conflict"}:
                    self.odd.append(f"{order} {zone}: {error}")
            except NoAnswer as error:
                self.odd.append(f"{order} {zone}: {error}")

    def ask(self) -> None:
        """Queries all the time: whatever happens, an answer is one of those that can be."""
        drawn = random.Random(self.seed + 2)
        while not self.over.is_set():
            zone = drawn.choice([*ZONES, STEADY])
            rcode, serial = self.answer(zone, tcp=drawn.random() < 0.1)
            self.queries += 1
            sound = 0 < serial <= self.newest + 1 if rcode == dns.rcode.NOERROR else rcode in WITHOUT_DATA
            if not sound or (zone == STEADY and rcode != dns.rcode.NOERROR):
                self.odd.append(f"{zone}: {rcode}, serial {serial}, after {list(self.done)[-3:]}: {self.reply}")

    def answer(self, zone: str, *, tcp: bool = False) -> tuple[int, int]:
        for _ in range(TRIES):
            try:
                reply = self.suite.query(zone, tcp=tcp, timeout=PROBE_TIMEOUT)
            except (dns.exception.Timeout, OSError, EOFError):
                continue
            if threading.current_thread() is self.others[1]:
                self.reply = str(reply)
            return reply.rcode(), reply.answer[0][0].serial if reply.answer else 0
        return -1, 0

    def expected(self, zone: str) -> tuple[int, int]:
        hidden = self.rows.get(zone, {}).get("query_acl", [{}])[0].get("action") == "REJECT"
        if hidden:
            return dns.rcode.REFUSED, 0
        if zone not in self.serials:
            return dns.rcode.SERVFAIL if zone in self.rows else dns.rcode.REFUSED, 0
        return dns.rcode.NOERROR, self.serials[zone]
