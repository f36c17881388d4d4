cimport cython
from libc.stdint cimport uint64_t

cdef Py_ssize_t FIRST_SIZE, LENGTHS, NUMBERS, OFFSET, PLACE, PREFIX, PREFIX_OCTETS

cdef class PackedRecords:
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t end
    cdef Py_ssize_t turns
    cdef bytearray block
    cdef unsigned char[::1] heap
    cdef bytearray numbers_block
    cdef uint64_t[::1] numbers

    @cython.locals(needed=Py_ssize_t, at=Py_ssize_t, start=Py_ssize_t, end=Py_ssize_t)
    cpdef int append(self, uint64_t file, uint64_t line, uint64_t ttl, const unsigned char[::1] key, uint64_t key_length, const unsigned char[::1] owner, uint64_t owner_length, const unsigned char[::1] rdata, uint64_t rdata_length) except -1
    @cython.locals(first=uint64_t, second=uint64_t)
    cdef int less(self, Py_ssize_t one, Py_ssize_t other) except -1
    @cython.locals(first=Py_ssize_t, second=Py_ssize_t, first_length=Py_ssize_t, second_length=Py_ssize_t)
    cdef int compare(self, Py_ssize_t one, Py_ssize_t other) except -2
    @cython.locals(index=Py_ssize_t, difference=int)
    cdef int compare_octets(self, Py_ssize_t first, Py_ssize_t first_length, Py_ssize_t second, Py_ssize_t second_length) except -2
    @cython.locals(lengths=uint64_t)
    cdef Py_ssize_t rdata_at(self, Py_ssize_t record) except -1
    cdef Py_ssize_t rdata_length(self, Py_ssize_t record) except -1
    @cython.locals(end=Py_ssize_t)
    cpdef int type_of(self, Py_ssize_t record) except -1
    @cython.locals(start=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t add_octets(self, bytes octets) except -1
    cdef grow_heap(self, Py_ssize_t needed)
    cdef grow_numbers(self)

@cython.locals(index=Py_ssize_t)
cdef int copy(unsigned char[::1] target, Py_ssize_t at, const unsigned char[::1] source, Py_ssize_t length) except -1
@cython.locals(prefix=uint64_t, index=Py_ssize_t)
cdef uint64_t prefix_of(unsigned char[::1] heap, Py_ssize_t start, Py_ssize_t length) except? 7