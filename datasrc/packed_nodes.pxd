cimport cython

from datasrc.packed_zone cimport PackedZone

cdef Py_ssize_t A, AAAA, STAR, NS, CNAME, MX, SRV, DS, RRSIG, NSEC, WILDCARD_OCTETS, TYPES, MX_NUMBERS, SRV_NUMBERS, LARGE, BREATH, HAS_NS, HAS_CNAME, HAS_DS, HAS_OTHERS, NOT_BESIDE_CNAME, NOT_BESIDE_NS, DOUBTFUL

cdef class Glance:
    cdef PackedZone records
    cdef unsigned char[::1] harmless
    cdef const unsigned char[::1] apex
    cdef Py_ssize_t apex_length
    cdef const unsigned char[::1] origin_key
    cdef Py_ssize_t origin_length
    cdef bint repeats
    cdef const unsigned char[::1] algorithms
    cdef bint signed
    cdef Py_ssize_t cover
    cdef bint covered

    @cython.locals(found=list, index=Py_ssize_t, count=Py_ssize_t, after=Py_ssize_t, end=Py_ssize_t, turns=Py_ssize_t)
    cpdef list doubtful(self)
    @cython.locals(servers=Py_ssize_t, index=Py_ssize_t, rdtype=int, length=Py_ssize_t, end=Py_ssize_t)
    cdef Py_ssize_t end_of_delegation(self, Py_ssize_t first, Py_ssize_t after, Py_ssize_t count) except -1
    cdef int is_hidden(self, Py_ssize_t first) except -1
    @cython.locals(length=Py_ssize_t, flags=Py_ssize_t)
    cdef int is_fine(self, Py_ssize_t first, Py_ssize_t after, Py_ssize_t count) except -1
    @cython.locals(flags=Py_ssize_t, index=Py_ssize_t, rdtype=int)
    cdef Py_ssize_t look_at_types(self, Py_ssize_t first, Py_ssize_t after) except -1
    @cython.locals(index=Py_ssize_t, rdtype=int, signatures=Py_ssize_t, place=Py_ssize_t)
    cdef int is_signed(self, Py_ssize_t first, Py_ssize_t after, bint is_cut) except -1
    @cython.locals(index=Py_ssize_t)
    cdef Py_ssize_t signatures_of(self, int rdtype, Py_ssize_t first, Py_ssize_t after) except -1
    @cython.locals(covered=int, index=Py_ssize_t)
    cdef int covers_present(self, Py_ssize_t signatures, Py_ssize_t first, Py_ssize_t after) except -1
    cdef int is_wildcard(self, Py_ssize_t first, Py_ssize_t length) except -1
    cdef int is_above(self, Py_ssize_t first, Py_ssize_t after, Py_ssize_t count) except -1
    @cython.locals(skipped=Py_ssize_t)
    cdef int leads_away(self, Py_ssize_t index, int rdtype) except -1
