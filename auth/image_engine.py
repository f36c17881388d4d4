"""One query in, one reply out, from images: what auth/engine.py is for everything else, compiled.

query -> Responder (image/responder.py) -> cookie -> reply -> rate limit -> counts

What it leaves is as if it had never been seen: the plain implementation judges and counts it. Nothing here makes an
object for a query, or needs the GIL. Plain Python; image_engine.pxd adds the types.
"""

from __future__ import annotations

from typing import Any

from auth.cookie_format import COOKIE_OCTETS, MALFORMED, VALID
from auth.cookies import CookieJar
from auth.counted import (
    COOKIES,
    DROPPED,
    LIMIT_DROPPED,
    LIMIT_EVICTED,
    LIMIT_LOGGED,
    LIMIT_SLIPPED,
    REQUEST_TCP,
    REQUEST_UDP,
    REQUEST_V4,
    REQUEST_V6,
)
from auth.rate_limit_numbers import ANSWERS, DROP, SEND
from auth.rate_limiting import RateLimiter
from auth.reply_tally import ReplyTally
from auth.settings import AnyAnswer
from auth.sizes import NOTHING
from auth.zone_tally import ZoneTally
from image.layout import (
    BADCOOKIE,
    COOKIE,
    IPV6_OCTETS,
    KEEPALIVE,
    MAX_NAME,
    NSID,
    TO_DROP,
    WANTS_COOKIE,
    WANTS_KEEPALIVE,
    WANTS_NSID,
)
from image.names import address_of

KEEPALIVE_OCTETS = 2  # RFC 7828 section 3.1
NOTICE_EVERY = 1_000_000_000  # nanoseconds between two notices of limits, at least; the log bounds them further
NO_LIMITS = memoryview(bytearray(64))  # a table that nobody looks at


class ImageEngine:
    """Answers the queries of one thread. `responder` may be None: then nothing is answered."""

    def __init__(self, tally: ReplyTally, part: int) -> None:
        """`part` is where this thread counts in zones: one of auth/counted.py."""
        self.tally = tally
        self.zone_tally = ZoneTally(part)
        self.responder: Any = None
        self.engaged = 0
        self.jar = CookieJar()
        self.cookie_address = address_of(self.jar.cookie)
        self.secrets: Any = None  # None: cookies are ignored
        self.is_stale = 0  # the secrets are those of another time: cookies are left until renew()
        self.required = 0
        self.leaves_any = 0  # set where ANY has another answer than a set of the name
        self.courteous = 0  # set where answers come with name servers and addresses
        self.now = 0  # POSIX seconds
        self.known = 0  # the options there are answers to: WANTS_*
        self.outcome = 0  # what the cookie of the query in hand is, 0 where it has none
        self.nsid = memoryview(b"")
        self.nsid_address = 0
        self.keepalive = memoryview(bytearray(KEEPALIVE_OCTETS))
        self.keepalive_address = address_of(self.keepalive)
        self.table: Any = None
        self.limited = 0
        self.log_only = 0
        self.limiter = RateLimiter(0, 0, NO_LIMITS)
        self.evicted = 0
        self.moment = 0  # nanoseconds
        self.addresses = memoryview(b"")
        # Somebody has come to a limit: to be told by who may make objects.
        self.noticed = 0
        self.notice_due = 0  # nanoseconds
        self.notice_kind = 0
        self.notice_address = memoryview(bytearray(IPV6_OCTETS))
        self.notice_octets = 0
        self.notice_name = memoryview(bytearray(MAX_NAME))
        self.notice_name_octets = 0

    # Between queries.

    def engage(self, responder: Any, settings: Any, secrets: Any, table: Any, now: float) -> None:
        """Answer with this responder from now on (None: nothing), as these auth.settings.Settings say.

        Cookies are made with these auth.cookie_secrets.CookieSecrets, limits kept in this auth.rate_limits.LimitTable.
        """
        self.engaged = 0
        self.responder = responder
        self.secrets = secrets
        self.known = WANTS_KEEPALIVE
        if settings.nsid:
            self.nsid = memoryview(bytearray(settings.nsid))
            self.nsid_address = address_of(self.nsid)
            self.known |= WANTS_NSID
        if secrets is not None:
            self.known |= WANTS_COOKIE
        self.required = int(settings.cookies.required)
        self.courteous = int(not settings.minimal_responses)
        self.leaves_any = int(settings.any_answer is not AnyAnswer.RRSET)
        self.now = int(now)
        self.renew()
        self.table = table
        self.limited = int(table is not None)
        self.noticed = 0
        self.notice_due = 0
        if table is not None:
            self.limiter = table.limiter()
            self.evicted = 0
            self.log_only = int(table.settings.log_only)
        self.engaged = int(responder is not None)

    def renew(self) -> None:
        """Take the secrets of this time."""
        if self.secrets is not None:
            self.secrets.install(self.jar, self.now)
        self.is_stale = 0

    def serve(self, queries: memoryview, replies: memoryview, addresses: memoryview) -> None:
        """Take queries and the addresses of clients from these buffers, and put replies into the other, from now on."""
        self.jar.attach(queries, addresses)
        self.responder.serve(queries, replies)
        self.responder.access.attach(addresses)
        self.responder.limiting = self.limited
        self.responder.leaves_any = self.leaves_any
        self.responder.courteous = self.courteous
        self.limiter.attach(addresses)
        self.limiter.attach_names(self.responder.counted)
        self.addresses = addresses

    def tell_keepalive(self, units: int) -> None:
        """How long a connection is kept, for who asks (RFC 7828 section 3.1)."""
        self.keepalive[0] = units >> 8
        self.keepalive[1] = units & 0xFF

    def take_notice(self) -> tuple[Any, int, bytes, bytes] | None:
        """Who has come to a limit, if that is to be told: settings, kind, address, and the name in wire form."""
        if not self.noticed:
            return None
        self.noticed = 0
        address = bytes(self.notice_address[: self.notice_octets])
        return self.table.settings, self.notice_kind, address, bytes(self.notice_name[: self.notice_name_octets])

    def set_time(self, now: int, moment: int, keepalive: int = 0) -> None:
        """As take_time(), take_moment() and tell_keepalive(), for callers that are not compiled."""
        self.take_time(now)
        self.take_moment(moment)
        self.tell_keepalive(keepalive)

    def respond(self, start: int, length: int, at: int, address: int, address_octets: int) -> int:
        """As reply(), for callers that are not compiled."""
        return self.reply(start, length, at, address, address_octets)

    # For a query.

    def take_time(self, now: int) -> int:
        """It is so late, in POSIX seconds."""
        self.now = now
        if self.known & WANTS_COOKIE and not self.jar.since <= now < self.jar.until:
            self.is_stale = 1
        return 0

    def take_moment(self, moment: int) -> int:
        """It is so late, in nanoseconds of the monotonic clock: for limits."""
        self.moment = moment
        return 0

    def reply(self, start: int, length: int, at: int, address: int, address_octets: int) -> int:
        """Answer the query at `start`; octets of the reply at `at`, NOTHING where none is sent, 0 where it is left.

        The client's address (4 or 16 octets) is at `address` of the addresses.
        """
        if not self.engaged:
            return 0
        if self.responder.guarded:
            self.responder.come_from(address, address_octets)
        if not self.responder.prepare(0, start, length):
            return 0
        return self.answer(0, at, address, address_octets)

    def answer(self, stage: int, at: int, address: int, address_octets: int) -> int:
        """As reply(), for a query that the responder has prepared."""
        if not self.responder.resume(stage):
            return 0
        self.responder.options_octets = 0
        self.outcome = 0
        wanted = self.responder.wanted & self.known
        if wanted and not self.take_options(wanted, address, address_octets):
            return 0
        if self.required and self.has_to_ask_again():
            size: int = self.responder.fail(at, BADCOOKIE)
        elif self.responder.zone == TO_DROP:
            return self.drop(address_octets)
        else:
            size = self.responder.walk(at)
        if size == 0:
            return 0
        self.count_query()
        if self.limited and self.outcome != VALID:
            size = self.limit(size, address, address_octets)
        if size != NOTHING:
            self.tally.replied(self.responder.flags, self.responder.rcode, self.responder.kind, self.responder.edns)
        if self.responder.asked_row and self.responder.rcode != BADCOOKIE:  # that one has nothing to do with the zone
            self.count_in_zone(address_octets, size)
        return size

    def drop(self, address_octets: int) -> int:
        """Count a query that gets no reply."""
        self.count_query()
        self.tally.add(DROPPED, 1)
        if self.responder.asked_row:
            self.count_in_zone(address_octets, NOTHING)
        return NOTHING

    def count_query(self) -> int:
        """Count what the query is."""
        self.tally.asked(self.responder.flags, self.responder.edns, self.responder.dnssec)
        self.tally.typed(self.responder.rdtype)
        if self.outcome:
            self.tally.add(COOKIES + self.outcome - MALFORMED, 1)
        return 0

    def count_in_zone(self, address_octets: int, size: int) -> int:
        """Count the query and its reply in the zone it is about, if anybody counts."""
        if not self.zone_tally.counting:
            return 0
        self.zone_tally.choose_row(self.responder.asked_row - 1)
        self.zone_tally.add(REQUEST_V6 if address_octets == IPV6_OCTETS else REQUEST_V4, 1)
        self.zone_tally.add(REQUEST_TCP if self.responder.stream else REQUEST_UDP, 1)
        self.zone_tally.asked(self.responder.flags, self.responder.edns, self.responder.dnssec)
        if size != NOTHING:
            self.zone_tally.replied(
                self.responder.flags, self.responder.rcode, self.responder.kind, self.responder.edns
            )
        return 1

    def limit(self, size: int, address: int, address_octets: int) -> int:
        """What becomes of a reply of so many octets; the octets of what is sent, NOTHING where that is nothing."""
        kind = self.responder.kind
        name = self.limiter.octets_number(self.responder.counted_octets)
        if kind == ANSWERS:
            name ^= self.responder.rdtype
        outcome = self.limiter.choose(address, address_octets, kind, name, self.moment)
        if self.limiter.evicted != self.evicted:
            self.evicted = self.limiter.evicted
            self.tally.add(LIMIT_EVICTED, 1)
        if outcome == SEND:
            return size
        if self.limiter.began and self.moment >= self.notice_due:
            self.notice(kind, address, address_octets)
        if self.log_only:
            self.tally.add(LIMIT_LOGGED, 1)
            return size
        if outcome == DROP:
            self.tally.add(LIMIT_DROPPED, 1)
            return NOTHING
        self.tally.add(LIMIT_SLIPPED, 1)
        self.responder.options_octets = 0  # who is written to may not have asked: only the cookie is sent with it
        if self.outcome:
            self.responder.put_option(COOKIE, self.cookie_address, COOKIE_OCTETS)
        slipped: int = self.responder.slip()
        return slipped

    def notice(self, kind: int, address: int, address_octets: int) -> int:
        """Keep who has come to a limit."""
        self.noticed = 1
        self.notice_due = self.moment + NOTICE_EVERY
        self.notice_kind = kind
        self.notice_octets = address_octets
        for index in range(address_octets):
            self.notice_address[index] = self.addresses[address + index]
        self.notice_name_octets = self.responder.counted_octets
        for index in range(self.notice_name_octets):
            self.notice_name[index] = self.responder.counted[index]
        return 0

    def has_to_ask_again(self) -> int:
        """Whether a client that knows cookies must show the right one first (RFC 7873 section 5.2.3)."""
        return 0 if self.outcome in (0, VALID) or self.responder.stream else 1

    def take_options(self, wanted: int, address: int, address_octets: int) -> int:
        """Prepare our options; 0 where the query is left."""
        if wanted & WANTS_NSID:
            self.responder.put_option(NSID, self.nsid_address, len(self.nsid))
        if wanted & WANTS_KEEPALIVE:
            self.responder.put_option(KEEPALIVE, self.keepalive_address, KEEPALIVE_OCTETS)
        if wanted & WANTS_COOKIE:
            if self.is_stale:
                return 0
            self.outcome = self.jar.judge(
                self.responder.cookie_at, self.responder.cookie_octets, address, address_octets, self.now
            )
            if self.outcome == MALFORMED:
                return 0
            self.responder.put_option(COOKIE, self.cookie_address, COOKIE_OCTETS)
        return 1
