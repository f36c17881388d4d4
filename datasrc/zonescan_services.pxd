cimport cython
from libc.stdint cimport uint64_t

from datasrc.zonescan_rdata cimport RdataScanner

cdef Py_ssize_t A_OCTETS, AAAA_OCTETS, ALPN, CERTIFICATE, COMMA, EQUALS, FINGERPRINT, IPV4HINT, IPV6HINT, ISSUER, LOWER_A, LOWER_Z, MAX_RDATA, MAX_STRING, MAX_U16, NEWLINE, NINE, POINTER, POINTER_NUMBERS, PORT, QUOTE, SERVICE, SHA1, SHA1_OCTETS, SHA256, SHA256_OCTETS, SHA512_OCTETS, TLSA_SHA256, TLSA_SHA512, UPPER_A, UPPER_Z, WORD, WORD_OCTETS, ZERO, SSHFP_NUMBERS, TLSA_NUMBERS, URI_NUMBERS, POINTER_STRINGS
cdef uint64_t ALPN_WORD, PORT_WORD, IPV4HINT_WORD, IPV6HINT_WORD

cdef class ServiceScanner(RdataScanner):
    cdef Py_ssize_t service_data(self, Py_ssize_t form, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(index=Py_ssize_t, length=Py_ssize_t, size=Py_ssize_t, kind=Py_ssize_t)
    cdef Py_ssize_t certificate(self, Py_ssize_t end) except -1
    @cython.locals(index=Py_ssize_t, length=Py_ssize_t, size=Py_ssize_t, kind=Py_ssize_t)
    cdef Py_ssize_t fingerprint(self, Py_ssize_t end) except -1
    @cython.locals(start=Py_ssize_t, stop=Py_ssize_t, at=Py_ssize_t, octet=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t issuer(self, Py_ssize_t end) except -1
    @cython.locals(length=Py_ssize_t, _index=Py_ssize_t, after=Py_ssize_t)
    cdef Py_ssize_t pointer(self, Py_ssize_t end) except -1
    @cython.locals(length=Py_ssize_t)
    cdef Py_ssize_t resource(self, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, quoted=bint, start=Py_ssize_t, stop=Py_ssize_t)
    cdef Py_ssize_t text_at(self, Py_ssize_t end, Py_ssize_t length, Py_ssize_t most) except -1
    @cython.locals(at=Py_ssize_t)
    cdef Py_ssize_t take_over(self, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t length) except -1
    @cython.locals(length=Py_ssize_t, last=Py_ssize_t, at=Py_ssize_t, after=Py_ssize_t, key=Py_ssize_t)
    cdef Py_ssize_t service(self, Py_ssize_t end) except -1
    @cython.locals(at=Py_ssize_t, name=uint64_t, quoted=bint, start=Py_ssize_t, stop=Py_ssize_t, after=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t parameter(self, Py_ssize_t length) except -1
    @cython.locals(key=Py_ssize_t, number=Py_ssize_t)
    cdef Py_ssize_t value(self, uint64_t name, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t length) except -1
    @cython.locals(at=Py_ssize_t, first=Py_ssize_t)
    cdef Py_ssize_t protocols(self, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t length) except -1
    @cython.locals(at=Py_ssize_t)
    cdef Py_ssize_t addresses(self, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t length, Py_ssize_t size) except -1
