cimport cython
from libc.stdint cimport uint64_t
from image.referring cimport Referrer

cdef Py_ssize_t ANSWER, ANY, CNAME, DNAME, DONE, DROPPED, DS, EDE, EDE_OCTETS, FOLLOW, FORBIDDEN, KEY, KIND_ANSWER, KIND_ERROR, LEAVE, MAX_NAME, NODE_CNAME, NODE_CUT, NODE_DNAME, NODE_END, NODE_WILDCARD, NOT_ADMITTED, NOT_AUTHORITATIVE, NOT_MAPPED, NOWHERE, NO_ZONE, NSEC, NXT, OVERFLOW, PROHIBITED, RECORD_FIXED, REFUSED, TO_DROP, YXDOMAIN, ZONE_LEFT, ZONE_SIGNED

cdef class Answerer(Referrer):
    cdef unsigned char[::1] reason
    cdef uint64_t reason_address

    @cython.locals(step=Py_ssize_t, place=Py_ssize_t)
    cdef Py_ssize_t walk(self, Py_ssize_t at) except -1 nogil
    cdef Py_ssize_t conclude(self, Py_ssize_t step) except -1 nogil
    @cython.locals(first=Py_ssize_t, last=Py_ssize_t, level=Py_ssize_t, node=Py_ssize_t, flags=Py_ssize_t, there=Py_ssize_t)
    cdef Py_ssize_t step(self, Py_ssize_t link) except -1 nogil
    @cython.locals(flags=Py_ssize_t, entry=Py_ssize_t, is_link=Py_ssize_t, fragment=Py_ssize_t, proven=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t answer_node(self, Py_ssize_t node, Py_ssize_t wildcard, Py_ssize_t there) except -1 nogil
    @cython.locals(place=Py_ssize_t, is_known=bint)
    cdef Py_ssize_t zone_for_query(self) except -3 nogil
    @cython.locals(zone=Py_ssize_t, slot=Py_ssize_t, above=Py_ssize_t)
    cdef Py_ssize_t zone_for_ds(self, Py_ssize_t found) except -3 nogil
    @cython.locals(level=Py_ssize_t, node=Py_ssize_t)
    cdef int knows_of_cut(self) except -1 nogil
    @cython.locals(entry=Py_ssize_t, fragment=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t redirect(self, Py_ssize_t node, Py_ssize_t level) except -1 nogil
    @cython.locals(target=Py_ssize_t, prefix=Py_ssize_t, link=Py_ssize_t)
    cdef Py_ssize_t link_to(self, Py_ssize_t level, Py_ssize_t dname) except -1 nogil
    @cython.locals(before=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t refuse(self, Py_ssize_t at, Py_ssize_t reason) except -1 nogil
