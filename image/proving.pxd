cimport cython
from image.chains cimport ChainSearcher

cdef Py_ssize_t AUTHORITY, DONE, DS, KIND_NXDOMAIN, LEAVE, NSEC, NXDOMAIN, OVERFLOW, ZONE_NSEC, ZONE_NSEC3, ZONE_SIGNED

cdef class Prover(ChainSearcher):
    @cython.locals(own=Py_ssize_t, step=Py_ssize_t)
    cdef Py_ssize_t deny_type(self, Py_ssize_t node, Py_ssize_t wildcard, Py_ssize_t there) except -1 nogil
    @cython.locals(own=Py_ssize_t, before=Py_ssize_t)
    cdef Py_ssize_t deny_type_nsec(self, Py_ssize_t node, Py_ssize_t wildcard, Py_ssize_t there) except -1 nogil
    @cython.locals(before=Py_ssize_t, step=Py_ssize_t, entry=Py_ssize_t)
    cdef Py_ssize_t deny_name(self, Py_ssize_t there, Py_ssize_t encloser) except -1 nogil
    @cython.locals(before=Py_ssize_t)
    cdef Py_ssize_t prove_wildcard(self, Py_ssize_t there) except -1 nogil
    @cython.locals(node=Py_ssize_t, own=Py_ssize_t)
    cdef Py_ssize_t prove_closest(self, Py_ssize_t there) except -1 nogil
    @cython.locals(own=Py_ssize_t, entry=Py_ssize_t)
    cdef Py_ssize_t prove_exact(self, Py_ssize_t node, Py_ssize_t level) except -1 nogil
    @cython.locals(entry=Py_ssize_t)
    cdef Py_ssize_t add_cover(self, Py_ssize_t level) except -1 nogil
    @cython.locals(entry=Py_ssize_t, fragment=Py_ssize_t, own=Py_ssize_t)
    cdef Py_ssize_t prove_cut(self, Py_ssize_t node, Py_ssize_t level) except -1 nogil
