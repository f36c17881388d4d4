"""The answer hook: a Python function of the operator's that sees each answer of some zones, and may give another.

def answer(query):          # query.name, .type, .client, .tcp, .key, .zone, .answer: see Query
    return None             # the answer as it is
    return ["www.example. 60 A 192.0.2.7"]      # these records in its place
    return "drop"           # nothing; "refused" and "servfail" are replies, too
"""

from __future__ import annotations

import ctypes
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
from dns.name import Name
from dns.rcode import Rcode
from dns.rdataclass import RdataClass

from auth.answer import Answer
from auth.client import Client, Transport
from auth.errors import Dropped, Refusal
from auth.hook import HookFailed
from auth.wire import Question
from authworker.errors import HookUnusable
from datasrc.keys import name_key
from datasrc.records import RRset

MAX_RECORDS = 1000  # of one answer
MAX_TTL = 0x7FFFFFFF  # RFC 2181 section 8
FIELDS = 4  # of a record: owner, TTL, type, RDATA
_SET_EXCEPTION = ctypes.pythonapi.PyThreadState_SetAsyncExc


class HookTimeout(BaseException):
    """Raised in the middle of a function that takes too long; no `except Exception` of its keeps it."""


class _Failure(Refusal):
    rcode = Rcode.SERVFAIL


class _Refused(Refusal):
    rcode = Rcode.REFUSED


WORDS: dict[str, type[Exception]] = {"drop": Dropped, "refused": _Refused, "servfail": _Failure}


@dataclass(frozen=True, slots=True)
class Query:
    """What the function is told."""

    name: str  # in small letters, with the final dot
    type: str  # "A"
    client: str  # the address it came from
    tcp: bool
    key: str | None  # of a good TSIG
    zone: str
    answer: tuple[str, ...]  # the records of the answer section as they would be given: "OWNER TTL TYPE RDATA"


@dataclass(slots=True)
class _Call:
    began: float  # monotonic
    interrupted: bool = False


@dataclass(slots=True)
class Hook:
    """A loaded function."""

    file: Path
    function: Callable[[Query], Any]
    limit: float  # seconds a call may take
    _calls: dict[int, _Call] = field(default_factory=dict)  # by thread
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def look_at(self, question: Question, client: Client, key: Name | None, zone: Name, answer: Answer) -> Answer:
        """As auth.hook.AnswerHook has it."""
        query = Query(
            name=question.name.canonicalize().to_text(),
            type=dns.rdatatype.to_text(dns.rdatatype.RdataType.make(question.rdtype)),
            client=client.address,
            tcp=client.transport is Transport.TCP,
            key=None if key is None else key.to_text(),
            zone=zone.canonicalize().to_text(),
            answer=tuple(line for rrset in answer.answer for line in _lines(rrset)),
        )
        try:
            returned = self._call(query)
        except HookTimeout:
            raise HookFailed(f"it was interrupted after {self.limit:g} seconds") from None
        except BaseException as error:  # sys.exit(), too: it is nothing that this thread is to end of
            raise HookFailed(f"{type(error).__name__}: {error} ({_place(error, self.file)})") from error
        if returned is None:
            return answer
        if isinstance(returned, str):
            if returned not in WORDS:
                raise HookFailed(f"it returned {returned!r}, which is none of {', '.join(WORDS)}")
            raise WORDS[returned]
        return Answer(authoritative=True, answer=read_records(returned, question.name, zone))

    def _call(self, query: Query) -> Any:
        thread = threading.get_ident()
        try:
            self._calls[thread] = _Call(time.monotonic())
            return self.function(query)
        finally:
            with self._changing:
                del self._calls[thread]
                _SET_EXCEPTION(ctypes.c_ulong(thread), None)  # one that was set and did not come any more

    def interrupt_late(self) -> bool:
        """Interrupt calls that take too long; whether one was interrupted and goes on all the same."""
        now = time.monotonic()
        with self._changing:
            for thread, call in self._calls.items():
                if now - call.began < self.limit:
                    continue
                if call.interrupted and now - call.began >= 2 * self.limit:
                    return True
                if not call.interrupted:
                    call.interrupted = True
                    _SET_EXCEPTION(ctypes.c_ulong(thread), ctypes.py_object(HookTimeout))
        return False


def load(file: str, function: str, limit: float) -> Hook:
    """Run the file and take the function out of it. Raises HookUnusable."""
    path = Path(file)
    names: dict[str, Any] = {"__name__": "bobdns_hook", "__file__": file}
    try:
        exec(compile(path.read_bytes(), file, "exec"), names)  # noqa: S102 - what a hook is; the option takes the role admin
    except OSError as error:
        raise HookUnusable(f"{file}: {error.strerror}") from error
    except BaseException as error:  # sys.exit(), too
        raise HookUnusable(f"{file}: {type(error).__name__}: {error} ({_place(error, path)})") from error
    if not callable(names.get(function)):
        raise HookUnusable(f"{file}: it has no function {function!r}")
    return Hook(path, names[function], limit)


def read_records(returned: Any, asked: Name, zone: Name) -> list[RRset]:
    """Records in text as sets, in the order of the first of each. Raises HookFailed."""
    if not isinstance(returned, list | tuple) or not returned or len(returned) > MAX_RECORDS:
        raise HookFailed(f"it returned {returned!r:.100}, which is no list of 1 to {MAX_RECORDS} records")
    sets: dict[tuple[bytes, int], tuple[Name, int, dict[bytes, None]]] = {}  # by the keys of names, which may meet
    for record in returned:
        try:
            owner, ttl, rdtype, rdata = _read(record)
        except (ValueError, dns.exception.DNSException) as error:
            raise HookFailed(f"{record!r:.200} is no record: {error}") from error
        if not owner.is_subdomain(zone):
            raise HookFailed(f"{record!r:.200} is not in the zone {zone}")
        key = (name_key(owner), rdtype)
        first, lowest, rdatas = sets.setdefault(key, (asked if owner == asked else owner, ttl, {}))
        rdatas[rdata] = None
        sets[key] = (first, min(lowest, ttl), rdatas)
    return [RRset(owner, rdtype, ttl, tuple(rdatas)) for (_, rdtype), (owner, ttl, rdatas) in sets.items()]


def _read(record: Any) -> tuple[Name, int, int, bytes]:
    parts: list[str] = record.split(None, FIELDS - 1) if isinstance(record, str) else []
    if len(parts) != FIELDS:
        raise ValueError("it has to be OWNER TTL TYPE RDATA")
    owner, ttl, rdtype = dns.name.from_text(parts[0]), int(parts[1]), dns.rdatatype.from_text(parts[2])
    if not 0 <= ttl <= MAX_TTL:
        raise ValueError("its TTL is out of range")
    if dns.rdatatype.is_metatype(rdtype):
        raise ValueError("its type is none of zones")
    rdata = dns.rdata.from_text(RdataClass.IN, rdtype, parts[3], origin=dns.name.root, relativize=False)
    return owner, ttl, rdtype, rdata.to_wire() or b""


def _lines(rrset: RRset) -> list[str]:
    rdtype = dns.rdatatype.RdataType.make(rrset.rdtype)
    head = f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rdtype)}"
    wires = rrset.rdatas
    return [f"{head} {dns.rdata.from_wire(RdataClass.IN, rdtype, wire, 0, len(wire))}" for wire in wires]


def _place(error: BaseException, file: Path) -> str:
    """The last line of the file that the error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if isinstance(error, SyntaxError):
        lines.append(error.lineno)
    return f"line {lines[-1]}" if lines else "outside of the file"
