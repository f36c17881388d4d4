cimport cython
from libc.stdint cimport uint64_t

cdef uint64_t BYTE, FINAL, MASK64, START0, START1, START2, START3
cdef Py_ssize_t WORD_OCTETS
cdef int FINAL_ROUNDS, WORD_BITS, WORD_ROUNDS

cdef class SipHash:
    cdef uint64_t key0
    cdef uint64_t key1
    cdef uint64_t v0
    cdef uint64_t v1
    cdef uint64_t v2
    cdef uint64_t v3

    cdef int start(self) except -1 nogil
    cdef int take(self, uint64_t word) except -1 nogil
    cdef uint64_t finish(self, uint64_t rest, uint64_t octets) except? 0 nogil
    @cython.locals(whole=Py_ssize_t, at=Py_ssize_t)
    cpdef uint64_t hashed_octets(self, bytes octets) except? 0
    @cython.locals(v0=uint64_t, v1=uint64_t, v2=uint64_t, v3=uint64_t, _=int)
    cdef int turn(self, int rounds) except -1 nogil
