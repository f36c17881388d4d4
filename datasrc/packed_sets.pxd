cimport cython
from libc.stdint cimport uint64_t

from datasrc.packed_order cimport OrderedRecords

cdef Py_ssize_t BLOB, BLOB_LENGTH, FIRST, LENGTHS, NUMBERS, OFFSET, PLACE, SIGNING, TTL, TYPES_SIZE
cdef uint64_t TTL_BITS

cdef class PackedSets(OrderedRecords):
    @cython.locals(start=Py_ssize_t)
    cpdef bytes key(self, Py_ssize_t record)
    @cython.locals(start=Py_ssize_t, length=Py_ssize_t, lengths=uint64_t)
    cpdef owner(self, Py_ssize_t record)
    cdef Py_ssize_t owner_length(self, Py_ssize_t record) except -1
    @cython.locals(start=Py_ssize_t)
    cpdef bytes rdata(self, Py_ssize_t record)
    cpdef tuple place(self, Py_ssize_t record)
    cpdef uint64_t ttl(self, Py_ssize_t record) except? 7
    @cython.locals(first=Py_ssize_t, at=Py_ssize_t)
    cpdef list members(self, Py_ssize_t index)
    @cython.locals(first=Py_ssize_t, record=Py_ssize_t, at=Py_ssize_t)
    cpdef Py_ssize_t first_of(self, Py_ssize_t index) except -1
    cpdef uint64_t set_ttl(self, Py_ssize_t index) except? 7
    @cython.locals(start=Py_ssize_t)
    cpdef bytes set_blob(self, Py_ssize_t index)
    cdef int set_type(self, Py_ssize_t index) except -1
    @cython.locals(end=Py_ssize_t)
    cdef int set_covers(self, Py_ssize_t index) except -1
    cdef Py_ssize_t set_size(self, Py_ssize_t index) except -1
    cdef Py_ssize_t set_members(self, Py_ssize_t index) except -1
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t)
    cdef int set_signs(self, Py_ssize_t index, int algorithm) except -1
    cdef Py_ssize_t name_length(self, Py_ssize_t index) except -1
    cdef int key_octet(self, Py_ssize_t index, Py_ssize_t at) except -1
    @cython.locals(length=Py_ssize_t, first=Py_ssize_t, second=Py_ssize_t)
    cdef int is_below(self, Py_ssize_t one, Py_ssize_t other) except -1
    @cython.locals(record=Py_ssize_t, start=Py_ssize_t, own=Py_ssize_t, at=Py_ssize_t, difference=int)
    cdef int before(self, Py_ssize_t index, const unsigned char[::1] name, Py_ssize_t length) except -1
    @cython.locals(record=Py_ssize_t, start=Py_ssize_t, at=Py_ssize_t)
    cdef int begins_with(self, Py_ssize_t index, const unsigned char[::1] name, Py_ssize_t length) except -1
