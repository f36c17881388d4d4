cimport cython
from libc.stdint cimport uint64_t
from image.fragmentstore cimport FragmentStore
from image.growing cimport GrowingOctets
from image.zonerows cimport ZoneRows

cdef Py_ssize_t BLOCK, BLOCK_STEPS, BLOCK_LENGTH, NAME_STEPS, NUMBER, DNAME, DS, HASH_OCTETS, NS, NSEC, NSEC3, NSEC3_ENTRY, NSEC3PARAM, NSEC_ENTRY, RRSIG, TO_FRAGMENT, UNIT, WITH_SIGNATURES, ZONE_NSEC, ZONE_NSEC3, ZONE_SIGNED, SHA1, MAX_ITERATIONS, MAX_FOREIGN, FIXED, HASH_LABEL, NO_DIGIT, HIGH, LENGTH

cdef class ChainMaker(FragmentStore):
    cdef readonly GrowingOctets chain
    cdef Py_ssize_t chain_start
    cdef Py_ssize_t chain_entries
    cdef Py_ssize_t chain_flag
    cdef unsigned char[::1] digits
    cdef Py_ssize_t iterations
    cdef GrowingOctets dnames
    cdef Py_ssize_t zone_flags
    cdef Py_ssize_t nsec_entries
    cdef bint nsec_broken
    cdef Py_ssize_t next_entry
    cdef Py_ssize_t zone_labels
    cdef Py_ssize_t cover_at
    cdef Py_ssize_t cover_size

    @cython.locals(rows=ZoneRows, name=Py_ssize_t, below=int, row=Py_ssize_t, types=Py_ssize_t, rdtype=Py_ssize_t)
    cdef int survey(self) except -1
    @cython.locals(rows=ZoneRows, count=Py_ssize_t, last=Py_ssize_t, size=Py_ssize_t, at=uint64_t)
    cdef int note_dname(self, Py_ssize_t name) except -1
    cdef int cover(self, Py_ssize_t name) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int is_covered(self, Py_ssize_t name) except -1
    @cython.locals(rows=ZoneRows, at=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t)
    cdef int link_nsec(self, Py_ssize_t name, Py_ssize_t row, int below) except -1
    @cython.locals(at=Py_ssize_t, index=Py_ssize_t)
    cdef int may_be_hashed(self, Py_ssize_t name) except -1
    @cython.locals(rows=ZoneRows, row=Py_ssize_t, types=Py_ssize_t)
    cdef int is_hashed(self, Py_ssize_t name) except -1
    @cython.locals(rows=ZoneRows, parameters=Py_ssize_t)
    cdef int make_chain(self) except -1
    @cython.locals(row=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t, known=bint, index=Py_ssize_t)
    cdef Py_ssize_t find_parameters(self) except -1
    @cython.locals(rows=ZoneRows, foreign=Py_ssize_t, entry=Py_ssize_t, name=Py_ssize_t, row=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t)
    cdef int collect_nsec3(self, Py_ssize_t parameters) except -1
    @cython.locals(fixed=Py_ssize_t, index=Py_ssize_t)
    cdef int is_of_chain(self, Py_ssize_t at, Py_ssize_t size, Py_ssize_t parameters) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int names_next(self, Py_ssize_t name, Py_ssize_t entry) except -1
    @cython.locals(bits=Py_ssize_t, value=Py_ssize_t, index=Py_ssize_t)
    cdef int decode(self, Py_ssize_t at, Py_ssize_t entry) except -1
    @cython.locals(rows=ZoneRows, index=Py_ssize_t, word=Py_ssize_t, name=Py_ssize_t, row=Py_ssize_t, fragment=Py_ssize_t)
    cdef int store_nsec3(self) except -1
    @cython.locals(rows=ZoneRows, ttl=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t store_hashed(self, Py_ssize_t name, Py_ssize_t row, Py_ssize_t signatures) except -1
    @cython.locals(blocks=Py_ssize_t, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, order=int)
    cdef Py_ssize_t link_hashed(self, Py_ssize_t level) except -1
    @cython.locals(index=Py_ssize_t, left=cython.uchar)
    cdef int compare_digest(self, Py_ssize_t entry) except -9
