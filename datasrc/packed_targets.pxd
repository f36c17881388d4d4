cimport cython
from libc.stdint cimport uint64_t

from datasrc.packed_index cimport NameIndex
from datasrc.packed_zone cimport PackedZone

cdef Py_ssize_t ADDRESS, BLOB, BLOB_LENGTH, BREATH, CASE, CNAME, ELSEWHERE, ESCAPED_BELOW, HAS_ADDRESS, HAS_CNAME, HAS_DNAME, HAS_NS, MALFORMED, MAX_LABEL, MAX_LABELS, MAX_NAME, MX, NINE, NS, NUMBERS, SRV, STAR, UPPER_A, UPPER_Z, WITHIN, ZERO, MX_NUMBERS, SRV_NUMBERS, ADDRESS_LABELS, ADDRESS_DIGITS, LED_TO, ON_WAY, ENDS, CIRCLES, NO_ALIAS, ODD_ALIAS

cdef class PackedTargets:
    cdef PackedZone records
    cdef NameIndex names
    cdef unsigned char[::1] marks
    cdef const unsigned char[::1] apex
    cdef const unsigned char[::1] origin
    cdef Py_ssize_t apex_length
    cdef Py_ssize_t turns
    cdef uint64_t[::1] labels
    cdef unsigned char[::1] key
    cdef Py_ssize_t depth
    cdef uint64_t[::1] ends
    cdef uint64_t[::1] hashes

    @cython.locals(skipped=Py_ssize_t, fine=bint, at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t, what=int)
    cdef int are_fine(self, Py_ssize_t index, int rdtype, Py_ssize_t owner) except -1
    cdef int breathe(self) except -1
    @cython.locals(inner=Py_ssize_t, below=Py_ssize_t, count=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t)
    cdef int read(self, Py_ssize_t start, Py_ssize_t length, bint may_be_address) except -1
    @cython.locals(index=Py_ssize_t, octet=int)
    cdef int is_apex(self, Py_ssize_t start) except -1
    @cython.locals(number=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t, place=Py_ssize_t, index=Py_ssize_t)
    cdef int is_address(self, Py_ssize_t start, Py_ssize_t inner, Py_ssize_t below, Py_ssize_t count) except -1
    @cython.locals(length=Py_ssize_t, value=uint64_t, level=Py_ssize_t, start=Py_ssize_t, at=Py_ssize_t, octet=int)
    cdef int take_apart(self, Py_ssize_t below) except -1
    cdef Py_ssize_t find(self, Py_ssize_t level) except -2
    @cython.locals(target=Py_ssize_t, level=Py_ssize_t, node=Py_ssize_t, kinds=int)
    cdef int is_fine(self, int rdtype, Py_ssize_t owner) except -1
    @cython.locals(length=Py_ssize_t, place=Py_ssize_t, closest=Py_ssize_t, level=Py_ssize_t, value=uint64_t)
    cdef Py_ssize_t wildcard(self) except -2
    @cython.locals(node=Py_ssize_t, outcome=int, mark=int)
    cdef int ends_somewhere(self, Py_ssize_t first) except -1
    @cython.locals(index=Py_ssize_t, size=Py_ssize_t, what=int)
    cdef Py_ssize_t alias_of(self, Py_ssize_t node) except -3
    @cython.locals(target=Py_ssize_t)
    cdef Py_ssize_t other_alias(self) except -3
    @cython.locals(first=Py_ssize_t, after=Py_ssize_t)
    cpdef bint is_led_to(self, bytes key)
