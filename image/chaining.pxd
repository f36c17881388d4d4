cimport cython
from libc.stdint cimport uint64_t
from image.courtesy cimport Courtesy

cdef Py_ssize_t DNAME, DONE, MAX_CHAIN, OWED, OWED_NAME, OWED_ZONE, OWED_SLOT, OWED_ENCLOSER

cdef class Chain(Courtesy):
    cdef Py_ssize_t link_count
    cdef uint64_t[::1] visited
    cdef Py_ssize_t dname_count
    cdef uint64_t[::1] dnames
    cdef Py_ssize_t[::1] dname_places
    cdef Py_ssize_t[::1] owed
    cdef Py_ssize_t owed_count

    cdef int go_to(self, Py_ssize_t place) except -1 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef int is_at_end(self) except -1 nogil
    cdef uint64_t dname_hash(self, Py_ssize_t level) except? 0 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef Py_ssize_t dname_at(self, Py_ssize_t level) except -1 nogil
    cdef int note_dname(self, Py_ssize_t level, Py_ssize_t place) except -1 nogil
    @cython.locals(at=Py_ssize_t)
    cdef int owe_proof(self, Py_ssize_t there) except -1 nogil
    @cython.locals(name=Py_ssize_t, zone=Py_ssize_t, slot=Py_ssize_t, step=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t prove_links(self) except -1 nogil
    cdef Py_ssize_t prove_link(self, Py_ssize_t at) except -1 nogil
