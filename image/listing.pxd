cimport cython
from libc.stdint cimport uint64_t
from image.names cimport NameReader

cdef uint64_t BIT_MASK, HALF, MASK64, NO_HASH, NOT_LISTED, ONE

cdef class OriginReader(NameReader):
    pass

cdef class Table:
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t used
    cdef uint64_t[::1] keys
    cdef uint64_t[::1] numbers

    @cython.locals(at=Py_ssize_t, wanted=uint64_t)
    cdef int enter(self, uint64_t value, uint64_t number) except -1 nogil
    @cython.locals(at=Py_ssize_t, wanted=uint64_t, entry=uint64_t, _=Py_ssize_t)
    cdef Py_ssize_t look_up(self, uint64_t value) except -2 nogil
    @cython.locals(at=Py_ssize_t, value=uint64_t)
    cdef int mark_in(self, uint64_t[::1] sieve, int shift) except -1
    @cython.locals(at=Py_ssize_t, value=uint64_t)
    cdef int pour(self, Table other, Table without, int gone) except -1

cdef class Listing:
    cdef readonly Table base
    cdef readonly Table changes
    cdef readonly Py_ssize_t count
    cdef readonly object sieve
    cdef readonly int sieve_shift

    @cython.locals(at=Py_ssize_t)
    cdef uint64_t find(self, uint64_t value) except? 7 nogil
