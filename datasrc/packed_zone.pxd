cimport cython
from libc.stdint cimport uint64_t

from datasrc.packed cimport PackedRecords

cdef Py_ssize_t ZERO, NINE, UPPER_A, UPPER_Z, CASE, OFFSET, PLACE, LENGTHS, PREFIX, NUMBERS, BREATH, FIRST, TTL, BLOB, BLOB_LENGTH, TYPES_SIZE, A, NS, CNAME, AAAA, DNAME, SIGNING, SPACE, COMMA, OPEN_BRACKET, CLOSE_BRACKET, TYPE_END, COVERS_END, TTL_END, RDATA_END, OWNER_END, PLACE_WIDTH, KEY_BITS, BATCH_OCTETS, HAS_ADDRESS, HAS_CNAME, HAS_NS, HAS_DNAME
cdef uint64_t TTL_BITS

cdef class PackedZone(PackedRecords):
    @cython.locals(start=Py_ssize_t)
    cpdef bytes key(self, Py_ssize_t record)
    @cython.locals(start=Py_ssize_t, length=Py_ssize_t, lengths=uint64_t)
    cpdef owner(self, Py_ssize_t record)
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
    cdef Py_ssize_t owner_length(self, Py_ssize_t record) except -1
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
    @cython.locals(record=Py_ssize_t, start=Py_ssize_t, own=Py_ssize_t, at=Py_ssize_t, difference=int)
    cdef int before(self, Py_ssize_t index, const unsigned char[::1] name, Py_ssize_t length) except -1
    @cython.locals(record=Py_ssize_t, start=Py_ssize_t, at=Py_ssize_t)
    cdef int begins_with(self, Py_ssize_t index, const unsigned char[::1] name, Py_ssize_t length) except -1
    cdef Py_ssize_t name_length(self, Py_ssize_t index) except -1
    cdef int key_octet(self, Py_ssize_t index, Py_ssize_t at) except -1
    cdef int same_name(self, Py_ssize_t one, Py_ssize_t other) except -1
    @cython.locals(length=Py_ssize_t, first=Py_ssize_t, second=Py_ssize_t)
    cdef int is_below(self, Py_ssize_t one, Py_ssize_t other) except -1
    cdef int set_type(self, Py_ssize_t index) except -1
    @cython.locals(end=Py_ssize_t)
    cdef int set_covers(self, Py_ssize_t index) except -1
    cdef Py_ssize_t set_size(self, Py_ssize_t index) except -1
    cdef Py_ssize_t set_members(self, Py_ssize_t index) except -1
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t)
    cdef int set_signs(self, Py_ssize_t index, int algorithm) except -1
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t, start=Py_ssize_t)
    cdef int leads_outside(self, Py_ssize_t index, Py_ssize_t skipped, const unsigned char[::1] apex, Py_ssize_t apex_length) except -1
    @cython.locals(at=Py_ssize_t, last=Py_ssize_t, length=Py_ssize_t, start=Py_ssize_t, other=Py_ssize_t)
    cdef int leads_to_own(self, Py_ssize_t index, const unsigned char[::1] apex, Py_ssize_t apex_length, Py_ssize_t first, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, last=Py_ssize_t, length=Py_ssize_t, start=Py_ssize_t)
    cdef int is_led_to(self, Py_ssize_t index, const unsigned char[::1] apex, Py_ssize_t apex_length, Py_ssize_t other) except -1
    @cython.locals(key=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t, index=Py_ssize_t, octet=int)
    cdef int is_named(self, Py_ssize_t start, Py_ssize_t inner, Py_ssize_t other) except -1
    @cython.locals(at=Py_ssize_t, inner=Py_ssize_t, index=Py_ssize_t, octet=int)
    cdef int name_within(self, Py_ssize_t start, Py_ssize_t length, const unsigned char[::1] apex, Py_ssize_t apex_length) except -1
    @cython.locals(digits=bint, at=Py_ssize_t)
    cdef int name_outside(self, Py_ssize_t start, Py_ssize_t length, const unsigned char[::1] apex, Py_ssize_t apex_length) except -1

cdef int write_decimal(unsigned char[::1] target, Py_ssize_t end, uint64_t number) except -1
cdef int kind_of(int rdtype) except -1
