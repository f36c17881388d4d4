cimport cython
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from image.query cimport QueryReader

cdef Py_ssize_t AA, BELOW_DELTA, BYTE, FRAGMENT_FIXED, FRAGMENT_OCTETS, IN_DELTA, KIND_ERROR, KIND_NODATA, KIND_REFERRAL, MAX_DEPTH, MAX_NAME, MESSAGE_HEADER, MAX_OPTIONS, NODE_FIXED, OCTET, OPT, OPT_OCTETS, OPTION_FIXED, POINTER, POINTER_OCTETS, QR, RD, SECOND_FIXED, SET_OCTETS, TC, TO_FRAGMENT, TO_OWNER, UNIT, WITH_GLUE, WITH_SIGNATURES
cdef Py_ssize_t COUNTS, MAX_PARTS, LABEL_TYPE, ANSWER, AUTHORITY, ADDITIONAL, RCODE, RCODE_BITS

cdef class Composer(QueryReader):
    cdef unsigned char[::1] replies
    cdef uint64_t replies_address
    cdef uint64_t queries_address
    cdef Py_ssize_t[::1] places
    cdef Py_ssize_t[::1] parts_of_name
    cdef readonly Py_ssize_t[::1] counts
    cdef uint64_t[::1] parts
    cdef Py_ssize_t part_count
    cdef Py_ssize_t at
    cdef Py_ssize_t size
    cdef unsigned char[::1] options
    cdef uint64_t options_address
    cdef public Py_ssize_t options_octets
    cdef readonly Py_ssize_t kind
    cdef readonly Py_ssize_t flags
    cdef readonly Py_ssize_t rcode
    cdef readonly Py_ssize_t authoritative
    cdef public Py_ssize_t limiting
    cdef readonly unsigned char[::1] counted
    cdef uint64_t counted_address
    cdef readonly Py_ssize_t counted_octets
    cdef Py_ssize_t made_up
    cdef readonly Py_ssize_t truncated
    cdef Py_ssize_t first_part
    cdef const unsigned char[::1] arena
    cdef const uint16_t[::1] arena16
    cdef const uint32_t[::1] arena32
    cdef uint64_t arena_address
    cdef Py_ssize_t fragments
    cdef Py_ssize_t heap
    cdef Py_ssize_t zone_labels

    @cython.locals(shift=Py_ssize_t, level=Py_ssize_t)
    cdef int begin(self, Py_ssize_t at) except -1 nogil
    @cython.locals(at=Py_ssize_t)
    cdef Py_ssize_t finish(self) except -1 nogil
    cdef Py_ssize_t fail(self, Py_ssize_t at, Py_ssize_t rcode) except -1 nogil
    cdef Py_ssize_t slip(self) except -1 nogil
    @cython.locals(start=Py_ssize_t)
    cdef int note(self, Py_ssize_t level) except -1 nogil
    cdef int note_encloser(self, Py_ssize_t level) except -1 nogil
    cdef int clear(self) except -1 nogil
    cdef Py_ssize_t truncate(self) except -1 nogil
    cdef Py_ssize_t source_of(self, Py_ssize_t fragment) noexcept nogil
    @cython.locals(source=Py_ssize_t, head=Py_ssize_t, octets=Py_ssize_t, pointers=Py_ssize_t, records=Py_ssize_t, table=Py_ssize_t, wire=Py_ssize_t, _=Py_ssize_t)
    cdef int add(self, Py_ssize_t fragment, Py_ssize_t level, Py_ssize_t section) except -1 nogil
    cdef int relocate(self, Py_ssize_t place, Py_ssize_t target, Py_ssize_t level) except -1 nogil
    @cython.locals(source=Py_ssize_t, head=Py_ssize_t, before=Py_ssize_t, skipped=Py_ssize_t, octets=Py_ssize_t, pointers=Py_ssize_t, records=Py_ssize_t, table=Py_ssize_t, wire=Py_ssize_t, _=Py_ssize_t)
    cdef int add_second(self, Py_ssize_t fragment, Py_ssize_t first, Py_ssize_t level, Py_ssize_t section) except -1 nogil
    @cython.locals(index=Py_ssize_t)
    cdef int is_added(self, Py_ssize_t place) except -1 nogil
    cdef int add_proof(self, Py_ssize_t fragment) except -1 nogil
    @cython.locals(source=Py_ssize_t, head=Py_ssize_t, octets=Py_ssize_t, pointers=Py_ssize_t, records=Py_ssize_t, table=Py_ssize_t, wire=Py_ssize_t, relative=Py_ssize_t, owner=Py_ssize_t, index=Py_ssize_t)
    cdef int add_owned(self, Py_ssize_t fragment, Py_ssize_t node) except -1 nogil
    @cython.locals(names=Py_ssize_t)
    cdef int write_owner(self, Py_ssize_t node, Py_ssize_t relative) except -1 nogil
    cdef int relocate_owned(self, Py_ssize_t place, Py_ssize_t target, Py_ssize_t owner) except -1 nogil
    @cython.locals(labels=Py_ssize_t, offset=Py_ssize_t)
    cdef Py_ssize_t suffix_of(self, Py_ssize_t owner, Py_ssize_t level) except -1 nogil
    @cython.locals(head=uint64_t)
    cdef int put_opt(self, Py_ssize_t at) except -1 nogil
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t)
    cdef int put_option(self, Py_ssize_t code, uint64_t content, Py_ssize_t octets) except -1 nogil
    cdef int put16(self, Py_ssize_t at, Py_ssize_t value) except -1 nogil
