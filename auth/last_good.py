"""Zones whose own data cannot be used, as their images have them: what images answer others goes on for everybody.

A zone file that has become bad keeps its last good version in the image. Queries that the compiled loop leaves (signed
ones, those of a zone with a hook) come here when whoever looks the data up never saw that version.
"""

from __future__ import annotations

import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from dns.name import Name
from dns.rdataclass import RdataClass

from auth.answer import Answer
from auth.settings import AnyAnswer, Settings
from auth.wire import Question, wire_of
from daemonkit.log import MessageLog
from datasrc.errors import DataSourceError
from datasrc.records import RRset
from datasrc.source import Snapshot
from image import manifest
from image.layout import DO, OPT, POINTER_REACH

if TYPE_CHECKING:  # what the worker needs here only, it does without until it does need it
    from dns.message import Message
    from dns.rrset import RRset as MessageSet

    from image.collection import Collection
    from image.responder import Responder

_HEAD = struct.Struct("!6H")  # RFC 1035 section 4.1.1
_OPT = struct.Struct("!BHHBBBBH")  # RFC 6891 section 6.1.2
_MAX_QUERY = 512  # octets: a name of 255, and what is around it


class LastGood:
    """What images have. May be shared between threads. Maps nothing before it is asked."""

    def __init__(self, run: Path, suite: str, log: MessageLog) -> None:
        """`run` is the run directory, `suite` this run of the suite."""
        self._announcement = run / manifest.ANNOUNCEMENT
        self._suite = suite
        self._log = log
        self._turn = threading.Lock()  # held while something is mapped, unmapped, or looked up
        self._collection: Collection | None = None
        self._responder: Responder | None = None
        self._query = memoryview(bytearray(_MAX_QUERY))
        self._reply = memoryview(bytearray(POINTER_REACH))

    def answer(
        self, question: Question, origin: Name, snapshot: Snapshot, settings: Settings, *, dnssec_ok: bool
    ) -> Answer | None:
        """The answer to a question of class IN about the zone; None where its image has none. Blocks.

        A chain is followed within the zone only: whether this client may see others nobody has asked.
        """
        with self._turn:
            wire = self._look_up(_query(question, dnssec_ok=dnssec_ok), settings)
        if wire is None:
            return None
        import dns.message

        reply = dns.message.from_wire(wire)
        if reply.answer and not _is_in(reply.answer[0].name, origin, snapshot):
            return None  # the image is of another time than what is known of zones
        return _answer_of(reply, origin, snapshot)

    def _look_up(self, query: bytes, settings: Settings) -> bytes | None:
        responder = self._current()
        if responder is None:
            return None
        responder.leaves_any = int(settings.any_answer is not AnyAnswer.RRSET)
        self._query[: len(query)] = query
        octets = responder.answer(0, len(query), 0)
        return bytes(self._reply[:octets]) if octets > 0 else None

    def _current(self) -> Responder | None:
        """What is announced now."""
        from image.collection import Collection
        from image.responder import Responder

        try:
            collection = self._collection = self._collection or Collection(
                self._announcement, self._suite, problem=self._refused
            )
        except OSError as error:  # a limit on addresses
            self._log.warning("AUTH_NO_IMAGES", reason=error)
            return None
        prepared = collection.prepare()
        if prepared is None:
            return self._responder
        if prepared.directory is None:
            self._responder = None
            collection.install(prepared)
        elif self._responder is not None and self._responder.seed == prepared.seed:
            collection.install(prepared, self._responder)
        else:
            collection.install(prepared)
            self._responder = Responder(prepared.seed, POINTER_REACH)
            self._responder.serve(self._query, self._reply)
            self._responder.stream = 1
            collection.attach(self._responder)
        return self._responder

    def _refused(self, path: Path, reason: str) -> None:
        self._log.warning("AUTH_IMAGE_REFUSED", file=path, reason=reason)


def _query(question: Question, *, dnssec_ok: bool) -> bytes:
    """As a client sends it that has nothing special to say."""
    head = _HEAD.pack(0, 0, 1, 0, 0, 1)
    asked = wire_of(question.name) + struct.pack("!2H", question.rdtype, RdataClass.IN)
    return head + asked + _OPT.pack(0, OPT, POINTER_REACH, 0, 0, DO if dnssec_ok else 0, 0, 0)


def _answer_of(reply: Message, origin: Name, snapshot: Snapshot) -> Answer:
    """The sections of a reply, as far as they are of this zone."""
    import dns.flags

    answer = Answer(authoritative=bool(reply.flags & dns.flags.AA))
    for rrset in reply.answer:
        if not _is_in(rrset.name, origin, snapshot):
            return answer  # the client goes on asking by itself
        answer.answer.append(_set_of(rrset))
    answer.rcode = reply.rcode()
    answer.authority = [_set_of(rrset) for rrset in reply.authority]
    additional = [_set_of(rrset) for rrset in reply.additional]
    if answer.answer:
        answer.courtesy_additional = additional
    else:
        answer.glue = additional
    return answer


def _is_in(name: Name, origin: Name, snapshot: Snapshot) -> bool:
    """Whether a name that is somewhere in our zones is in this one."""
    try:
        finder = snapshot.find_zone(name)
    except DataSourceError:
        return False
    return finder is not None and finder.info.origin == origin


def _set_of(rrset: MessageSet) -> RRset:
    rdatas = tuple(rdata.to_wire() for rdata in rrset)
    return RRset(rrset.name, rrset.rdtype, rrset.ttl, rdatas, rrset.covers)
