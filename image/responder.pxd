cimport cython
from libc.stdint cimport uint64_t
from image.answering cimport Answerer

cdef Py_ssize_t BELOW_DELTA, DROPPED, FETCHED_BUCKETS, FETCHED_LEVELS, FORBIDDEN, IN_DELTA, LINE, NODE_CUT, NOT_ADMITTED, NOWHERE, NO_ZONE, RD, REFERRAL, ROW, ROW_BUCKETS, ROW_BUCKET_COUNT, ROW_FRAGMENTS, ROW_HEAP, ROW_NODES, ROW_ZONES, SAVED, SAVED_COOKIE, SAVED_COOKIE_OCTETS, SAVED_DEPTH, SAVED_DNSSEC, SAVED_EDNS, SAVED_LIMIT, SAVED_NODE, SAVED_OCTETS, SAVED_ROW, SAVED_QUESTION, SAVED_SLOT, SAVED_START, SAVED_TYPE, SAVED_VALUE, SAVED_WANTED, SAVED_ZONE, STAGES, STAGE_LEVELS, STAGE_NAME, TO_DROP, UNIT, ZONE_UNIT
cdef uint64_t HALF, LOOKED_PLACE, OFFSET_MASK, SLOT_MASK, SLOT_SHIFT, TAG_MASK, TAG_SHIFT, VOUCHED_FOR, VOUCHED_MASK, VOUCHED_PLACE, VOUCHED_SHIFT, ZONE_TAG_MASK, ZONE_TAG_SHIFT

cdef class Responder(Answerer):
    cdef readonly Py_ssize_t asked_row
    cdef uint64_t[::1] saved
    cdef Py_ssize_t trusting
    cdef uint64_t believed
    cdef readonly uint64_t since

    cdef Py_ssize_t reply(self, Py_ssize_t start, Py_ssize_t length, Py_ssize_t at) except -1 nogil
    cdef Py_ssize_t prepare(self, Py_ssize_t stage, Py_ssize_t start, Py_ssize_t length) except -1 nogil
    @cython.locals(at=Py_ssize_t, place=Py_ssize_t, level=Py_ssize_t, value=uint64_t)
    cdef Py_ssize_t read_ahead(self, Py_ssize_t stage, Py_ssize_t start, Py_ssize_t length) except -1 nogil
    @cython.locals(base=Py_ssize_t, depth=Py_ssize_t, level=Py_ssize_t, value=uint64_t, at=Py_ssize_t, entry=uint64_t, offset=Py_ssize_t, row=Py_ssize_t, place=Py_ssize_t)
    cdef int fetch_zone(self, Py_ssize_t stage) except -1 nogil
    cdef Py_ssize_t locate(self, Py_ssize_t stage) except -1 nogil
    @cython.locals(at=Py_ssize_t, place=Py_ssize_t, level=Py_ssize_t, value=uint64_t, bucket=Py_ssize_t)
    cdef Py_ssize_t locate_read(self, Py_ssize_t stage) except -1 nogil
    @cython.locals(saved=Py_ssize_t)
    cdef int take_up(self, Py_ssize_t stage) except -1 nogil
    cdef int keep(self, Py_ssize_t at, Py_ssize_t start) except -1 nogil
    @cython.locals(header=uint64_t, vouched=uint64_t)
    cdef int is_complete(self) except -1 nogil
    @cython.locals(at=Py_ssize_t, zone=Py_ssize_t, row=Py_ssize_t, value=uint64_t, size=Py_ssize_t, bucket=Py_ssize_t, entry=uint64_t, node=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t fetch_node(self, Py_ssize_t stage) except -1 nogil
    @cython.locals(at=Py_ssize_t, node=Py_ssize_t, wanted=Py_ssize_t, entry=Py_ssize_t, number=Py_ssize_t, place=Py_ssize_t)
    cdef Py_ssize_t fetch_fragment(self, Py_ssize_t stage) except -1 nogil
    cdef Py_ssize_t compose(self, Py_ssize_t stage, Py_ssize_t at) except -1 nogil
    @cython.locals(saved=Py_ssize_t, zone=Py_ssize_t)
    cdef int resume(self, Py_ssize_t stage) except -1 nogil
