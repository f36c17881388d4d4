"""From the octets of a request to the octets of its reply: the one entry of all transports.

message -> admission (header) -> wire (question, OPT, TSIG) -> cookie -> operation or answer -> rate limit -> response
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from dns.edns import EDECode
from dns.name import Name
from dns.opcode import Opcode
from dns.rcode import Rcode
from dns.rdataclass import RdataClass

from auth import edns
from auth.acl import Requester
from auth.admission import Admission, admit
from auth.answer import Answer, answer_question
from auth.chaos import answer_chaos
from auth.client import Client, Transport
from auth.cookie_check import Cookie, CookieCheck, has_to_ask_again
from auth.cookie_secrets import CookieSecrets
from auth.edns import MIN_UDP_SIZE, ExtendedError
from auth.errors import Broken, Dropped, Refusal, TsigMalformed, Unusable
from auth.hook import AnswerHook, HookFailed
from auth.keys import KeyRing
from auth.operations import TRANSFERS, check_query_type, refuse_transfer, refuse_zone_change
from auth.rate_limits import ResponseLimits
from auth.response import OptReply, Rendered, Reply, render
from auth.settings import Settings
from auth.signature import Signature, verify
from auth.tally import RowCounters, Tally
from auth.wire import Question, Request, labels_of, read_header, read_request
from auth.writer import MAX_MESSAGE
from auth.zones import View, ZoneTable
from daemonkit.log import MessageLog
from datasrc.errors import DataSourceError, Unavailable, ZoneUnusable
from datasrc.keys import name_key
from datasrc.source import Snapshot

if TYPE_CHECKING:
    from auth.last_good import LastGood

MAX_LOGGED = 512  # octets of a request that a message shows
_REFUSED_UNREAD = {Admission.FORMERR: Rcode.FORMERR, Admission.NOTIMP: Rcode.NOTIMP}


class ZoneData(Protocol):
    """Where zones come from: a data source, or several as one."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """A consistent view."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Everything of one configuration revision that answers depend on."""

    data: ZoneData
    settings: Settings = field(default_factory=Settings)
    zones: ZoneTable = field(default_factory=ZoneTable)
    cookies: CookieSecrets | None = None  # None: cookies are ignored
    keys: KeyRing = field(default_factory=KeyRing)
    hook: AnswerHook | None = None  # only in the worker
    last_good: LastGood | None = None  # of zones whose data cannot be used; None: such get SERVFAIL
    sources: int | None = None  # the data sources, as image.directory.fingerprint() tells them; None: nobody says


class Engine:
    """Answers messages. `serving` is replaced as a whole; an answer in hand finishes with what it began with."""

    def __init__(self, serving: Serving, tally: Tally, log: MessageLog, clock: Callable[[], float] = time.time) -> None:
        self.serving = serving
        self.handled = 0  # messages: who watches sees it grow
        self._tally = tally
        self._log = log
        self._clock = clock
        self._cookies = CookieCheck(clock)
        self.limits = ResponseLimits(tally, log)

    def respond(self, message: bytes, client: Client) -> bytes | None:
        """The reply to a message, or None where none is due. Blocks; raises nothing."""
        try:
            return self._respond(message, client)
        except Exception as error:  # noqa: BLE001 - of those that came with it none is to go without its reply
            self._tally.failed()
            self._tell_defect(error, message, client)
            return None
        finally:
            self.handled += 1

    def _respond(self, message: bytes, client: Client) -> bytes | None:
        self._tally.arrived(client)
        admission = admit(message)
        if admission is Admission.DROP:
            self._tally.dropped()
            return None
        request = Request(read_header(message))
        self._tally.headed(request.header)
        serving, cookie = self.serving, None
        try:
            if admission is not Admission.READ:
                reply = Reply(request.header, rcode=_REFUSED_UNREAD[admission])
                return self._send(reply, request, client, serving, cookie)
            request = read_request(message, request.header)
            request.signature = self._verify(message, request, client, serving.keys)
            self._tally.read(request)
            cookie = self._cookies.check(request, client, serving.cookies)
            self._tally.checked(cookie)
            reply = self._reply(request, client, serving, cookie)
            return self._send(reply, request, client, serving, cookie)
        except Dropped:
            self._tally.dropped()
            _count_in_zone(serving, client, request)
            return None
        except BaseException as error:  # noqa: BLE001 - the boundary: whatever one query provokes, sys.exit() in the
            # library of a database, too, the next is answered; threads that answer are not interrupted otherwise
            self._tally.failed()
            self._tell_defect(error, message, client)
            return self._send(_failure(request, client, serving, cookie), request, client, serving, cookie)

    def _tell_defect(self, error: BaseException, message: bytes, client: Client) -> None:
        self._log.exception("AUTH_INTERNAL_ERROR", error, client=client.address, message=message[:MAX_LOGGED].hex())

    def _send(
        self, reply: Reply, request: Request, client: Client, serving: Serving, cookie: Cookie | None
    ) -> bytes | None:
        """The reply on the wire, or what the rate limit puts in its place: where the client's address may be forged."""
        settings = serving.settings
        may_be_forged = client.transport is Transport.UDP and not (cookie is not None and cookie.is_valid)
        sent = reply
        if settings.rate_limit.enabled and may_be_forged:
            limited = self.limits.limited(reply, client, settings.rate_limit)
            if limited is None:
                _count_in_zone(serving, client, request)
                return None
            sent = limited
        rendered = render(sent, _limit(request, client, settings))
        self._tally.replied(sent, rendered)
        _count_in_zone(serving, client, request, sent, rendered)
        return rendered.message

    def _verify(self, message: bytes, request: Request, client: Client, keys: KeyRing) -> Signature | None:
        """What comes of the TSIG of the request, where it has one that can be judged."""
        if request.tsig is None or request.fault is not None:
            return None
        try:
            signature = verify(message, request.tsig_start, request.tsig, keys, int(self._clock()))
        except TsigMalformed as fault:
            request.fault = fault
            return None
        if not signature.is_good:
            key = labels_of(request.tsig.key_name)
            self._log.warning("AUTH_TSIG_BAD", client=client.address, key=key, fault=signature.fault)
        return signature

    def _reply(self, request: Request, client: Client, serving: Serving, cookie: Cookie | None) -> Reply:
        """Decide in the order of the layers: form, EDNS version, cookie, signature, then the question itself."""
        reply = _begin(request, client, serving, cookie)
        if request.fault is not None or _misuses_keepalive(request, client) or _is_malformed(request, cookie):
            return replace(reply, rcode=Rcode.FORMERR)
        if request.edns is not None and request.edns.version != edns.VERSION:
            return replace(reply, rcode=Rcode.BADVERS)
        if has_to_ask_again(cookie, request, client, required=serving.settings.cookies.required):
            return replace(reply, rcode=Rcode.BADCOOKIE)
        if request.question is None:
            return reply  # the cookie is all that was asked for
        if request.signature is not None and not request.signature.is_good:
            return replace(reply, rcode=Rcode.NOTAUTH, signature=request.signature)
        try:
            answer = self._answer(request, request.question, client, serving)
        except Refusal as refusal:
            if isinstance(refusal, Unusable):
                self._log.error("AUTH_ZONE_UNUSABLE", zone=refusal.zone, reason=refusal.reason)
            return _with_error(replace(reply, rcode=refusal.rcode), refusal.ede, refusal.text)
        except ZoneUnusable as error:
            self._log.error("AUTH_ZONE_UNUSABLE", zone=error.zone, reason=error.reason)
            return _with_error(replace(reply, rcode=Rcode.SERVFAIL), EDECode.INVALID_DATA, "zone data unusable")
        except DataSourceError as error:
            if not isinstance(error, Unavailable):  # that was said when the source began to fail
                self._log.error("AUTH_DATA_SOURCE_FAILED", reason=error)
            return _with_error(replace(reply, rcode=Rcode.SERVFAIL), EDECode.NOT_READY, "data source failing")
        return replace(reply, rcode=answer.rcode, answer=answer)

    def _answer(self, request: Request, question: Question, client: Client, serving: Serving) -> Answer:
        if request.header.opcode == Opcode.QUERY:
            check_query_type(question)
            if question.rdclass == RdataClass.CH:
                return answer_chaos(question, serving.settings)
        key = None if request.signature is None or request.signature.key is None else request.signature.key.name
        requester = Requester(ipaddress.ip_address(client.address), key)
        with serving.data.snapshot() as snapshot:
            view = View(snapshot, serving.zones, requester)
            try:
                if request.header.opcode != Opcode.QUERY:
                    refuse_zone_change(question, view)
                if question.rdtype in TRANSFERS:
                    refuse_transfer(request, question, view, client.transport)
                room = _limit(request, client, serving.settings)
                answer = self._look_up(question, view, snapshot, serving, room, dnssec_ok=_wants_dnssec(request))
                return self._hooked(question, client, key, view.asked, answer, serving)
            finally:
                request.zone = view.asked

    def _look_up(
        self, question: Question, view: View, snapshot: Snapshot, serving: Serving, room: int, *, dnssec_ok: bool
    ) -> Answer:
        """The answer from the data; where the zone's cannot be used, from the image of the last that could."""
        try:
            return answer_question(question, view, serving.settings, room, dnssec_ok=dnssec_ok)
        except (Broken, ZoneUnusable) as error:  # one that was deleted has no good version
            if serving.last_good is None or not isinstance(error.zone, Name):
                raise
            answer = serving.last_good.answer(question, error.zone, snapshot, serving.settings, dnssec_ok=dnssec_ok)
            if answer is None:
                raise
            self._log.warning("AUTH_LAST_GOOD", zone=error.zone, reason=error.reason)
            return answer

    def _hooked(
        self, question: Question, client: Client, key: Name | None, zone: Name | None, answer: Answer, serving: Serving
    ) -> Answer:
        """What the answer hook makes of an answer, where it is to see it; the answer itself where it fails."""
        if serving.hook is None or zone is None or not serving.zones.policy(zone).hook:
            return answer
        self._tally.hooked(failed=False)
        try:
            return serving.hook.look_at(question, client, key, zone, answer)
        except HookFailed as error:
            self._tally.hooked(failed=True)
            self._log.error("AUTH_HOOK_FAILED", zone=zone, name=question.name, reason=error)
            return answer


def _count_in_zone(
    serving: Serving, client: Client, request: Request, reply: Reply | None = None, rendered: Rendered | None = None
) -> None:
    """Count the exchange in the zone it is about, if that is to be counted."""
    rows = serving.zones.rows
    if rows is not None and request.zone is not None and (row := rows.of.get(name_key(request.zone))) is not None:
        Tally(RowCounters(rows.slots, row)).exchange(client, request, reply, rendered)


def _wants_dnssec(request: Request) -> bool:
    return request.edns is not None and request.edns.dnssec_ok


def _limit(request: Request, client: Client, settings: Settings) -> int:
    """Octets of the largest reply this client takes (RFC 1035 section 4.2.1, RFC 6891 section 6.2.5)."""
    if client.transport is Transport.TCP:
        return MAX_MESSAGE
    if request.edns is None:
        return MIN_UDP_SIZE
    return min(max(MIN_UDP_SIZE, request.edns.udp_size), settings.udp_size)


def _opt(request: Request, client: Client, settings: Settings, cookie: Cookie | None) -> OptReply | None:
    """Our OPT, exactly where the request has one (RFC 6891 section 6.1.1)."""
    asked = request.edns
    if asked is None:
        return None
    options = b""
    if asked.wants_nsid and settings.nsid:
        options += edns.nsid_option(settings.nsid)
    if asked.keepalive is not None and client.transport is Transport.TCP:
        options += edns.keepalive_option(client.idle_timeout)
    ours = b"" if cookie is None or not cookie.content else edns.cookie_option(cookie.content)
    return OptReply(settings.udp_size, asked.dnssec_ok, options, cookie=ours)


def _begin(request: Request, client: Client, serving: Serving, cookie: Cookie | None) -> Reply:
    """What every reply to this request has: the question, OPT, and a signature where the request had a good one."""
    signature = request.signature if request.signature is not None and request.signature.is_good else None
    opt = _opt(request, client, serving.settings, cookie)
    return Reply(request.header, request.question, opt=opt, signature=signature)


def _failure(request: Request, client: Client, serving: Serving, cookie: Cookie | None) -> Reply:
    reply = replace(_begin(request, client, serving, cookie), rcode=Rcode.SERVFAIL)
    return _with_error(reply, EDECode.OTHER, "internal error")


def _misuses_keepalive(request: Request, client: Client) -> bool:
    """A client must not tell a time-out (RFC 7828 section 3.2.1); over UDP the option means nothing (section 3.2.2)."""
    return client.transport is Transport.TCP and request.edns is not None and bool(request.edns.keepalive)


def _is_malformed(request: Request, cookie: Cookie | None) -> bool:
    """Without a question there has to be a cookie, and where there is one its length has to be right."""
    return request.question is None if cookie is None else cookie.is_malformed


def _with_error(reply: Reply, code: EDECode | None, text: str) -> Reply:
    if code is None or reply.opt is None:
        return reply
    return replace(reply, opt=replace(reply.opt, error=ExtendedError(code, text)))
