cimport cython
from libc.stdint cimport uint32_t
from image.names cimport NameReader

cdef Py_ssize_t STAR, BYTE, OCTET, HASH_OCTETS, BLOCK, LENGTH_OCTETS, WORDS, FIRST_WORDS, PADDING, MAX_INPUT, ROUND1, ROUND2, ROUND3
cdef uint32_t MASK32, H0, H1, H2, H3, H4, K0, K1, K2, K3

cdef class NameHasher(NameReader):
    cdef readonly unsigned char[::1] digest
    cdef readonly unsigned char[::1] salt
    cdef Py_ssize_t salt_octets
    cdef unsigned char[::1] input
    cdef uint32_t[::1] words
    cdef uint32_t[::1] state

    @cython.locals(size=Py_ssize_t, index=Py_ssize_t, _=Py_ssize_t)
    cdef int hash_suffix(self, Py_ssize_t level, Py_ssize_t wildcard, Py_ssize_t iterations) except -1 nogil
    @cython.locals(index=Py_ssize_t, end=Py_ssize_t, block=Py_ssize_t)
    cdef int hash_input(self, Py_ssize_t size) except -1 nogil
    @cython.locals(index=Py_ssize_t, at=Py_ssize_t, high=uint32_t, word=uint32_t, a=uint32_t, b=uint32_t, c=uint32_t, d=uint32_t, e=uint32_t, mixed=uint32_t)
    cdef int compress(self, Py_ssize_t block) except -1 nogil
