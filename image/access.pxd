cimport cython
from libc.stdint cimport uint64_t

cdef Py_ssize_t IPV4_OCTETS, WIDE
cdef uint64_t BYTE, HALF, MASK32, OCTET

cdef class Access:
    cdef const uint64_t[::1] words
    cdef const unsigned char[::1] addresses

    @cython.locals(narrow=Py_ssize_t, half=Py_ssize_t, wide=Py_ssize_t)
    cdef int decide(self, Py_ssize_t place, Py_ssize_t at, Py_ssize_t octets) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef int decide4(self, Py_ssize_t first, Py_ssize_t count, uint64_t address) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, at=Py_ssize_t, start=uint64_t)
    cdef int decide6(self, Py_ssize_t first, Py_ssize_t count, uint64_t upper, uint64_t lower) except -1 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef uint64_t number(self, Py_ssize_t at, Py_ssize_t octets) except? 7 nogil
