cimport cython
from image.growing cimport GrowingOctets
from image.referralmaking cimport ReferralMaker

cdef Py_ssize_t CNAME, DNAME, DS, ESCAPE, HIGH, KEY_LABELS, MAX_DEPTH, MAX_LABEL, MAX_NAME, MINIMUM_OCTETS, NAME_ENTRY, NAME_ROOM, NODE_CNAME, NODE_CUT, NODE_DNAME, NODE_END, NODE_WILDCARD, NO_END, NS, NSEC, NSEC3, NSEC_ENTRY, RRSIG, SET_LARGE, SIG, SOA, STAR, TO_OWNER, UNIT, WHOLE_SET, WITH_SIGNATURES, ZONE_NSEC, ZONE_NSEC3
cdef unsigned char UPPER_A, UPPER_Z

cdef class NodeMaker(ReferralMaker):
    cdef GrowingOctets names
    cdef Py_ssize_t negative
    cdef Py_ssize_t first_end
    cdef Py_ssize_t last_end
    cdef unsigned char[::1] owner
    cdef Py_ssize_t owner_octets
    cdef Py_ssize_t[::1] ends
    cdef Py_ssize_t[::1] node_at
    cdef Py_ssize_t before_at
    cdef Py_ssize_t before_size
    cdef const unsigned char[::1] origin
    cdef Py_ssize_t origin_octets

    cdef int begin_zone(self, bytes origin, Py_ssize_t octets) except -1
    @cython.locals(at=Py_ssize_t, size=Py_ssize_t, count=Py_ssize_t, index=Py_ssize_t, start=Py_ssize_t, end=Py_ssize_t)
    cdef int read_owner(self, Py_ssize_t name) except -1
    @cython.locals(index=Py_ssize_t, end=Py_ssize_t)
    cdef int scan_owner(self, Py_ssize_t octets) except -1
    @cython.locals(place=Py_ssize_t, octets=Py_ssize_t, octet=cython.uchar)
    cdef int put_label(self, Py_ssize_t at, Py_ssize_t end) except -1
    @cython.locals(level=Py_ssize_t, flags=Py_ssize_t)
    cdef int add_name(self, Py_ssize_t name) except -1
    @cython.locals(link=Py_ssize_t, row=Py_ssize_t, rdtype=Py_ssize_t, fragment=Py_ssize_t)
    cdef Py_ssize_t add_sets(self, Py_ssize_t name, Py_ssize_t flags) except -1
    @cython.locals(at=Py_ssize_t, count=Py_ssize_t, index=Py_ssize_t, octet=cython.uchar)
    cdef Py_ssize_t common(self, Py_ssize_t name) except -1
    @cython.locals(flags=Py_ssize_t, row=Py_ssize_t, rdtype=Py_ssize_t)
    cdef Py_ssize_t kind(self, Py_ssize_t name) except -1
    @cython.locals(ttl=Py_ssize_t, fragment=Py_ssize_t, flags=Py_ssize_t)
    cdef Py_ssize_t add_set(self, Py_ssize_t name, Py_ssize_t row, Py_ssize_t rdtype) except -1
    cdef Py_ssize_t known_labels(self) except -1
    @cython.locals(signatures=Py_ssize_t)
    cdef Py_ssize_t store_signed(self, Py_ssize_t name, Py_ssize_t rdtype, Py_ssize_t ttl) except -1
    @cython.locals(end=Py_ssize_t, minimum=Py_ssize_t, index=Py_ssize_t, ttl=Py_ssize_t)
    cdef int add_negative(self, Py_ssize_t name, Py_ssize_t row) except -1
    @cython.locals(word=Py_ssize_t)
    cdef Py_ssize_t link_next(self, Py_ssize_t fragment) except -1
    @cython.locals(start=Py_ssize_t, relative=Py_ssize_t, at=Py_ssize_t, entry=Py_ssize_t, index=Py_ssize_t)
    cdef int add_node(self, Py_ssize_t level, Py_ssize_t flags, Py_ssize_t link) except -1
