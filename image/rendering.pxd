cimport cython
from libc.stdint cimport uint32_t, uint64_t
from image.growing cimport GrowingOctets
from image.sha1 cimport NameHasher
from image.zonerows cimport ZoneRows

cdef Py_ssize_t BYTE, CLASS_IN, FRAGMENT_OCTETS, POINTER, TO_FRAGMENT, UNIT, TYPES_WITH_NAMES, LENGTH, NAMES_SHIFT, NAMES_MASK, MAX_TTL, MAX_COUNT, WIRE_OCTETS, MAX_WRITTEN, RECORD_OCTETS, POINTER_SIZE, OWNER_WRITTEN, HIGH, RECORDS_AT, SUFFIX_OCTETS, RECORD_STEPS, OCTETS_A_STEP, WRITTEN, WRITTEN_BEFORE, WRITTEN_AT, WRITTEN_OCTETS, WRITTEN_PLACE
cdef unsigned char UPPER_A, UPPER_Z, CASE

cdef class FragmentRenderer(NameHasher):
    cdef ZoneRows zone_rows
    cdef GrowingOctets heap
    cdef unsigned char[::1] wire
    cdef uint64_t wire_address
    cdef Py_ssize_t wire_used
    cdef uint32_t[::1] pointers
    cdef Py_ssize_t pointer_count
    cdef Py_ssize_t record_count
    cdef Py_ssize_t part_start
    cdef Py_ssize_t first_pointers
    cdef Py_ssize_t first_records
    cdef bint failed
    cdef Py_ssize_t known
    cdef Py_ssize_t[::1] written
    cdef Py_ssize_t written_count
    cdef Py_ssize_t[::1] last_written
    cdef unsigned char[::1] compressed

    @cython.locals(number=Py_ssize_t)
    cdef int begin_fragment(self, Py_ssize_t known) except -1
    cdef int begin_second(self) except -1
    cdef int end_part(self) except -1
    @cython.locals(rdtype=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t)
    cdef int put_set(self, Py_ssize_t row, Py_ssize_t ttl, Py_ssize_t target, Py_ssize_t owner) except -1
    @cython.locals(start=Py_ssize_t)
    cdef int put_record(self, Py_ssize_t rdtype, Py_ssize_t ttl, Py_ssize_t at, Py_ssize_t length) except -1
    @cython.locals(names=Py_ssize_t, end=Py_ssize_t, skipped=Py_ssize_t, _=Py_ssize_t)
    cdef int put_rdata(self, Py_ssize_t rdtype, Py_ssize_t at, Py_ssize_t length) except -1
    cdef int put_octets(self, Py_ssize_t at, Py_ssize_t length) except -1
    @cython.locals(level=Py_ssize_t, end=Py_ssize_t, octets=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t put_name(self, Py_ssize_t at) except -1
    @cython.locals(looked_at=Py_ssize_t, found=Py_ssize_t, number=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t find_written(self, Py_ssize_t at, Py_ssize_t octets) except -9
    @cython.locals(start=Py_ssize_t, index=Py_ssize_t, octet=cython.uchar)
    cdef int is_known(self, Py_ssize_t at, Py_ssize_t octets, Py_ssize_t level) except -1
    cdef int point(self, Py_ssize_t target) except -1
    @cython.locals(at=Py_ssize_t, first=Py_ssize_t, pointers=Py_ssize_t, records=Py_ssize_t, index=Py_ssize_t)
    cdef int pack(self, GrowingOctets out, Py_ssize_t flag) except -1
