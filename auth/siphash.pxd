cimport cython
from libc.stdint cimport uint64_t

cdef uint64_t BYTE, FINAL, MASK64, START0, START1, START2, START3
cdef int FINAL_ROUNDS, WORD_BITS, WORD_ROUNDS

cdef class SipHash:
    cdef uint64_t key0
    cdef uint64_t key1
    cdef uint64_t v0
    cdef uint64_t v1
    cdef uint64_t v2
    cdef uint64_t v3

    cpdef int begin(self) except -1
    cpdef int mix(self, uint64_t word) except -1
    cpdef uint64_t end(self, uint64_t rest, uint64_t octets) except? 0
    @cython.locals(v0=uint64_t, v1=uint64_t, v2=uint64_t, v3=uint64_t, _=int)
    cdef int turn(self, int rounds) except -1
