"""What compiled code counts: names of specs/auth.yaml, and their numbers; and where it does so for a zone.

Constants only, for the compiled modules.
"""

from __future__ import annotations

# Query types that have a counter of their own: their numbers in the registry of IANA (DNS Parameters, RR TYPEs).
QTYPES = {
    "qtype.a": 1,
    "qtype.ns": 2,
    "qtype.cname": 5,
    "qtype.soa": 6,
    "qtype.ptr": 12,
    "qtype.mx": 15,
    "qtype.txt": 16,
    "qtype.aaaa": 28,
    "qtype.srv": 33,
    "qtype.naptr": 35,
    "qtype.ds": 43,
    "qtype.rrsig": 46,
    "qtype.nsec": 47,
    "qtype.dnskey": 48,
    "qtype.nsec3": 50,
    "qtype.nsec3param": 51,
    "qtype.tlsa": 52,
    "qtype.svcb": 64,
    "qtype.https": 65,
    "qtype.ixfr": 251,
    "qtype.axfr": 252,
    "qtype.any": 255,
    "qtype.caa": 257,
}
COUNTED = (
    "request.v4",
    "request.v6",
    "request.udp",
    "request.tcp",
    "request.edns0",
    "request.dnssec_ok",
    "opcode.query",
    "qryrecursion",
    "responses",
    "response.edns0",
    "response.truncated",
    "qryauthans",
    "qrynoauthans",
    "qrysuccess",
    "qrynxrrset",
    "qryreferral",
    "authqryrej",
    "rcode.noerror",
    "rcode.formerr",
    "rcode.servfail",
    "rcode.nxdomain",
    "rcode.notimp",
    "rcode.refused",
    "rcode.yxdomain",
    "rcode.yxrrset",
    "rcode.nxrrset",
    "rcode.notauth",
    "rcode.notzone",
    "rcode.other",
    "dropped",
    "failures",
    "udp.receive_errors",
    "udp.send_errors",
    "left",
    "left.dropped",
    "rcode.badcookie",
    "cookie.malformed",
    "cookie.new",
    "cookie.untimely",
    "cookie.wrong",
    "cookie.valid",
    "tcp.accepted",
    "tcp.refused",
    "tcp.evicted",
    "tcp.timeouts",
    "tcp.accept_pauses",
    "rate_limit.dropped",
    "rate_limit.slipped",
    "rate_limit.only_logged",
    "rate_limit.evicted",
    *QTYPES,
    "qtype.other",
)
(
    REQUEST_V4,
    REQUEST_V6,
    REQUEST_UDP,
    REQUEST_TCP,
    REQUEST_EDNS,
    REQUEST_DO,
    OPCODE_QUERY,
    RECURSION,
    RESPONSES,
    RESPONSE_EDNS,
    TRUNCATED,
    AUTHORITATIVE,
    NOT_AUTHORITATIVE,
    SUCCESS,
    NODATA,
    REFERRAL,
    REJECTED,
    RCODES,  # the first of eleven
) = range(18)
RCODE_OTHER = RCODES + 11
DROPPED, FAILURES, RECEIVE_ERRORS, SEND_ERRORS, LEFT, LEFT_DROPPED, RCODE_BADCOOKIE, COOKIES = range(
    RCODE_OTHER + 1, RCODE_OTHER + 9
)  # of COOKIES the first of five, in the order of auth/cookie_format.py
TCP_ACCEPTED, TCP_REFUSED, TCP_EVICTED, TCP_TIMEOUTS, TCP_PAUSES = range(COOKIES + 5, COOKIES + 10)
LIMIT_DROPPED, LIMIT_SLIPPED, LIMIT_LOGGED, LIMIT_EVICTED = range(COOKIES + 10, COOKIES + 14)
QTYPE_OTHER = len(COUNTED) - 1
QTYPE_PLACES = 1 + max(QTYPES.values())
# Where each type below that is counted, an octet each.
QTYPE_COUNTERS = bytes(
    {number: COUNTED.index(name) for name, number in QTYPES.items()}.get(number, QTYPE_OTHER)
    for number in range(QTYPE_PLACES)
)

# Counted in a zone: what does not need the zone is counted for all only.
OF_ZONES = (
    *COUNTED[: RCODE_OTHER + 1],
    *("opcode.notify", "opcode.update", "opcode.other"),
    *("request.tsig", "request.badsig", "response.tsig"),  # by the plain implementation alone
)

# Rows of daemonkit/zone_page.py, in words of 64 bits; a part is written by one thread only.
PLAIN_PART, LOOP_PART, STREAM_PART = range(3)
PARTS = 3
PART_WORDS = len(OF_ZONES)
FIRST_PART = 32  # words, behind the origin
ROW_WORDS = FIRST_PART + PARTS * PART_WORDS
