cimport cython
from libc.stdint cimport uint64_t
from image.growing cimport GrowingOctets
from image.rendering cimport FragmentRenderer

cdef Py_ssize_t BYTE, FRAGMENT_OCTETS, HIGH, LOW, WITH_GLUE, HALF, UNIT, WITH_SIGNATURES, NUMBER, FIRST_SEEN, SEEN_FULL
cdef uint64_t MASK32

cdef class FragmentStore(FragmentRenderer):
    cdef readonly GrowingOctets fragments
    cdef readonly uint64_t[::1] seen
    cdef uint64_t[::1] seen_before
    cdef Py_ssize_t seen_size
    cdef Py_ssize_t seen_count

    @cython.locals(start=Py_ssize_t, octets=Py_ssize_t, value=uint64_t)
    cdef Py_ssize_t store_fragment(self, Py_ssize_t flag) except -1
    @cython.locals(at=Py_ssize_t, place=Py_ssize_t)
    cdef Py_ssize_t place_of(self, uint64_t value, Py_ssize_t start, Py_ssize_t octets) except -1
    @cython.locals(at=Py_ssize_t, octets=Py_ssize_t, pointers=Py_ssize_t)
    cdef bytes fragment_octets(self, Py_ssize_t fragment)
    @cython.locals(index=Py_ssize_t)
    cdef int forget_fragments(self) except -1
    @cython.locals(size=Py_ssize_t, index=Py_ssize_t, at=Py_ssize_t, entry=uint64_t)
    cdef int grow_seen(self) except -1
