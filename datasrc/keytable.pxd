cimport cython
from libc.stdint cimport int64_t, uint64_t

cdef uint64_t MASK64, NO_HASH
cdef Py_ssize_t FIRST_PLACES, FULL_PARTS, PARTS, HALF

cdef class KeyTable:
    cdef Py_ssize_t used
    cdef Py_ssize_t places
    cdef bint numbered
    cdef uint64_t[::1] hashes
    cdef uint64_t[::1] numbers

    cpdef add(self, bytes key)
    cpdef put(self, bytes key, uint64_t number)
    @cython.locals(at=Py_ssize_t)
    cpdef int64_t number(self, bytes key) except? -2
    @cython.locals(hole=Py_ssize_t, at=Py_ssize_t, home=Py_ssize_t, value=uint64_t)
    cpdef discard(self, bytes key)
    @cython.locals(at=Py_ssize_t, value=uint64_t)
    cpdef add_all(self, KeyTable other)
    @cython.locals(at=Py_ssize_t, value=uint64_t, found=Py_ssize_t, other=KeyTable)
    cpdef Py_ssize_t in_any(self, list others) except -1
    @cython.locals(value=uint64_t)
    cdef uint64_t hash_of(self, bytes key) except? 0
    cdef Py_ssize_t home(self, uint64_t value) except? 0
    @cython.locals(at=Py_ssize_t)
    cdef Py_ssize_t find(self, uint64_t value) except -1
    cdef int has_hash(self, uint64_t value) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int put_hash(self, uint64_t value, uint64_t number) except -1
    cdef make_room(self, Py_ssize_t keys)
    @cython.locals(hashes=uint64_t[::1], numbers=uint64_t[::1], old=Py_ssize_t, value=uint64_t, at=Py_ssize_t)
    cdef enlarge(self, Py_ssize_t places)
