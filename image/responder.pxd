cimport cython
from libc.stdint cimport uint64_t
from image.courtesy cimport Courtesy

cdef Py_ssize_t ADDITIONAL, DROPPED, RD, TO_DROP, EDE, EDE_OCTETS, FORBIDDEN, NO_ZONE, NOT_ADMITTED, NOT_AUTHORITATIVE, PROHIBITED, REFUSED
cdef uint64_t LOOKED_PLACE, VOUCHED_FOR, VOUCHED_MASK, VOUCHED_PLACE, VOUCHED_SHIFT
cdef Py_ssize_t ANSWER, ANY, AUTHORITY, CNAME, DNAME, DONE, DS, FOLLOW, IN_DELTA, KEY, KIND_ANSWER, KIND_ERROR, KIND_REFERRAL, LEAVE, MAX_NAME, NODE_CNAME, NODE_CUT, NODE_DNAME, NODE_WILDCARD, NOT_MAPPED, NOWHERE, NSEC, NXT, OVERFLOW, REFERRAL, ROW, ROW_BUCKET_COUNT, ROW_BUCKETS, ROW_FRAGMENTS, ROW_NODES, SET_PLAIN, STAGE_LEVELS, STAGE_NAME, STAGES, UNIT, YXDOMAIN, ZONE_LEFT, ZONE_SIGNED, MAX_LINKS, RECORD_FIXED, SAVED, SAVED_VALUE, SAVED_ZONE, SAVED_SLOT, SAVED_NODE, SAVED_START, SAVED_QUESTION, SAVED_TYPE, SAVED_LIMIT, SAVED_EDNS, SAVED_DNSSEC, SAVED_DEPTH, SAVED_OCTETS, SAVED_WANTED, SAVED_COOKIE, SAVED_CLIENT, SAVED_CLIENT_OCTETS, SAVED_COOKIE_OCTETS, FETCHED_BUCKETS, LINE
cdef uint64_t HALF, OFFSET_MASK, SLOT_MASK, SLOT_SHIFT, TAG_MASK, TAG_SHIFT, ZONE_TAG_MASK, ZONE_TAG_SHIFT
cdef Py_ssize_t BELOW_DELTA, FETCHED_LEVELS, ROW_HEAP, ROW_ZONES, ZONE_UNIT

cdef class Responder(Courtesy):
    cdef public Py_ssize_t counting
    cdef public uint64_t asked_zone
    cdef uint64_t[::1] saved
    cdef Py_ssize_t trusting
    cdef uint64_t believed
    cdef readonly uint64_t since
    cdef unsigned char[::1] reason
    cdef uint64_t reason_address

    cdef int come_from(self, Py_ssize_t address, Py_ssize_t octets) except -1 nogil
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
    @cython.locals(link=Py_ssize_t, step=Py_ssize_t, place=Py_ssize_t)
    cdef Py_ssize_t walk(self, Py_ssize_t at) except -1 nogil
    @cython.locals(first=Py_ssize_t, last=Py_ssize_t, level=Py_ssize_t, node=Py_ssize_t, flags=Py_ssize_t, there=Py_ssize_t)
    cdef Py_ssize_t step(self, Py_ssize_t link) except -1 nogil
    @cython.locals(flags=Py_ssize_t, entry=Py_ssize_t, is_link=Py_ssize_t, fragment=Py_ssize_t, proven=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t answer_node(self, Py_ssize_t node, Py_ssize_t wildcard, Py_ssize_t there) except -1 nogil
    @cython.locals(entry=Py_ssize_t, fragment=Py_ssize_t, signed=Py_ssize_t, first=Py_ssize_t, step=Py_ssize_t)
    cdef Py_ssize_t refer(self, Py_ssize_t node, Py_ssize_t level, Py_ssize_t link) except -1 nogil
    @cython.locals(before=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t refuse(self, Py_ssize_t at, Py_ssize_t reason) except -1 nogil
    @cython.locals(place=Py_ssize_t, is_known=bint)
    cdef Py_ssize_t zone_for_query(self) except -3 nogil
    @cython.locals(zone=Py_ssize_t, slot=Py_ssize_t, above=Py_ssize_t)
    cdef Py_ssize_t zone_for_ds(self, Py_ssize_t found) except -3 nogil
    @cython.locals(level=Py_ssize_t, node=Py_ssize_t)
    cdef int knows_of_cut(self) except -1 nogil
    @cython.locals(entry=Py_ssize_t, fragment=Py_ssize_t, owner=uint64_t, at=Py_ssize_t)
    cdef Py_ssize_t redirect(self, Py_ssize_t node, Py_ssize_t level) except -1 nogil
    @cython.locals(target=Py_ssize_t, prefix=Py_ssize_t, link=Py_ssize_t)
    cdef Py_ssize_t link_to(self, Py_ssize_t level, Py_ssize_t dname) except -1 nogil
