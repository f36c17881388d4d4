cimport cython
from libc.stdint cimport int64_t, uint64_t
from datasrc.keytable cimport KeyTable

cdef Py_ssize_t MAY_DIFFER, OCTET, ROW, SEEN, SEEN_SIGNATURE, SIGNATURE, VERSION, WORD

cdef class FileRows:
    cdef readonly KeyTable numbers
    cdef readonly bytearray names
    cdef readonly bytearray rows

    @cython.locals(at=Py_ssize_t, count=Py_ssize_t, end=Py_ssize_t)
    cpdef Py_ssize_t adopt(self, bytes names, bytes rows) except -1
    cpdef append(self, bytes name, bytes row)
    @cython.locals(name=bytes, found=Py_ssize_t)
    cpdef Py_ssize_t there(self, list names) except -1
    @cython.locals(name=bytes, index=Py_ssize_t, number=int64_t, found=list)
    cpdef list versions(self, list names, const unsigned char[::1] seen)
    @cython.locals(index=Py_ssize_t, version=uint64_t)
    cdef uint64_t version(self, Py_ssize_t row, Py_ssize_t at, const unsigned char[::1] seen) except? 7
