cimport cython

from datasrc.zonescan_words cimport Words

cdef Py_ssize_t DASH, EQUALS, WORD, NEWLINE, QUOTE, NO_DIGIT, MAX_NAME, MAX_RDATA, MAX_TTL, MAX_U8, MAX_U16, U16_DIGITS, BASE64_GROUP, MAX_PADDING, OCTET_BITS, HASH_DIGITS, HASH_OCTETS, BITMAP_TYPES, BITMAP_OCTETS, SHA1, SHA1_OCTETS, SHA256, SHA256_OCTETS, SHA384, SHA384_OCTETS, DATE_DIGITS, SECONDS_A_DAY, EPOCH_YEAR, LAST_YEAR, FEBRUARY, LONG_MONTH

cdef class DnssecScanner(Words):
    cdef unsigned char[::1] rdata
    cdef unsigned char[::1] bitmap

    @cython.locals(word=Py_ssize_t, stop=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t name_at(self, Py_ssize_t length) except -1
    @cython.locals(stop=Py_ssize_t, value=Py_ssize_t)
    cdef int u8(self, Py_ssize_t at) except -1
    @cython.locals(stop=Py_ssize_t, value=Py_ssize_t)
    cdef int u16(self, Py_ssize_t at) except -1
    cdef int put_u32(self, Py_ssize_t value, Py_ssize_t at) except -1
    @cython.locals(length=Py_ssize_t)
    cdef Py_ssize_t digest(self, Py_ssize_t end) except -1
    @cython.locals(half=Py_ssize_t, digit=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t digits_to_end(self, Py_ssize_t end, Py_ssize_t length) except -1
    @cython.locals(kind=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t digest_checked(self, Py_ssize_t length) except -1
    cdef Py_ssize_t public_key(self, Py_ssize_t end) except -1
    @cython.locals(bits=Py_ssize_t, group=Py_ssize_t, padding=Py_ssize_t, octet=Py_ssize_t, digit=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t base64_to_end(self, Py_ssize_t end, Py_ssize_t length) except -1
    @cython.locals(stop=Py_ssize_t, covered=Py_ssize_t, ttl=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t signature(self, Py_ssize_t end) except -1
    @cython.locals(stop=Py_ssize_t, year=Py_ssize_t, month=Py_ssize_t, day=Py_ssize_t, hour=Py_ssize_t, minute=Py_ssize_t, second=Py_ssize_t)
    cdef int date(self, Py_ssize_t at) except -1
    @cython.locals(length=Py_ssize_t)
    cdef Py_ssize_t next_name(self, Py_ssize_t end) except -1
    @cython.locals(length=Py_ssize_t)
    cdef Py_ssize_t next_hash(self, Py_ssize_t end) except -1
    @cython.locals(first=Py_ssize_t, stop=Py_ssize_t, length=Py_ssize_t, at=Py_ssize_t, high=Py_ssize_t, low=Py_ssize_t)
    cdef Py_ssize_t salt(self) except -1
    @cython.locals(first=Py_ssize_t, stop=Py_ssize_t, bits=Py_ssize_t, count=Py_ssize_t, at=Py_ssize_t, digit=Py_ssize_t)
    cdef Py_ssize_t type_bitmap_after_hash(self, Py_ssize_t end, Py_ssize_t length) except -1
    @cython.locals(index=Py_ssize_t, last=Py_ssize_t, at=Py_ssize_t, stop=Py_ssize_t, rdtype=Py_ssize_t)
    cdef Py_ssize_t type_bitmap(self, Py_ssize_t end, Py_ssize_t length) except -1

cdef Py_ssize_t days_from_epoch(Py_ssize_t year, Py_ssize_t month, Py_ssize_t day) except -1
