cimport cython
from libc.stdint cimport uint64_t
from image.growing cimport GrowingOctets
from image.nodemaking cimport NodeMaker
from image.zonerows cimport ZoneRows

cdef Py_ssize_t BREATH, NODE_STEPS, HOST_ENTRY, NSEC3, RRSIG, HALF, HIGH, LOW, NAME_ENTRY, NO_END, SOA, TAG_SHIFT, UNIT, WHOLE_SET, ZONE_LEFT, ZONE_NSEC3, ZONE_UNIT
cdef uint64_t TAG_MASK

cdef class ImageAssembler(NodeMaker):
    cdef readonly GrowingOctets zones
    cdef Py_ssize_t nodes_start

    @cython.locals(nodes=Py_ssize_t, names=Py_ssize_t, chain=Py_ssize_t)
    cpdef bint assemble(self, bytes origin) except -1
    cpdef tuple facts(self)
    cpdef tuple extent(self)
    cpdef tuple parameters(self)
    cpdef append_zone(self, bytes record)
    @cython.locals(count=Py_ssize_t, size=Py_ssize_t, table=GrowingOctets)
    cpdef buckets(self)
    @cython.locals(index=Py_ssize_t, value=uint64_t, at=Py_ssize_t)
    cdef int fill(self, GrowingOctets table, Py_ssize_t count, uint64_t size) except -1
    @cython.locals(count=Py_ssize_t, root=Py_ssize_t, last=Py_ssize_t, end=Py_ssize_t, value=uint64_t)
    cpdef hosts_in_order(self)
    @cython.locals(value=uint64_t, child=Py_ssize_t)
    cdef int sift(self, Py_ssize_t root, Py_ssize_t end) except -1
    @cython.locals(rows=ZoneRows, name=Py_ssize_t)
    cdef int add_zone(self, bytes origin, Py_ssize_t octets) except -1
    @cython.locals(name=Py_ssize_t, flags=Py_ssize_t, index=Py_ssize_t, types=Py_ssize_t)
    cpdef render(self, bytes origin, bytes key)
    @cython.locals(name=Py_ssize_t, row=Py_ssize_t)
    cpdef render_hashed(self, bytes origin, bytes key)
    @cython.locals(name=Py_ssize_t)
    cdef Py_ssize_t name_of(self, bytes key, Py_ssize_t octets) except -9
