"""A transaction that changes several sets at once, under queries: each reply is of one version, and they come in order.

One reply tells of several sets: `alias` is a CNAME of a name that comes and goes with each version, whose address has
the version, and a question for what that name does not have is answered with the SOA beside the CNAME.
"""

from __future__ import annotations

import functools
import socket
import threading

import dns.message
import dns.rdatatype
import pytest

import datasrc
from tests.datasrc.zonemaking import change, load
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, wait_until
from tests.system.test_images_served import answered_from_images, counted

pytestmark = pytest.mark.system

ASKERS = 6  # with a socket each, so that each is answered by one instance
VERSIONS = 60
TEXTS = 8  # records of one set


def of(version: int) -> str:
    """What the zone has of a version."""
    texts = " | ".join(f'"{number} {version}"' for number in range(TEXTS))
    return f"alias CNAME t{version}\nt{version} A 192.0.2.{version}\ntexts TXT {texts}\n"


def told(reply: dns.message.Message) -> set[int]:
    """All versions that a reply tells of."""
    found = set()
    for rrset in (*reply.answer, *reply.authority):
        for rdata in rrset:
            if rrset.rdtype == dns.rdatatype.CNAME:
                found.add(int(rdata.target.labels[0][1:]))
            elif rrset.rdtype == dns.rdatatype.SOA:
                found.add(rdata.serial)
            elif rrset.rdtype == dns.rdatatype.A:
                found.add(int(rdata.address.rpartition(".")[2]))
            elif rrset.rdtype == dns.rdatatype.TXT:
                found.add(int(rdata.strings[0].split()[1]))
    return found


class Asker(threading.Thread):
    """Asks one question after the other by one socket, until it is to stop."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.versions: list[int] = []  # that were answered, in order
        self.wrong: list[str] = []
        self.done = threading.Event()
        self._port = port

    def run(self) -> None:
        """Until it is done."""
        questions = [("alias", "A", 2), ("alias", "AAAA", 1), ("texts", "TXT", TEXTS), ("example.", "SOA", 1)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(QUERY_TIMEOUT)
            asking.connect(("127.0.0.1", self._port))
            while not self.done.is_set():
                for owner, kind, records in questions:
                    full = owner if owner.endswith(".") else f"{owner}.example."
                    query = dns.message.make_query(full, kind, use_edns=0)
                    asking.send(query.to_wire())
                    reply = dns.message.from_wire(asking.recv(4096))
                    versions = told(reply)
                    found = sum(len(rrset) for rrset in reply.answer)
                    if len(versions) != 1 or found != records or reply.id != query.id:
                        self.wrong.append(reply.to_text())
                    self.versions += versions


def have_asked(askers: list[Asker], before: list[int]) -> bool:
    """Whether each has had more replies than then."""
    return all(len(one.versions) > many for one, many in zip(askers, before, strict=True))


def test_no_reply_mixes_what_was_before_a_transaction_with_what_is_after_it():
    with Suite(config="components: {auth: {instances: 2}}\n") as suite:
        suite.start()
        database = datasrc.open(f"sqlite:///{suite.state}/zones.sqlite", create=True)
        first = f"@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.200\nwww A 192.0.2.201\n{of(1)}"
        load(database, first)
        wait_until(lambda: suite.serves("example.", 1), DEADLINE, "the zone is served")
        wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
        left = counted(suite, "left")
        askers = [Asker(suite.port) for _ in range(ASKERS)]
        for asker in askers:
            asker.start()
        for version in range(2, VERSIONS + 1):
            before = [len(asker.versions) for asker in askers]
            change(database, version, add=of(version), delete=of(version - 1))
            wait_until(functools.partial(have_asked, askers, before), DEADLINE, "everybody has asked since")
        wait_until(lambda: all(one.versions[-1] == VERSIONS for one in askers), DEADLINE, "all have the last version")
        for asker in askers:
            asker.done.set()
        for asker in askers:
            asker.join(DEADLINE)
        assert [asker.wrong for asker in askers] == [[]] * ASKERS
        assert all(asker.versions == sorted(asker.versions) for asker in askers)
        assert all(len(set(asker.versions)) > VERSIONS // 10 for asker in askers)  # they were there while it changed
        assert counted(suite, "left") == left  # all that was answered from images
        database.close()
