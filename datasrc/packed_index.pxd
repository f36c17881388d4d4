cimport cython
from libc.stdint cimport uint64_t

from datasrc.packed_zone cimport PackedZone

cdef Py_ssize_t BREATH, HALF_BITS, HASH_BITS, LENGTHS, NUMBERS, OFFSET, TYPES_SIZE, WORD_BITS, POINT_BITS
cdef uint64_t GOLDEN, HASH_PRIME, MASK64, WORD_MASK

cdef class NameIndex:
    cdef PackedZone records
    cdef unsigned char[::1] kinds
    cdef uint64_t point
    cdef uint64_t places
    cdef uint64_t[::1] table

    @cython.locals(index=Py_ssize_t)
    cdef Py_ssize_t after(self, Py_ssize_t first) except -1
    cdef uint64_t step(self, uint64_t value, int octet) noexcept
    cdef uint64_t reduced(self, uint64_t value) noexcept
    cdef uint64_t home(self, uint64_t value) noexcept
    @cython.locals(index=Py_ssize_t)
    cdef int make_table(self) except -1
    @cython.locals(record=Py_ssize_t, start=Py_ssize_t, at=Py_ssize_t, value=uint64_t, place=uint64_t)
    cdef int put(self, Py_ssize_t index) except -1
    @cython.locals(place=uint64_t, word=uint64_t, index=Py_ssize_t)
    cdef Py_ssize_t find(self, const unsigned char[::1] key, Py_ssize_t length, uint64_t value) except -2
    @cython.locals(found=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t shared(self, Py_ssize_t index, const unsigned char[::1] key, Py_ssize_t length) except -1
