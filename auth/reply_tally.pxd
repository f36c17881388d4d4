cimport cython
from libc.stdint cimport uint64_t

cdef Py_ssize_t AUTHORITATIVE, NODATA, NOT_AUTHORITATIVE, OPCODE_QUERY, QTYPE_OTHER, QTYPE_PLACES, RCODE_BADCOOKIE, RCODE_OTHER, RCODES, RECURSION, REFERRAL, REJECTED, REQUEST_DO, REQUEST_EDNS, RESPONSE_EDNS, RESPONSES, SUCCESS, TRUNCATED
cdef Py_ssize_t AA, TC, RD, REFUSED, LAST_NAMED, BADCOOKIE, KIND_ANSWER, KIND_REFERRAL

cdef class ReplyTally:
    cdef readonly uint64_t[::1] counts
    cdef Py_ssize_t at
    cdef const unsigned char[::1] types

    cdef int add(self, Py_ssize_t number, Py_ssize_t amount) except -1 nogil
    @cython.locals(at=Py_ssize_t)
    cdef int asked(self, Py_ssize_t flags, Py_ssize_t edns, Py_ssize_t dnssec) except -1 nogil
    cdef int typed(self, Py_ssize_t rdtype) except -1 nogil
    @cython.locals(at=Py_ssize_t)
    cdef int replied(self, Py_ssize_t flags, Py_ssize_t rcode, Py_ssize_t kind, Py_ssize_t edns) except -1 nogil
