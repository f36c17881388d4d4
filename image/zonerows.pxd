cimport cython
from libc.stdint cimport uint64_t
from datasrc.packed_zone cimport PackedZone
from image.growing cimport GrowingOctets

cdef Py_ssize_t ROW, ROW_BLOB, ROW_SIZE, ROW_TYPE, NAME, NAME_KEY, NAME_PREFIX, NAME_FIRST, NUMBER, HIGH, LOW, LENGTH, ANY_OCTETS, NAMES_SHIFT, NAMES_MASK, SIZE_BITS, PREFIX, ESCAPE, MAX_KEY, TYPES_WITH_NAMES, OUTSIDE, MALFORMED, MASK32, MAX_DEPTH, MAX_LABEL, MAX_NAME
cdef unsigned char UPPER_A, UPPER_Z, CASE
cdef Py_ssize_t BREATH_STEPS, OCTETS_A_STEP, SET_STEPS, BLOB, BLOB_LENGTH, LENGTHS, NUMBERS, OFFSET, TTL, TYPES_SIZE

cdef class ZoneRows:
    cdef GrowingOctets heap
    cdef GrowingOctets names
    cdef GrowingOctets rows
    cdef readonly Py_ssize_t name_count
    cdef readonly Py_ssize_t row_count
    cdef readonly Py_ssize_t records
    cdef readonly Py_ssize_t steps
    cdef Py_ssize_t breath_at
    cdef public bint damaged
    cdef Py_ssize_t key_at
    cdef Py_ssize_t key_length
    cdef const unsigned char[::1] origin
    cdef Py_ssize_t origin_octets
    cdef unsigned char[::1] key
    cdef Py_ssize_t key_octets
    cdef Py_ssize_t[::1] labels
    cdef unsigned char[::1] names_in
    cdef unsigned char[::1] behind_names

    cpdef begin(self, bytes origin)
    cdef int spend(self, Py_ssize_t steps) except -1
    @cython.locals(key=bytes, blob=bytes, rdtype=Py_ssize_t, covers=Py_ssize_t, ttl=Py_ssize_t)
    cpdef add_rows(self, list rows)
    @cython.locals(heap=uint64_t, index=Py_ssize_t, record=Py_ssize_t, at=Py_ssize_t, length=Py_ssize_t, blob=Py_ssize_t, size=Py_ssize_t, ttl=Py_ssize_t)
    cpdef add_packed(self, PackedZone packed)
    @cython.locals(at=Py_ssize_t)
    cdef int add(self, bytes key, Py_ssize_t length, Py_ssize_t rdtype, Py_ssize_t covers, Py_ssize_t ttl, bytes blob, Py_ssize_t size) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int add_at(self, uint64_t key, Py_ssize_t length, Py_ssize_t rdtype, Py_ssize_t covers, Py_ssize_t ttl, uint64_t blob, Py_ssize_t size) except -1
    @cython.locals(start=Py_ssize_t, types=Py_ssize_t, order=Py_ssize_t, at=Py_ssize_t)
    cdef int take(self, Py_ssize_t length, Py_ssize_t rdtype, Py_ssize_t covers, Py_ssize_t ttl, Py_ssize_t size) except -1
    @cython.locals(prefix=uint64_t, index=Py_ssize_t, at=Py_ssize_t)
    cdef int add_name(self, Py_ssize_t start, Py_ssize_t length) except -1
    @cython.locals(names=Py_ssize_t, length=Py_ssize_t)
    cdef int check(self, Py_ssize_t rdtype, Py_ssize_t at, Py_ssize_t end) except -1
    @cython.locals(_=Py_ssize_t, start=Py_ssize_t, length=Py_ssize_t)
    cdef int check_names(self, Py_ssize_t names, Py_ssize_t behind, Py_ssize_t at, Py_ssize_t end) except -1
    @cython.locals(shorter=Py_ssize_t, index=Py_ssize_t, left=cython.uchar, right=cython.uchar)
    cdef Py_ssize_t compare(self, Py_ssize_t one, Py_ssize_t length, Py_ssize_t other, Py_ssize_t other_length) except -9
    cdef Py_ssize_t first_row(self, Py_ssize_t name) except -1
    cdef Py_ssize_t key_start(self, Py_ssize_t name) except -1
    cdef Py_ssize_t key_size(self, Py_ssize_t name) except -1
    cdef Py_ssize_t type_of(self, Py_ssize_t row) except -1
    cdef Py_ssize_t ttl_of(self, Py_ssize_t row) except -1
    cdef Py_ssize_t blob_of(self, Py_ssize_t row) except -1
    cdef Py_ssize_t blob_size(self, Py_ssize_t row) except -1
    @cython.locals(low=Py_ssize_t, end=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t find_row(self, Py_ssize_t name, Py_ssize_t types) except -9
    @cython.locals(prefix=uint64_t, index=Py_ssize_t, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t find_name(self) except -9
    @cython.locals(start=Py_ssize_t, length=Py_ssize_t, index=Py_ssize_t, left=cython.uchar)
    cdef Py_ssize_t compare_key(self, Py_ssize_t name) except -9
    @cython.locals(start=Py_ssize_t, index=Py_ssize_t)
    cdef int is_key(self, Py_ssize_t name, bytes key, Py_ssize_t octets) except -1
    @cython.locals(start=Py_ssize_t, count=Py_ssize_t, length=Py_ssize_t, inner=Py_ssize_t, relative=Py_ssize_t, index=Py_ssize_t, octet=cython.uchar)
    cdef Py_ssize_t key_of(self, Py_ssize_t at, Py_ssize_t end) except -9
    @cython.locals(size=Py_ssize_t, number=Py_ssize_t, at=Py_ssize_t, index=Py_ssize_t, octet=cython.uchar)
    cdef int write_key(self, Py_ssize_t count) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int is_owner(self, bytes owner, Py_ssize_t length) except -1
