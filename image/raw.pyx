"""Memory by addresses, for compiled modules; raw.py is the same for the interpreter. Callers check all bounds."""

from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy, memmove
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef extern from *:
    """
    #define bob_fetch(address) __builtin_prefetch((const void *)(address))
    #define bob_load(address) __atomic_load_n((const uint64_t *)(address), __ATOMIC_ACQUIRE)
    #define bob_store(address, value) __atomic_store_n((uint64_t *)(address), (value), __ATOMIC_RELEASE)

    static inline uint64_t bob_folded(uint64_t value, uint64_t factor, uint64_t addend)
    {
        unsigned __int128 product = (unsigned __int128)value * factor;
        return (uint64_t)product ^ ((uint64_t)(product >> 64) + addend);
    }
    """
    void bob_fetch(uint64_t address) noexcept nogil
    uint64_t bob_load(uint64_t address) noexcept nogil
    void bob_store(uint64_t address, uint64_t value) noexcept nogil
    uint64_t bob_folded(uint64_t value, uint64_t factor, uint64_t addend) noexcept nogil


cdef class Memory:
    """Octets by their addresses."""

    cdef int copy(self, uint64_t to, uint64_t source, Py_ssize_t size) noexcept nogil:
        memcpy(<void *>to, <const void *>source, size)
        return 0

    cdef int copy_bytes(self, uint64_t to, bytes source, Py_ssize_t size) noexcept:
        memcpy(<void *>to, <const char *>source, size)
        return 0

    cdef int copy_down(self, uint64_t to, uint64_t source, Py_ssize_t size) noexcept nogil:
        memmove(<void *>to, <const void *>source, size)
        return 0

    cdef int equal(self, uint64_t one, uint64_t other, Py_ssize_t size) noexcept nogil:
        return memcmp(<const void *>one, <const void *>other, size) == 0

    cdef uint64_t word(self, uint64_t address) noexcept nogil:
        cdef uint64_t value
        memcpy(&value, <const void *>address, sizeof(value))
        return value

    cdef int put_word(self, uint64_t address, uint64_t value) noexcept nogil:
        memcpy(<void *>address, &value, sizeof(value))
        return 0

    cdef int fetch(self, uint64_t address) noexcept nogil:
        bob_fetch(address)
        return 0

    cdef uint64_t load(self, uint64_t address) noexcept nogil:
        return bob_load(address)

    cdef int store(self, uint64_t address, uint64_t value) noexcept nogil:
        bob_store(address, value)
        return 0

    cdef uint64_t milliseconds(self) noexcept nogil:
        cdef timespec now
        clock_gettime(CLOCK_MONOTONIC, &now)
        return <uint64_t>now.tv_sec * 1000 + <uint64_t>now.tv_nsec // 1000000

    def publish(self, uint64_t address, uint64_t value):
        """Write a number that other processes look at, after everything that was written before it."""
        bob_store(address, value)

    def observe(self, uint64_t address):
        """Read a number that another process writes, before anything that is read after it."""
        return bob_load(address)


cdef class Hasher(Memory):
    """Hashes of octets, by secrets (raw.py says which)."""

    def __init__(self, uint64_t initial, uint64_t factor, uint64_t addend):
        self.initial = initial
        self.factor = factor
        self.addend = addend

    cdef uint64_t mix(self, uint64_t value, uint64_t word) noexcept nogil:
        return bob_folded(value ^ word, self.factor, self.addend)

    cdef uint64_t hashed(self, uint64_t value, uint64_t address, Py_ssize_t size) noexcept nogil:
        cdef uint64_t factor = self.factor
        cdef uint64_t addend = self.addend
        cdef uint64_t word
        while size >= 8:
            memcpy(&word, <const void *>address, 8)
            value = bob_folded(value ^ word, factor, addend)
            address += 8
            size -= 8
        if size > 0:
            memcpy(&word, <const void *>address, 8)
            value = bob_folded(value ^ (word & (<uint64_t>1 << 8 * size) - 1), factor, addend)
        return value
