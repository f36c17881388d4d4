cimport cython
from image.composer cimport Composer

cdef Py_ssize_t ANSWER, CASE, CNAME, LABEL_TYPE, MAX_DEPTH, MAX_NAME, OCTET, POINTER, POINTER_MASK, RECORD_FIXED, UPPER_A, UPPER_Z

cdef class Linker(Composer):
    @cython.locals(start=Py_ssize_t, octets=Py_ssize_t, at=Py_ssize_t, each=Py_ssize_t, place=Py_ssize_t, size=Py_ssize_t)
    cdef int add_cname(self, Py_ssize_t level, Py_ssize_t prefix, Py_ssize_t dname, Py_ssize_t target) except -1 nogil
    cdef Py_ssize_t prefix_octets(self, Py_ssize_t level) except -1 nogil
    @cython.locals(octets=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t octets_of(self, Py_ssize_t offset) except -1 nogil
    @cython.locals(size=Py_ssize_t, depth=Py_ssize_t, pointers=Py_ssize_t, length=Py_ssize_t, index=Py_ssize_t, level=Py_ssize_t, octet=cython.uchar)
    cdef int follow(self, Py_ssize_t offset) except -1 nogil
