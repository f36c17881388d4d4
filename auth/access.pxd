cimport cython
from libc.stdint cimport uint64_t

cdef Py_ssize_t IPV4_OCTETS
cdef uint64_t ADMITTED

cdef class Access:
    cdef readonly Py_ssize_t ranges
    cdef readonly uint64_t admitted
    cdef readonly uint64_t refused
    cdef const uint64_t[::1] starts4
    cdef const uint64_t[::1] masks4
    cdef Py_ssize_t count4
    cdef const uint64_t[::1] starts6
    cdef const uint64_t[::1] masks6
    cdef Py_ssize_t count6
    cdef const unsigned char[::1] addresses

    @cython.locals(half=Py_ssize_t, place=Py_ssize_t)
    cdef int look_up(self, Py_ssize_t at, Py_ssize_t octets) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t range4(self, uint64_t address) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, start=uint64_t)
    cdef Py_ssize_t range6(self, uint64_t first, uint64_t second) except -1 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef uint64_t number(self, Py_ssize_t at, Py_ssize_t octets) except? 7 nogil
