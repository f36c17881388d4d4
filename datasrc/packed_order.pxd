cimport cython
from libc.stdint cimport uint64_t

from datasrc.packed cimport PackedRecords

cdef Py_ssize_t NAMED_TYPES, NAPTR, POINTER_NUMBERS, POINTER_STRINGS, A, AAAA, BLOB, BLOB_LENGTH, BREATH, CNAME, DNAME, FEW, FIRST, HAS_ADDRESS, HAS_CNAME, HAS_DNAME, HAS_NS, HAS_OTHERS, IS_NAME, LENGTHS, NEW_NAME, NEW_TYPE, NOTHING, NS, NUMBERS, OFFSET, PLACE, PTR, TTL, TXT, TYPES_SIZE, UPPER_A, UPPER_Z
cdef uint64_t TTL_BITS

cdef class OrderedRecords(PackedRecords):
    cdef readonly Py_ssize_t set_count
    cdef uint64_t[::1] order
    cdef uint64_t[::1] merged
    cdef uint64_t[::1] sets
    cdef unsigned char[::1] kinds
    cdef readonly Py_ssize_t names
    cdef const unsigned char[::1] names_from
    cdef const unsigned char[::1] names_count

    @cython.locals(index=Py_ssize_t, left=list)
    cpdef list finish(self)
    @cython.locals(index=Py_ssize_t, runs=uint64_t[::1], count=Py_ssize_t, kept=Py_ssize_t, number=Py_ssize_t, start=Py_ssize_t, middle=Py_ssize_t, end=Py_ssize_t)
    cdef int put_in_order(self) except -1
    @cython.locals(runs=uint64_t[::1], found=Py_ssize_t, index=Py_ssize_t)
    cdef uint64_t[::1] find_runs(self)
    @cython.locals(left=Py_ssize_t, right=Py_ssize_t, at=Py_ssize_t)
    cdef int merge_runs(self, Py_ssize_t start, Py_ssize_t middle, Py_ssize_t end) except -1
    @cython.locals(number=Py_ssize_t, name=Py_ssize_t, at=Py_ssize_t, record=Py_ssize_t, new=int, sets=uint64_t[::1], kinds=cython.uchar[::1])
    cdef int find_sets(self) except -1
    @cython.locals(length=Py_ssize_t, first=Py_ssize_t, second=Py_ssize_t, new=int, index=Py_ssize_t)
    cdef int what_is_new(self, Py_ssize_t one, Py_ssize_t other) except -1
    @cython.locals(first=Py_ssize_t, size=Py_ssize_t, record=Py_ssize_t, ttl=uint64_t, total=Py_ssize_t, at=Py_ssize_t)
    cdef int merge(self, Py_ssize_t index) except -1
    @cython.locals(at=Py_ssize_t, record=Py_ssize_t, place=Py_ssize_t, comparison=int, start=Py_ssize_t, length=Py_ssize_t)
    cdef int sort_set(self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t size, Py_ssize_t total) except -1
    cpdef set_merged(self, Py_ssize_t index, uint64_t ttl, bytes blob)
    @cython.locals(rdtype=int, at=Py_ssize_t, end=Py_ssize_t, count=int, label_end=Py_ssize_t, place=Py_ssize_t)
    cdef int has_capitals(self, Py_ssize_t record) except -1
    @cython.locals(at=Py_ssize_t, _index=Py_ssize_t)
    cdef Py_ssize_t behind_strings(self, Py_ssize_t start, Py_ssize_t end) except -1
    cdef int compare_rdata(self, Py_ssize_t one, Py_ssize_t other) except -2
    @cython.locals(rdtype=int)
    cdef int kind_of(self, Py_ssize_t record) except -1
    cdef Py_ssize_t first_record(self, Py_ssize_t index) except -1

@cython.locals(index=Py_ssize_t)
cdef int copy_within(unsigned char[::1] heap, Py_ssize_t at, Py_ssize_t start, Py_ssize_t length) except -1
