cimport cython
from libc.stdint cimport uint64_t
from image.raw cimport Hasher

cdef Py_ssize_t STAGES, STAGE_NAME, STAGE_LEVELS, MAX_NAME, MAX_LABEL, MAX_DEPTH
cdef Py_ssize_t WORD, OCTET
cdef uint64_t LOW_BITS, HIGH_BITS, FROM_A, BEYOND_Z
cdef unsigned char UPPER_A, UPPER_Z, CASE

cdef class NameReader(Hasher):
    cdef readonly uint64_t seed
    cdef readonly Py_ssize_t depth
    cdef readonly Py_ssize_t name_octets
    cdef Py_ssize_t name_end
    cdef Py_ssize_t names_at
    cdef Py_ssize_t levels_at
    cdef const unsigned char[::1] octets
    cdef uint64_t octets_address
    cdef readonly unsigned char[::1] name
    cdef uint64_t name_address
    cdef readonly Py_ssize_t[::1] starts
    cdef Py_ssize_t[::1] lefts
    cdef readonly uint64_t[::1] hashes

    @cython.locals(at=Py_ssize_t, depth=Py_ssize_t, length=Py_ssize_t, index=Py_ssize_t, octet=cython.uchar)
    cdef Py_ssize_t scan(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(index=Py_ssize_t, octet=cython.uchar)
    cdef int copy_octets(self, Py_ssize_t start) except -1 nogil
    @cython.locals(source=uint64_t, to=uint64_t, index=Py_ssize_t, word=uint64_t, low=uint64_t, upper=uint64_t)
    cdef int copy_words(self, Py_ssize_t start) except -1 nogil
    @cython.locals(base=Py_ssize_t, value=uint64_t, level=Py_ssize_t, start=Py_ssize_t)
    cdef int hash_suffixes(self) except -1 nogil
    cdef uint64_t below(self, Py_ssize_t level, uint64_t octet) noexcept nogil
