cimport cython
from libc.stdint cimport uint64_t

from datasrc.packed_sets cimport PackedSets

cdef Py_ssize_t BATCH_OCTETS, BLOB, BLOB_LENGTH, BREATH, CLOSE_BRACKET, COMMA, COVERS_END, FIRST, KEY_BITS, LENGTHS, NUMBERS, OFFSET, OPEN_BRACKET, OWNER_END, PLACE_WIDTH, PREFIX, RDATA_END, SPACE, TTL, TTL_END, TYPES_SIZE, TYPE_END, ZERO

cdef class PackedZone(PackedSets):
    cpdef Py_ssize_t set_of(self, Py_ssize_t record) except -2
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cpdef Py_ssize_t find(self, bytes key) except -2
    @cython.locals(record=Py_ssize_t, lengths=uint64_t, start=Py_ssize_t, end=Py_ssize_t)
    cpdef tuple row(self, Py_ssize_t index)
    @cython.locals(index=Py_ssize_t)
    cpdef list rows(self, Py_ssize_t start, Py_ssize_t limit)
    @cython.locals(octets=Py_ssize_t, end=Py_ssize_t)
    cpdef Py_ssize_t batch_end(self, Py_ssize_t start, Py_ssize_t limit) except -1
    @cython.locals(count=Py_ssize_t, size=Py_ssize_t, index=Py_ssize_t, record=Py_ssize_t, places=bytearray)
    cpdef tuple batch(self, Py_ssize_t start, Py_ssize_t end, bint spelled)
    @cython.locals(at=Py_ssize_t, number=Py_ssize_t, place=Py_ssize_t, index=Py_ssize_t, record=Py_ssize_t, owner=Py_ssize_t, key=Py_ssize_t, length=Py_ssize_t, size=Py_ssize_t, types=Py_ssize_t)
    cdef int fill_batch(self, Py_ssize_t start, Py_ssize_t end, bint spelled, unsigned char[::1] places, unsigned char[::1] numbers, unsigned char[::1] octets) except -1
    @cython.locals(step=Py_ssize_t)
    cdef int lift(self, unsigned char[::1] target, Py_ssize_t at, Py_ssize_t start, Py_ssize_t length) except -1
    @cython.locals(length=Py_ssize_t, low=Py_ssize_t, types=int, record=Py_ssize_t)
    cpdef int types_at(self, const unsigned char[::1] name) except -2
    @cython.locals(length=Py_ssize_t, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cpdef Py_ssize_t lower(self, const unsigned char[::1] key) except -2
    @cython.locals(length=Py_ssize_t, first=Py_ssize_t, end=Py_ssize_t)
    cpdef tuple span(self, bytes key)
    @cython.locals(index=Py_ssize_t)
    cpdef Py_ssize_t last_of_type(self, Py_ssize_t before, int rdtype) except -2
    cpdef Py_ssize_t octets(self) except -1
    @cython.locals(block=bytearray, heap=cython.uchar[::1], numbers=uint64_t[::1], used=Py_ssize_t)
    cpdef compact(self)
    cpdef list parts(self)
    cpdef adopt(self, Py_ssize_t count, Py_ssize_t set_count, list parts)
    @cython.locals(old=Py_ssize_t, new=Py_ssize_t, turns=Py_ssize_t, order=int, found=list)
    cpdef differences(self, PackedZone before, Py_ssize_t limit)
    @cython.locals(first=Py_ssize_t, second=Py_ssize_t, length=Py_ssize_t, other_length=Py_ssize_t, start=Py_ssize_t, other_start=Py_ssize_t, step=Py_ssize_t, difference=int)
    cdef int compare_sets(self, Py_ssize_t index, PackedZone other, Py_ssize_t at) except -2
    @cython.locals(size=Py_ssize_t, first=Py_ssize_t, second=Py_ssize_t, length=Py_ssize_t, start=Py_ssize_t, other_start=Py_ssize_t)
    cdef int same_set(self, Py_ssize_t index, PackedZone other, Py_ssize_t at) except -1
    @cython.locals(step=Py_ssize_t)
    cdef int same_octets(self, Py_ssize_t start, PackedZone other, Py_ssize_t other_start, Py_ssize_t size) except -1

cdef int write_decimal(unsigned char[::1] target, Py_ssize_t end, uint64_t number) except -1
