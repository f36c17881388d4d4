cimport cython

from datasrc.packed_targets cimport PackedTargets
from datasrc.packed_zone cimport PackedZone

cdef Py_ssize_t A, AAAA, STAR, NS, CNAME, DNAME, MX, SRV, DS, RRSIG, NSEC, WILDCARD_OCTETS, META_FROM, TYPES, LARGE, BREATH, HAS_NS, HAS_CNAME, HAS_DS, HAS_DNAME, HAS_ADDRESS, NO_ADDRESS, IS_NAME, NOT_BESIDE_CNAME, NOT_BESIDE_NS, IS_ODD, DOUBTFUL, COVERS, HIDDEN, GLUE, LED_TO

cdef class Glance:
    cdef PackedZone records
    cdef PackedTargets targets
    cdef unsigned char[::1] states
    cdef unsigned char[::1] particular
    cdef Py_ssize_t repeats_from
    cdef Py_ssize_t repeats_until
    cdef const unsigned char[::1] algorithms
    cdef bint signed
    cdef Py_ssize_t cover
    cdef bint covered
    cdef bint hides
    cdef bint delegated

    @cython.locals(found=list, first=Py_ssize_t, index=Py_ssize_t, after=Py_ssize_t, turns=Py_ssize_t)
    cpdef list doubtful(self)
    cpdef bint is_server(self, bytes key)
    @cython.locals(cover=Py_ssize_t, index=Py_ssize_t, state=int)
    cdef int settle(self) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int is_plain(self, Py_ssize_t first, Py_ssize_t after) except -1
    @cython.locals(flags=Py_ssize_t, length=Py_ssize_t, state=int)
    cdef int look_at(self, Py_ssize_t first, Py_ssize_t after) except -1
    cdef int cover_with(self, Py_ssize_t first, bint delegated) except -1
    cdef int is_odd(self, Py_ssize_t first, Py_ssize_t flags, Py_ssize_t length) except -1
    @cython.locals(flags=Py_ssize_t, index=Py_ssize_t, rdtype=int)
    cdef Py_ssize_t look_at_types(self, Py_ssize_t first, Py_ssize_t after) except -1
    @cython.locals(fine=bint, index=Py_ssize_t, rdtype=int)
    cdef int are_fine(self, Py_ssize_t first, Py_ssize_t after) except -1
    @cython.locals(index=Py_ssize_t, rdtype=int, signatures=Py_ssize_t, place=Py_ssize_t)
    cdef int is_signed(self, Py_ssize_t first, Py_ssize_t after, bint is_cut) except -1
    @cython.locals(index=Py_ssize_t)
    cdef Py_ssize_t signatures_of(self, int rdtype, Py_ssize_t first, Py_ssize_t after) except -1
    @cython.locals(covered=int, index=Py_ssize_t)
    cdef int covers_present(self, Py_ssize_t signatures, Py_ssize_t first, Py_ssize_t after) except -1
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, middle_type=int)
    cdef Py_ssize_t lower_set(self, int rdtype, int covers, Py_ssize_t first, Py_ssize_t after) except -1
    cdef int is_wildcard(self, Py_ssize_t first, Py_ssize_t length) except -1
