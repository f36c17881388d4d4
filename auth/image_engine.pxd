cimport cython
from libc.stdint cimport int64_t, uint64_t
from auth.cookies cimport CookieJar
from auth.rate_limiting cimport RateLimiter
from auth.reply_tally cimport ReplyTally
from auth.zone_tally cimport ZoneTally
from image.responder cimport Responder

cdef Py_ssize_t BADCOOKIE, DROPPED, TO_DROP, COOKIE, COOKIES, COOKIE_OCTETS, KEEPALIVE, KEEPALIVE_OCTETS, NSID, WANTS_COOKIE, WANTS_KEEPALIVE, WANTS_NSID
cdef Py_ssize_t IPV6_OCTETS, REQUEST_TCP, REQUEST_UDP, REQUEST_V4, REQUEST_V6
cdef int ANSWERS, DROP, MALFORMED, SEND, VALID
cdef Py_ssize_t LIMIT_DROPPED, LIMIT_EVICTED, LIMIT_LOGGED, LIMIT_SLIPPED, MAX_NAME, NOTHING
cdef int64_t NOTICE_EVERY

cdef class ImageEngine:
    cdef readonly ReplyTally tally
    cdef readonly ZoneTally zone_tally
    cdef Responder responder
    cdef readonly Py_ssize_t engaged
    cdef CookieJar jar
    cdef uint64_t cookie_address
    cdef object secrets
    cdef readonly Py_ssize_t is_stale
    cdef Py_ssize_t required
    cdef Py_ssize_t leaves_any
    cdef Py_ssize_t courteous
    cdef int64_t now
    cdef Py_ssize_t known
    cdef int outcome
    cdef const unsigned char[::1] nsid
    cdef uint64_t nsid_address
    cdef unsigned char[::1] keepalive
    cdef uint64_t keepalive_address
    cdef object table
    cdef readonly Py_ssize_t limited
    cdef Py_ssize_t log_only
    cdef RateLimiter limiter
    cdef uint64_t evicted
    cdef int64_t moment
    cdef const unsigned char[::1] addresses
    cdef readonly Py_ssize_t noticed
    cdef int64_t notice_due
    cdef int notice_kind
    cdef unsigned char[::1] notice_address
    cdef Py_ssize_t notice_octets
    cdef unsigned char[::1] notice_name
    cdef Py_ssize_t notice_name_octets

    cdef int tell_keepalive(self, Py_ssize_t units) except -1 nogil
    cdef int take_time(self, int64_t now) except -1 nogil
    cdef int take_moment(self, int64_t moment) except -1 nogil
    cdef Py_ssize_t reply(self, Py_ssize_t start, Py_ssize_t length, Py_ssize_t at, Py_ssize_t address, Py_ssize_t address_octets) except -2 nogil
    @cython.locals(wanted=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t answer(self, Py_ssize_t stage, Py_ssize_t at, Py_ssize_t address, Py_ssize_t address_octets) except -2 nogil
    cdef Py_ssize_t drop(self, Py_ssize_t address_octets) except -2 nogil
    cdef int count_query(self) except -1 nogil
    cdef int count_in_zone(self, Py_ssize_t address_octets, Py_ssize_t size) except -1 nogil
    @cython.locals(kind=int, name=uint64_t, outcome=int)
    cdef Py_ssize_t limit(self, Py_ssize_t size, Py_ssize_t address, Py_ssize_t address_octets) except -2 nogil
    @cython.locals(index=Py_ssize_t)
    cdef int notice(self, int kind, Py_ssize_t address, Py_ssize_t address_octets) except -1 nogil
    cdef int has_to_ask_again(self) except -1 nogil
    cdef int take_options(self, Py_ssize_t wanted, Py_ssize_t address, Py_ssize_t address_octets) except -1 nogil
