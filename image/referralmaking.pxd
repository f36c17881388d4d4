cimport cython
from libc.stdint cimport uint64_t
from image.chainmaking cimport ChainMaker
from image.growing cimport GrowingOctets
from image.names cimport NameReader
from image.zonerows cimport ZoneRows

cdef Py_ssize_t A, AAAA, NUMBER, SERVER_STEPS, HIGH, HOST_ENTRY, IN_DOMAIN_SHIFT, LENGTH, MAX_DATAGRAM, MAX_NAME, MAX_WRITTEN, MESSAGE_HEADER, NAME_ROOM, NS, OWNER_WRITTEN, QUESTION_FIXED, RECORD_FIXED, REFERRAL, RRSIG, SET_LARGE, SET_MORE_GLUE, SET_SIGNED_GLUE, TO_OWNER, TYPES_WITH_NAMES, UNIT, WHOLE_SET, WITH_GLUE
cdef uint64_t HALF

cdef class ReferralMaker(ChainMaker):
    cdef readonly GrowingOctets nodes
    cdef GrowingOctets hosts
    cdef Py_ssize_t glue_flags
    cdef int is_required
    cdef unsigned char[::1] host
    cdef NameReader host_reader
    cdef Py_ssize_t number
    cdef GrowingOctets sets
    cdef Py_ssize_t set_count

    @cython.locals(row=Py_ssize_t, fragment=Py_ssize_t, has_glue=bint)
    cdef int add_referral(self, Py_ssize_t name) except -1
    cdef Py_ssize_t store_first(self) except -1
    @cython.locals(rows=ZoneRows, at=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t, behind=Py_ssize_t, name=Py_ssize_t)
    cdef int add_glue(self, Py_ssize_t cut, Py_ssize_t row, Py_ssize_t in_domain, Py_ssize_t signatures) except -1
    @cython.locals(value=uint64_t)
    cdef int note_host(self, Py_ssize_t at, Py_ssize_t octets) except -1
    @cython.locals(rows=ZoneRows, size=Py_ssize_t, at=Py_ssize_t, index=Py_ssize_t)
    cdef int is_in_domain(self, Py_ssize_t cut) except -1
    @cython.locals(rows=ZoneRows, name=Py_ssize_t, order=Py_ssize_t)
    cdef Py_ssize_t find_target(self, Py_ssize_t cut, Py_ssize_t in_domain) except -9
    @cython.locals(rows=ZoneRows, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef int is_redirected(self) except -1
    cdef int add_addresses(self, Py_ssize_t name, Py_ssize_t owner, Py_ssize_t signatures) except -1
    @cython.locals(rows=ZoneRows, row=Py_ssize_t, signed=Py_ssize_t)
    cdef int add_addresses_of(self, Py_ssize_t name, Py_ssize_t rdtype, Py_ssize_t owner, Py_ssize_t signatures) except -1
    cdef int is_any_use(self, Py_ssize_t row) except -1
    @cython.locals(rows=ZoneRows, rdtype=Py_ssize_t, may_shrink=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t, octets=Py_ssize_t, size=Py_ssize_t)
    cdef int is_large(self, Py_ssize_t row) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int add_entry(self, Py_ssize_t types, Py_ssize_t fragment) except -1
