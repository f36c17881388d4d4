cimport cython
from libc.stdint cimport uint64_t
from datasrc.keytable cimport KeyTable

cdef uint64_t BELOW_DELTA, IN_DELTA, SLOT_MASK, SLOT_SHIFT
cdef Py_ssize_t BYTE, ESCAPE, MAX_LABELS, MAX_SLOTS, OCTET, OCTETS32, OCTETS64, ROOM, ZONE_FIXED, ZONE_FLAGS, ZONE_GONE, ZONE_ORIGIN_OCTETS, ZONE_SOURCE, ZONE_UNIT, ZONE_VERSION

cdef class Census:
    cdef const unsigned char[::1] view
    cdef uint64_t[::1] images
    cdef uint64_t[::1] heaps
    cdef uint64_t[::1] counts
    cdef bytearray key
    cdef bytearray starts

    @cython.locals(at=Py_ssize_t, entry=uint64_t, slot=Py_ssize_t)
    cpdef bint count(self, const uint64_t[::1] entries, ends) except -1
    @cython.locals(at=Py_ssize_t, place=Py_ssize_t)
    cpdef add_sources(self, const uint64_t[::1] entries, found)
    @cython.locals(at=Py_ssize_t, place=Py_ssize_t, octets=Py_ssize_t)
    cpdef add_versions(self, const uint64_t[::1] entries, uint64_t source, KeyTable found)
    @cython.locals(slot=Py_ssize_t, base=uint64_t)
    cdef Py_ssize_t place(self, uint64_t entry) except -1
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef uint64_t number(self, Py_ssize_t place, Py_ssize_t octets) except? 7
    @cython.locals(labels=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t, label=Py_ssize_t, index=Py_ssize_t, value=Py_ssize_t)
    cdef Py_ssize_t make_key(self, Py_ssize_t start, Py_ssize_t octets) except -1
