cimport cython
from libc.stdint cimport uint64_t

cdef Py_ssize_t LINE_FEED, DOT, ZERO, NINE, AT_SIGN, UPPER_A, UPPER_Z, LOWER_A, LOWER_Z, CASE, WORD, BLANK, NEWLINE, RETURN, COMMENT, OPEN, CLOSE, QUOTE, ODD, NO_DIGIT, WORD_OCTETS, MAX_NAME, MAX_LABEL, NUMBER_DIGITS

cdef class Words:
    cdef const unsigned char[::1] kinds
    cdef const unsigned char[::1] hexadecimal
    cdef const unsigned char[::1] base32
    cdef const unsigned char[::1] base64
    cdef const uint64_t[::1] words
    cdef const uint64_t[::1] types
    cdef const unsigned char[::1] text
    cdef const unsigned char[::1] origin
    cdef Py_ssize_t origin_length
    cdef Py_ssize_t word
    cdef Py_ssize_t line
    cdef Py_ssize_t depth

    @cython.locals(at=Py_ssize_t, kind=Py_ssize_t)
    cdef Py_ssize_t skip(self, Py_ssize_t start, Py_ssize_t end) except -2
    @cython.locals(at=Py_ssize_t)
    cdef Py_ssize_t word_end(self, Py_ssize_t start) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int next_word(self, Py_ssize_t end) except -1
    @cython.locals(length=Py_ssize_t, index=Py_ssize_t, label=Py_ssize_t, place=Py_ssize_t, octet=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t name(self, Py_ssize_t start, Py_ssize_t end, unsigned char[::1] target, Py_ssize_t at) except -1
    @cython.locals(value=Py_ssize_t, index=Py_ssize_t, digit=Py_ssize_t)
    cdef Py_ssize_t number(self, Py_ssize_t start, Py_ssize_t end, Py_ssize_t most) except -2
    @cython.locals(index=Py_ssize_t, octet=Py_ssize_t, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, word=uint64_t)
    cdef Py_ssize_t type_of(self, Py_ssize_t start, Py_ssize_t end) except -1
    cdef Py_ssize_t lower(self, Py_ssize_t octet) except -1
