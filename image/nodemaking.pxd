cimport cython
from libc.stdint cimport uint64_t
from image.chainmaking cimport ChainMaker
from image.growing cimport GrowingOctets
from image.names cimport NameReader
from image.zonerows cimport ZoneRows

cdef Py_ssize_t CNAME, DNAME, DS, HOST_ENTRY, MAX_DEPTH, MAX_LABEL, MAX_NAME, NO_END, NODE_CNAME, NODE_CUT, NODE_DNAME, NODE_WILDCARD, NS, NSEC, NSEC3, NSEC_ENTRY, REFERRAL, RRSIG, SET_LARGE, SET_MORE_GLUE, SET_SIGNED_GLUE, IN_DOMAIN_SHIFT, MAX_DATAGRAM, MESSAGE_HEADER, QUESTION_FIXED, MAX_WRITTEN, RECORD_FIXED, TYPES_WITH_NAMES, SIG, SOA, STAR, TO_OWNER, UNIT, WITH_GLUE, WITH_SIGNATURES, ZONE_NSEC, ZONE_NSEC3, HIGH, OWNER_WRITTEN, A, AAAA, ESCAPE, LENGTH, LOW, KEY_LABELS, NAME_ENTRY, OWNER_ROOM, MINIMUM_OCTETS, WHOLE_SET
cdef uint64_t HALF
cdef unsigned char UPPER_A, UPPER_Z

cdef class NodeMaker(ChainMaker):
    cdef readonly GrowingOctets nodes
    cdef GrowingOctets names
    cdef GrowingOctets hosts
    cdef Py_ssize_t glue_flags
    cdef int is_required
    cdef unsigned char[::1] host
    cdef NameReader host_reader
    cdef Py_ssize_t number
    cdef Py_ssize_t negative
    cdef Py_ssize_t first_end
    cdef Py_ssize_t last_end
    cdef GrowingOctets sets
    cdef Py_ssize_t set_count
    cdef unsigned char[::1] owner
    cdef Py_ssize_t owner_octets
    cdef Py_ssize_t[::1] ends
    cdef Py_ssize_t[::1] node_at
    cdef Py_ssize_t before_at
    cdef Py_ssize_t before_size
    cdef const unsigned char[::1] origin
    cdef Py_ssize_t origin_octets

    cdef int begin_zone(self, bytes origin, Py_ssize_t octets) except -1
    @cython.locals(at=Py_ssize_t, size=Py_ssize_t, count=Py_ssize_t, index=Py_ssize_t, start=Py_ssize_t, end=Py_ssize_t)
    cdef int read_owner(self, Py_ssize_t name) except -1
    @cython.locals(index=Py_ssize_t, end=Py_ssize_t)
    cdef int scan_owner(self, Py_ssize_t octets) except -1
    @cython.locals(place=Py_ssize_t, octets=Py_ssize_t, octet=cython.uchar)
    cdef int put_label(self, Py_ssize_t at, Py_ssize_t end) except -1
    @cython.locals(level=Py_ssize_t, flags=Py_ssize_t)
    cdef int add_name(self, Py_ssize_t name) except -1
    @cython.locals(link=Py_ssize_t, row=Py_ssize_t, rdtype=Py_ssize_t, fragment=Py_ssize_t)
    cdef Py_ssize_t add_sets(self, Py_ssize_t name, Py_ssize_t flags) except -1
    @cython.locals(at=Py_ssize_t, count=Py_ssize_t, index=Py_ssize_t, octet=cython.uchar)
    cdef Py_ssize_t common(self, Py_ssize_t name) except -1
    @cython.locals(flags=Py_ssize_t, row=Py_ssize_t, rdtype=Py_ssize_t)
    cdef Py_ssize_t kind(self, Py_ssize_t name) except -1
    @cython.locals(rows=ZoneRows, rdtype=Py_ssize_t, may_shrink=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t, octets=Py_ssize_t, size=Py_ssize_t)
    cdef int is_large(self, Py_ssize_t row) except -1
    @cython.locals(ttl=Py_ssize_t, fragment=Py_ssize_t, flags=Py_ssize_t)
    cdef Py_ssize_t add_set(self, Py_ssize_t name, Py_ssize_t row, Py_ssize_t rdtype) except -1
    cdef Py_ssize_t known_labels(self) except -1
    @cython.locals(signatures=Py_ssize_t)
    cdef Py_ssize_t store_signed(self, Py_ssize_t name, Py_ssize_t rdtype, Py_ssize_t ttl) except -1
    @cython.locals(end=Py_ssize_t, minimum=Py_ssize_t, index=Py_ssize_t, ttl=Py_ssize_t)
    cdef int add_negative(self, Py_ssize_t name, Py_ssize_t row) except -1
    @cython.locals(word=Py_ssize_t)
    cdef Py_ssize_t link_next(self, Py_ssize_t fragment) except -1
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
    @cython.locals(rows=ZoneRows, name=Py_ssize_t)
    cdef int is_redirected(self) except -1
    @cython.locals(rows=ZoneRows, row=Py_ssize_t, types=Py_ssize_t, rdtype=Py_ssize_t, covered=Py_ssize_t)
    cdef int add_addresses(self, Py_ssize_t name, Py_ssize_t owner, Py_ssize_t signatures) except -1
    cdef int is_any_use(self, Py_ssize_t row) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int add_entry(self, Py_ssize_t types, Py_ssize_t fragment) except -1
    @cython.locals(start=Py_ssize_t, relative=Py_ssize_t, at=Py_ssize_t, entry=Py_ssize_t, index=Py_ssize_t)
    cdef int add_node(self, Py_ssize_t level, Py_ssize_t flags, Py_ssize_t link) except -1
