cimport cython
from libc.stdint cimport uint64_t
from image.chaining cimport Chain

cdef Py_ssize_t ADDITIONAL, AUTHORITY, DONE, FRAGMENT_FIXED, FRAGMENT_OCTETS, IN_DOMAIN_SHIFT, KIND_REFERRAL, LEAVE, OCTET, OVERFLOW, POINTER_OCTETS, RECORD_FIXED, REFERRAL, RRSIG, SECOND_FIXED, SET_LARGE, SET_MORE_GLUE, SET_SIGNED_GLUE, WITH_GLUE, TYPE_HIGH, ZONE_SIGNED

cdef class Referrer(Chain):
    cdef Py_ssize_t too_large(self, Py_ssize_t entry) except -1 nogil
    @cython.locals(entry=Py_ssize_t, fragment=Py_ssize_t, first=Py_ssize_t, step=Py_ssize_t, flags=Py_ssize_t)
    cdef Py_ssize_t refer(self, Py_ssize_t node, Py_ssize_t level, Py_ssize_t link) except -1 nogil
    @cython.locals(source=Py_ssize_t, servers=Py_ssize_t, skipped=Py_ssize_t, records=Py_ssize_t, table=Py_ssize_t, wire=Py_ssize_t, number=Py_ssize_t, kind=Py_ssize_t, target=Py_ssize_t, octets=Py_ssize_t, count=Py_ssize_t)
    cdef Py_ssize_t add_glue(self, Py_ssize_t fragment, Py_ssize_t first, Py_ssize_t flags) except -1 nogil
    @cython.locals(rdtype=Py_ssize_t, covered=Py_ssize_t)
    cdef Py_ssize_t kind_of(self, Py_ssize_t wire) except -1 nogil
    @cython.locals(same=bint)
    cdef int is_of_set(self, Py_ssize_t wire, Py_ssize_t kind, Py_ssize_t table, Py_ssize_t number, Py_ssize_t target) except -1 nogil
    @cython.locals(place=Py_ssize_t, at=Py_ssize_t)
    cdef int add_glue_set(self, Py_ssize_t wire, Py_ssize_t octets, Py_ssize_t count, Py_ssize_t target, Py_ssize_t first) except -1 nogil
