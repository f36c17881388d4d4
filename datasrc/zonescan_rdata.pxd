cimport cython

from datasrc.zonescan_dnssec cimport DnssecScanner

cdef Py_ssize_t TAB, SPACE, QUOTATION_MARK, DOT, ZERO, NINE, COLON, COMMA, BACKSLASH, LAST_PRINTABLE, WORD, NEWLINE, QUOTE, ODD, ADDRESS4, ADDRESS6, AUTHORITY, SOA_NUMBERS, MAX_U32, NAME, NUMBER_NAME, NUMBERS_NAME, STRINGS, DIGEST, KEY, SIGNATURE, NEXT_NAME, NO_DIGIT, MAX_RDATA, MAX_STRING, MAX_TTL, MAX_U8, A_OCTETS, AAAA_OCTETS, GROUP_DIGITS

cdef class RdataScanner(DnssecScanner):
    cdef Py_ssize_t data(self, Py_ssize_t form, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t)
    cdef Py_ssize_t address4(self) except -1
    @cython.locals(at=Py_ssize_t, index=Py_ssize_t, value=Py_ssize_t, first=Py_ssize_t)
    cdef Py_ssize_t four_numbers(self, Py_ssize_t start, Py_ssize_t place) except -1
    @cython.locals(at=Py_ssize_t)
    cdef Py_ssize_t address6(self) except -1
    @cython.locals(at=Py_ssize_t, filled=Py_ssize_t, gap=Py_ssize_t, value=Py_ssize_t, first=Py_ssize_t)
    cdef Py_ssize_t groups(self, Py_ssize_t start, Py_ssize_t place) except -1
    cdef int ends_address(self, Py_ssize_t at) except -1
    @cython.locals(moved=Py_ssize_t, index=Py_ssize_t)
    cdef int spread(self, Py_ssize_t place, Py_ssize_t filled, Py_ssize_t gap) except -1
    @cython.locals(length=Py_ssize_t, _index=Py_ssize_t)
    cdef Py_ssize_t numbers_name(self, Py_ssize_t end, Py_ssize_t count) except -1
    @cython.locals(length=Py_ssize_t, index=Py_ssize_t, stop=Py_ssize_t, value=Py_ssize_t)
    cdef Py_ssize_t authority(self, Py_ssize_t end) except -1
    @cython.locals(length=Py_ssize_t, at=Py_ssize_t, quoted=Py_ssize_t, first=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t strings(self, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, octet=Py_ssize_t)
    cdef Py_ssize_t quote_end(self, Py_ssize_t start) except -2
