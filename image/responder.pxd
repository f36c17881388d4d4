cimport cython
from libc.stdint cimport uint64_t
from image.names cimport NameReader

cdef Py_ssize_t AA, ALIGNMENT, BYTE, CLASS_IN, DO, DS, FIRST_META, FRAGMENT_FIXED, LAST_META, MESSAGE_HEADER, MIN_UDP_SIZE, NODE_CNAME, NODE_CUT, NODE_DNAME, NODE_FIXED, NODE_WILDCARD, NSEC, NXDOMAIN, NXT, OCTET, OPT, OPT_OCTETS, POINTER, POINTER_OCTETS, QR, QUESTION_FIXED, RD, REFERRAL, RRSIG, SET_OCTETS, SIG, STAR, TO_FRAGMENT, TO_OWNER, UNUSUAL_FLAGS, UNUSUAL_FLAGS_TOO, ZONE_FIXED, ZONE_LEFT, ZONE_SIGNED
cdef uint64_t HALF, OFFSET_MASK, TAG_MASK, TAG_SHIFT

cdef class Responder(NameReader):
    cdef readonly object image
    cdef readonly Py_ssize_t udp_size
    cdef const unsigned char[::1] zones
    cdef const unsigned char[::1] nodes
    cdef const unsigned char[::1] fragments
    cdef const uint64_t[::1] apexes
    cdef const uint64_t[::1] buckets
    cdef unsigned char[::1] replies
    cdef Py_ssize_t start
    cdef Py_ssize_t at
    cdef Py_ssize_t question_octets
    cdef Py_ssize_t rdtype
    cdef Py_ssize_t limit
    cdef Py_ssize_t edns
    cdef Py_ssize_t dnssec
    cdef Py_ssize_t zone_labels
    cdef uint64_t zone
    cdef Py_ssize_t negative

    cpdef serve(self, const unsigned char[::1] queries, unsigned char[::1] replies)
    @cython.locals(place=Py_ssize_t, flags=Py_ssize_t, first=Py_ssize_t, last=Py_ssize_t, level=Py_ssize_t, node=Py_ssize_t)
    cpdef Py_ssize_t answer(self, Py_ssize_t start, Py_ssize_t length, Py_ssize_t at) except -1
    @cython.locals(end=Py_ssize_t, index=Py_ssize_t, at=Py_ssize_t)
    cdef int read_query(self, Py_ssize_t start, Py_ssize_t length) except -1
    @cython.locals(size=Py_ssize_t)
    cdef int read_opt(self, Py_ssize_t at, Py_ssize_t end, Py_ssize_t records) except -1
    @cython.locals(size=Py_ssize_t, level=Py_ssize_t, value=uint64_t, bucket=Py_ssize_t, entry=uint64_t, place=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t find_zone(self) except -1
    @cython.locals(start=Py_ssize_t, size=Py_ssize_t, index=Py_ssize_t)
    cdef int is_origin(self, Py_ssize_t place, Py_ssize_t level) except -1
    cdef Py_ssize_t find_node(self, Py_ssize_t level) except -1
    @cython.locals(size=Py_ssize_t, value=uint64_t, bucket=Py_ssize_t, entry=uint64_t, node=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t probe(self, uint64_t suffix, Py_ssize_t start, Py_ssize_t wildcard) except -1
    @cython.locals(size=Py_ssize_t, at=Py_ssize_t, index=Py_ssize_t)
    cdef int is_owner(self, Py_ssize_t node, Py_ssize_t start, Py_ssize_t wildcard) except -1
    @cython.locals(there=Py_ssize_t, missing=Py_ssize_t, level=Py_ssize_t, node=Py_ssize_t)
    cdef Py_ssize_t answer_missing(self) except -1
    @cython.locals(flags=Py_ssize_t, fragment=Py_ssize_t)
    cdef Py_ssize_t answer_node(self, Py_ssize_t node, Py_ssize_t wildcard) except -1
    @cython.locals(at=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t fragment_of(self, Py_ssize_t node, Py_ssize_t rdtype) except -2
    @cython.locals(source=Py_ssize_t, octets=Py_ssize_t, pointers=Py_ssize_t, records=Py_ssize_t, more=Py_ssize_t, before=Py_ssize_t, size=Py_ssize_t, at=Py_ssize_t, index=Py_ssize_t, wire=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t send(self, Py_ssize_t fragment, Py_ssize_t rcode, Py_ssize_t authoritative, Py_ssize_t authority) except -1
    cdef int relocate(self, Py_ssize_t wire, Py_ssize_t place, Py_ssize_t target, Py_ssize_t before) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int put_opt(self, Py_ssize_t at) except -1
    cdef int put16(self, Py_ssize_t at, Py_ssize_t value) except -1
    cdef Py_ssize_t node16(self, Py_ssize_t at) except -1
    cdef Py_ssize_t fragment16(self, Py_ssize_t at) except -1
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t)
    cdef Py_ssize_t zone32(self, Py_ssize_t at) except -1
