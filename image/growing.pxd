cimport cython
from libc.stdint cimport uint32_t, uint64_t
from image.raw cimport Memory

cdef Py_ssize_t LEAST

cdef class GrowingOctets(Memory):
    cdef bytearray block
    cdef unsigned char[::1] octets
    cdef uint32_t[::1] words
    cdef uint64_t[::1] longs
    cdef readonly uint64_t address
    cdef readonly Py_ssize_t used
    cdef Py_ssize_t capacity

    cdef int make_room(self, Py_ssize_t octets) except -1
    @cython.locals(size=Py_ssize_t)
    cdef enlarge(self, Py_ssize_t octets)
    cdef int append(self, uint64_t source, Py_ssize_t octets) except -1
    cdef int align(self, Py_ssize_t alignment) except -1
    cpdef view(self)
