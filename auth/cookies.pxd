cimport cython
from libc.stdint cimport int64_t, uint64_t
from auth.siphash cimport SipHash

cdef Py_ssize_t CLIENT_OCTETS, COOKIE_OCTETS, HASH_AT, MAX_OCTETS, MAX_SECRETS, MIN_OCTETS, TIME_AT, VERSION, VERSION_AT
cdef int64_t MAX_AGE, MAX_AHEAD, RENEWAL_AGE, TIME_HALF, TIME_MASK
cdef int MALFORMED, NEW, UNTIMELY, VALID, WRONG

cdef class CookieJar(SipHash):
    cdef const unsigned char[::1] messages
    cdef const unsigned char[::1] addresses
    cdef uint64_t[::1] keys
    cdef Py_ssize_t secrets
    cdef readonly int64_t since
    cdef readonly int64_t until
    cdef readonly unsigned char[::1] cookie

    @cython.locals(index=Py_ssize_t)
    cpdef use(self, keys, int64_t since, int64_t until)
    cpdef attach(self, const unsigned char[::1] messages, const unsigned char[::1] addresses)
    cpdef int check(self, Py_ssize_t at, Py_ssize_t octets, Py_ssize_t address, Py_ssize_t address_octets, int64_t now) except -1
    @cython.locals(index=Py_ssize_t, found=int, age=int64_t, secret=Py_ssize_t)
    cdef int judge(self, Py_ssize_t at, Py_ssize_t octets, Py_ssize_t address, Py_ssize_t address_octets, int64_t now) except -1 nogil
    @cython.locals(made=int64_t, passed=int64_t, index=Py_ssize_t)
    cdef int64_t age(self, int64_t now) except? -1 nogil
    @cython.locals(told=uint64_t, index=Py_ssize_t)
    cdef Py_ssize_t maker(self, Py_ssize_t address, Py_ssize_t address_octets) except -2 nogil
    @cython.locals(made=int64_t, hashed=uint64_t, index=Py_ssize_t)
    cdef int make(self, Py_ssize_t address, Py_ssize_t address_octets, int64_t now) except -1 nogil
    @cython.locals(at=Py_ssize_t)
    cdef uint64_t hashed(self, Py_ssize_t secret, Py_ssize_t address, Py_ssize_t address_octets) except? 0 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef uint64_t word(self, Py_ssize_t at) except? 0 nogil
    @cython.locals(value=uint64_t, index=Py_ssize_t)
    cdef uint64_t address_word(self, Py_ssize_t at, Py_ssize_t octets) except? 0 nogil
