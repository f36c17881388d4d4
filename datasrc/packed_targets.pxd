cimport cython

from datasrc.packed_sets cimport PackedSets

cdef Py_ssize_t BLOB, BLOB_LENGTH, CASE, NINE, NUMBERS, UPPER_A, UPPER_Z, ZERO

cdef class PackedTargets(PackedSets):
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t, start=Py_ssize_t)
    cdef int leads_outside(self, Py_ssize_t index, Py_ssize_t skipped, const unsigned char[::1] apex, Py_ssize_t apex_length) except -1
    @cython.locals(digits=bint, at=Py_ssize_t)
    cdef int name_outside(self, Py_ssize_t start, Py_ssize_t length, const unsigned char[::1] apex, Py_ssize_t apex_length) except -1
    @cython.locals(at=Py_ssize_t, inner=Py_ssize_t, index=Py_ssize_t, octet=int)
    cdef int name_within(self, Py_ssize_t start, Py_ssize_t length, const unsigned char[::1] apex, Py_ssize_t apex_length) except -1
    @cython.locals(at=Py_ssize_t, last=Py_ssize_t, length=Py_ssize_t, start=Py_ssize_t, other=Py_ssize_t)
    cdef int leads_to_own(self, Py_ssize_t index, const unsigned char[::1] apex, Py_ssize_t apex_length, Py_ssize_t first, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, last=Py_ssize_t, length=Py_ssize_t, start=Py_ssize_t)
    cdef int is_led_to(self, Py_ssize_t index, const unsigned char[::1] apex, Py_ssize_t apex_length, Py_ssize_t other) except -1
    @cython.locals(key=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t, index=Py_ssize_t, octet=int)
    cdef int is_named(self, Py_ssize_t start, Py_ssize_t inner, Py_ssize_t other) except -1
