from libc.stdint cimport uint64_t

cdef class Memory:
    cdef int copy(self, uint64_t to, uint64_t source, Py_ssize_t size) noexcept nogil
    cdef int copy_bytes(self, uint64_t to, bytes source, Py_ssize_t size) noexcept
    cdef int copy_down(self, uint64_t to, uint64_t source, Py_ssize_t size) noexcept nogil
    cdef int equal(self, uint64_t one, uint64_t other, Py_ssize_t size) noexcept nogil
    cdef uint64_t word(self, uint64_t address) noexcept nogil
    cdef int put_word(self, uint64_t address, uint64_t value) noexcept nogil
    cdef int fetch(self, uint64_t address) noexcept nogil
    cdef uint64_t load(self, uint64_t address) noexcept nogil
    cdef int store(self, uint64_t address, uint64_t value) noexcept nogil
    cdef uint64_t milliseconds(self) noexcept nogil

cdef class Hasher(Memory):
    cdef uint64_t initial
    cdef uint64_t factor
    cdef uint64_t addend

    cdef uint64_t mix(self, uint64_t value, uint64_t word) noexcept nogil
    cdef uint64_t hashed(self, uint64_t value, uint64_t address, Py_ssize_t size) noexcept nogil
