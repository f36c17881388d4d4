"""Counting, by the rules of BIND 10: what comes in, what goes out, and how the questions ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from dns.opcode import Opcode
from dns.rcode import Rcode

from auth.client import Client, Transport
from auth.cookie_check import Cookie
from auth.cookie_format import MALFORMED, NEW, UNTIMELY, VALID, WRONG
from auth.counted import FIRST_PART, OF_ZONES, PART_WORDS, PLAIN_PART, QTYPES, ROW_WORDS
from auth.response import Rendered, Reply
from auth.wire import Header, Request

_OPCODES = {opcode: f"opcode.{opcode.name.lower()}" for opcode in Opcode if opcode <= Opcode.UPDATE}
_BEYOND = (Rcode.BADVERS, Rcode.BADCOOKIE)  # those of OPT that we send
_RCODES = {rcode: f"rcode.{rcode.name.lower()}" for rcode in Rcode if rcode <= Rcode.NOTZONE or rcode in _BEYOND}
_QTYPES = {number: name for name, number in QTYPES.items()}
_COOKIES = {
    MALFORMED: "cookie.malformed",
    NEW: "cookie.new",
    UNTIMELY: "cookie.untimely",
    WRONG: "cookie.wrong",
    VALID: "cookie.valid",
}


class Counted(Protocol):
    """Whatever has counters of these names."""

    def add(self, name: str, amount: int = 1) -> None:
        """Count."""


class RowCounters:
    """The counters of one zone; what is not counted in zones is passed over. For the answering thread."""

    _INDEX: ClassVar[Mapping[str, int]] = {name: index for index, name in enumerate(OF_ZONES)}

    def __init__(self, slots: memoryview, row: int) -> None:
        self._slots = slots
        self._first = row * ROW_WORDS + FIRST_PART + PLAIN_PART * PART_WORDS

    def add(self, name: str, amount: int = 1) -> None:
        """Count."""
        index = self._INDEX.get(name)
        if index is not None:
            self._slots[self._first + index] += amount


class Tally:
    """Adds to the counters of the process what one exchange is worth."""

    def __init__(self, counters: Counted) -> None:
        self._counters = counters

    def arrived(self, client: Client) -> None:
        """Any message."""
        add = self._counters.add
        add("request.v6" if ":" in client.address else "request.v4")
        add("request.tcp" if client.transport is Transport.TCP else "request.udp")

    def headed(self, header: Header) -> None:
        """A message with a header that is not a response."""
        self._counters.add(_OPCODES.get(header.opcode, "opcode.other"))  # type: ignore[call-overload]
        if header.opcode == Opcode.QUERY and header.recursion_desired:
            self._counters.add("qryrecursion")

    def read(self, request: Request) -> None:
        """What the request carries; a TSIG that is not good ends the counting."""
        add = self._counters.add
        if request.question is not None and request.header.opcode == Opcode.QUERY:
            add(_QTYPES.get(request.question.rdtype, "qtype.other"))
        if request.has_sig0:
            add("request.sig0")
        if request.tsig is not None:
            add("request.tsig")
            signature = request.signature
            if signature is None or not signature.is_good:
                add("request.badsig")
                if signature is not None:
                    add(f"tsig.{signature.fault.lower()}")
                return
        if request.edns is not None:
            add("request.edns0")
            if request.edns.dnssec_ok:
                add("request.dnssec_ok")

    def checked(self, cookie: Cookie | None) -> None:
        """The cookie of a request."""
        if cookie is not None:
            self._counters.add(_COOKIES[cookie.outcome])

    def limited(self, *, dropped: bool, only_logged: bool) -> None:
        """A reply is over a rate limit."""
        over = "dropped" if dropped else "slipped"
        self._counters.add("rate_limit.only_logged" if only_logged else f"rate_limit.{over}")

    def evicted(self) -> None:
        """The table of rate limits is too small."""
        self._counters.add("rate_limit.evicted")

    def hooked(self, *, failed: bool) -> None:
        """The answer hook was asked."""
        self._counters.add("hook.failed" if failed else "hook.called")

    def dropped(self) -> None:
        """No reply was sent."""
        self._counters.add("dropped")

    def failed(self) -> None:
        """An unexpected error while answering."""
        self._counters.add("failures")

    def replied(self, reply: Reply, rendered: Rendered) -> None:
        """A reply is going out."""
        add = self._counters.add
        add("responses")
        add(_RCODES.get(reply.rcode, "rcode.other"))  # type: ignore[call-overload]
        if rendered.truncated:
            add("response.truncated")
        if reply.opt is not None:
            add("response.edns0")
        if reply.rcode == Rcode.BADVERS:
            add("request.badednsver")
        if reply.signature is not None:
            add("response.tsig")
        bad_signature = reply.signature is not None and not reply.signature.is_good
        if reply.header.opcode == Opcode.QUERY and not bad_signature:
            self._answered(reply)

    def exchange(self, client: Client, request: Request, reply: Reply | None, rendered: Rendered | None) -> None:
        """All of one exchange at once; None: nothing was sent."""
        self.arrived(client)
        self.headed(request.header)
        self.read(request)
        if reply is not None and rendered is not None:
            self.replied(reply, rendered)

    def _answered(self, reply: Reply) -> None:
        add = self._counters.add
        authoritative = reply.answer.authoritative
        add("qryauthans" if authoritative else "qrynoauthans")
        if reply.rcode == Rcode.NOERROR:
            if reply.answer.answer:
                add("qrysuccess")
            else:
                add("qrynxrrset" if authoritative else "qryreferral")
        elif reply.rcode == Rcode.REFUSED and not reply.header.recursion_desired:
            add("authqryrej")
