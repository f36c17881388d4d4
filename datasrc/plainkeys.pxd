cimport cython

cdef Py_ssize_t DOT, ROOM, SUFFIX_OCTETS

cdef class PlainKeys:
    cdef bytearray key

    @cython.locals(keys=list, text=bytes, octets=Py_ssize_t)
    cpdef list of(self, list names)
    @cython.locals(end=Py_ssize_t, last=Py_ssize_t, at=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t make(self, bytes text, Py_ssize_t octets) except -1
