cimport cython
from libc.stdint cimport uint64_t
from image.proving cimport Prover

cdef Py_ssize_t A, AAAA, ADDITIONAL, AUTHORITY, DONE, DROPPED, HTTPS, LEAVE, MAX_ADDITIONAL_NAMES, MX, NODE_CUT, NODE_DNAME, NODE_END, NODE_WILDCARD, NOT_ADMITTED, NOWHERE, NS, OCTET, RECORD_FIXED, SRV, SVCB, ZONE_LEFT, NO_TARGET, MX_TARGET, SRV_TARGET, SVCB_TARGET

cdef class Courtesy(Prover):
    cdef public Py_ssize_t courteous
    cdef Py_ssize_t answer_at
    cdef Py_ssize_t answer_records
    cdef Py_ssize_t answer_type
    cdef uint64_t answer_name
    cdef Py_ssize_t[::1] targets
    cdef uint64_t[::1] target_hashes
    cdef Py_ssize_t target_count

    cdef int note_answer(self, Py_ssize_t fragment, Py_ssize_t rdtype, Py_ssize_t at) except -1 nogil
    @cython.locals(dnssec=Py_ssize_t, step=Py_ssize_t)
    cdef Py_ssize_t be_courteous(self) except -1 nogil
    @cython.locals(servers_at=Py_ssize_t, servers=Py_ssize_t, node=Py_ssize_t, entry=Py_ssize_t, fragment=Py_ssize_t, before=Py_ssize_t, step=Py_ssize_t, signatures=Py_ssize_t, target=Py_ssize_t)
    cdef Py_ssize_t add_courtesies(self, Py_ssize_t dnssec) except -1 nogil
    @cython.locals(offset=Py_ssize_t, own=Py_ssize_t, first=Py_ssize_t, place=Py_ssize_t, value=uint64_t, _=Py_ssize_t)
    cdef int gather(self, Py_ssize_t rdtype, Py_ssize_t at, Py_ssize_t records) except -1 nogil
    cdef Py_ssize_t target_offset(self, Py_ssize_t rdtype) except -2 nogil
    @cython.locals(rdata=Py_ssize_t)
    cdef int has_priority(self, Py_ssize_t at) except -1 nogil
    @cython.locals(target=Py_ssize_t)
    cdef int is_among(self, uint64_t value, Py_ssize_t first, Py_ssize_t end) except -1 nogil
    @cython.locals(value=uint64_t, place=Py_ssize_t, node=Py_ssize_t, there=Py_ssize_t)
    cdef Py_ssize_t add_addresses(self, Py_ssize_t target, Py_ssize_t signatures) except -1 nogil
    @cython.locals(first=Py_ssize_t, last=Py_ssize_t, level=Py_ssize_t, node=Py_ssize_t, flags=Py_ssize_t)
    cdef int is_occluded(self) except -1 nogil
    @cython.locals(entry=Py_ssize_t, fragment=Py_ssize_t)
    cdef int add_address(self, Py_ssize_t node, Py_ssize_t rdtype, uint64_t value, Py_ssize_t signatures) except -1 nogil
