cimport cython
from libc.stdint cimport uint64_t

from datasrc.packed cimport PackedRecords
from datasrc.zonescan_services cimport ServiceScanner

cdef Py_ssize_t DOLLAR, ZERO, NINE, UPPER_I, UPPER_N, FOLD, ESCAPED_BELOW, WORD, BLANK, NEWLINE, QUOTE, NOT_PLAIN, ADDRESS4, ADDRESS6, AUTHORITY, NAME, NUMBER_NAME, NUMBERS_NAME, STRINGS, DIGEST, KEY, SIGNATURE, NEXT_NAME, NEXT_HASH, FIRST_SERVICE, SERVICE, CERTIFICATE, FINGERPRINT, ISSUER, POINTER, RESOURCE, FORM_TYPES, NO_TTL, IN_LENGTH, MAX_NAME, MAX_LABELS, MAX_TTL, MAX_LINE

cdef class Scanner(ServiceScanner):
    cdef readonly PackedRecords records
    cdef unsigned char[::1] forms
    cdef const unsigned char[::1] apex
    cdef Py_ssize_t apex_length
    cdef Py_ssize_t ttl
    cdef bint lasting
    cdef readonly Py_ssize_t last_ttl
    cdef Py_ssize_t file
    cdef readonly Py_ssize_t lines
    cdef Py_ssize_t own_ttl
    cdef Py_ssize_t rdtype
    cdef Py_ssize_t form
    cdef unsigned char[::1] owner
    cdef readonly Py_ssize_t owner_length
    cdef Py_ssize_t owner_kept
    cdef unsigned char[::1] owner_word
    cdef Py_ssize_t owner_word_length
    cdef unsigned char[::1] key
    cdef Py_ssize_t key_length
    cdef uint64_t[::1] labels

    @cython.locals(position=Py_ssize_t, following=Py_ssize_t, named=Py_ssize_t)
    cpdef Py_ssize_t scan(self, const unsigned char[::1] text, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, kind=Py_ssize_t)
    cdef Py_ssize_t take(self, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, ttl=Py_ssize_t, length=Py_ssize_t, covers=Py_ssize_t)
    cdef Py_ssize_t record(self, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, class_seen=bint, word=Py_ssize_t)
    cdef Py_ssize_t head(self, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int store(self, Py_ssize_t rdtype, Py_ssize_t covers, Py_ssize_t ttl, Py_ssize_t length) except -1
    @cython.locals(length=Py_ssize_t, index=Py_ssize_t)
    cdef int set_owner(self, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int is_owner_word(self, Py_ssize_t start, Py_ssize_t length) except -1
    @cython.locals(inner=Py_ssize_t, at=Py_ssize_t, count=Py_ssize_t, same=Py_ssize_t, index=Py_ssize_t, octet=Py_ssize_t, expected=Py_ssize_t, length=Py_ssize_t)
    cdef int set_key(self) except -1
