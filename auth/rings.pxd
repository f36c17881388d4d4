cimport cython

cdef class Rings:
    cdef int[::1] following
    cdef int[::1] preceding

    @cython.locals(last=Py_ssize_t)
    cdef int append(self, Py_ssize_t ring, Py_ssize_t number) except -1 nogil
    cdef int remove(self, Py_ssize_t number) except -1 nogil
    cdef Py_ssize_t first(self, Py_ssize_t ring) except -1 nogil
    @cython.locals(following=Py_ssize_t)
    cdef Py_ssize_t after(self, Py_ssize_t ring, Py_ssize_t number) except -1 nogil
