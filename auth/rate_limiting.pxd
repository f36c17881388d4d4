cimport cython
from libc.stdint cimport int64_t, uint64_t
from auth.siphash cimport SipHash

cdef uint64_t ALL_ONES, IPV4, LIMITED, SLIPS
cdef int64_t SECOND
cdef int ALL, DROP, FLAG_BITS, SEND, SLIP
cdef Py_ssize_t BUCKET_OCTETS, BUCKET_WORDS, IPV4_BITS, IPV4_OCTETS, IPV6_BITS, KINDS, MAX_EXEMPT, MAX_SLIP, NETWORK_WORDS, WAYS, WORD_OCTETS

cdef class RateLimiter(SipHash):
    cdef uint64_t sets
    cdef uint64_t[::1] words
    cdef int64_t[::1] costs
    cdef uint64_t[::1] networks
    cdef Py_ssize_t exempt
    cdef const unsigned char[::1] addresses
    cdef const unsigned char[::1] names
    cdef int64_t window
    cdef uint64_t slip
    cdef uint64_t ipv4_mask
    cdef uint64_t ipv6_mask
    cdef readonly uint64_t evicted
    cdef readonly int began

    cpdef limit(self, int kind, int64_t rate)
    cpdef shape(self, int64_t window, uint64_t slip, int ipv4_bits, int ipv6_bits)
    @cython.locals(at=Py_ssize_t)
    cpdef spare(self, uint64_t high, uint64_t low, uint64_t high_mask, uint64_t low_mask)
    cpdef attach(self, const unsigned char[::1] addresses)
    cpdef attach_names(self, const unsigned char[::1] names)
    @cython.locals(at=Py_ssize_t)
    cdef uint64_t octets_number(self, Py_ssize_t octets) except? 0 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef uint64_t name_word(self, Py_ssize_t at, Py_ssize_t octets) except? 0 nogil
    cpdef int decide(self, Py_ssize_t address, Py_ssize_t octets, int kind, uint64_t name, int64_t now) except -1
    @cython.locals(high=uint64_t, low=uint64_t, network=uint64_t)
    cdef int choose(self, Py_ssize_t address, Py_ssize_t octets, int kind, uint64_t name, int64_t now) except -1 nogil
    @cython.locals(index=Py_ssize_t, at=Py_ssize_t)
    cdef int is_exempt(self, uint64_t high, uint64_t low) except -1 nogil
    @cython.locals(at=Py_ssize_t, state=uint64_t, paid=int64_t, slips=uint64_t, outcome=int)
    cdef int spend(self, uint64_t network, int kind, uint64_t name, int64_t now) except -1 nogil
    @cython.locals(hashed=uint64_t, first=Py_ssize_t, idlest=Py_ssize_t, way=Py_ssize_t, at=Py_ssize_t, earliest=int64_t, paid=int64_t)
    cdef Py_ssize_t bucket(self, uint64_t network, int kind, uint64_t name, int64_t now) except -1 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef uint64_t address_word(self, Py_ssize_t at, Py_ssize_t octets) except? 0 nogil
