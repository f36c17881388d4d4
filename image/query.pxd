cimport cython
from image.sha1 cimport NameHasher

cdef Py_ssize_t ANY, CLASS_IN, COOKIE, DO, FIRST_META, KEEPALIVE, LAST_META, MESSAGE_HEADER, MIN_UDP_SIZE, NSID, OCTET, OPT, OPT_OCTETS, OPTION_FIXED, POINTER_REACH, QUESTION_FIXED, RRSIG, SIG, UNUSUAL_FLAGS, UNUSUAL_FLAGS_TOO, WANTS_COOKIE, WANTS_KEEPALIVE, WANTS_NSID

cdef class QueryReader(NameHasher):
    cdef readonly Py_ssize_t udp_size
    cdef public Py_ssize_t stream
    cdef public Py_ssize_t leaves_any
    cdef Py_ssize_t start
    cdef Py_ssize_t question_octets
    cdef readonly Py_ssize_t rdtype
    cdef Py_ssize_t limit
    cdef readonly Py_ssize_t edns
    cdef readonly Py_ssize_t dnssec
    cdef readonly Py_ssize_t wanted
    cdef readonly Py_ssize_t cookie_at
    cdef readonly Py_ssize_t cookie_octets

    @cython.locals(end=Py_ssize_t, index=Py_ssize_t, at=Py_ssize_t)
    cdef int read_query(self, Py_ssize_t start, Py_ssize_t length) except -1 nogil
    @cython.locals(size=Py_ssize_t, options=Py_ssize_t)
    cdef int read_opt(self, Py_ssize_t at, Py_ssize_t end, Py_ssize_t records) except -1 nogil
    @cython.locals(body=Py_ssize_t, code=Py_ssize_t, size=Py_ssize_t)
    cdef int read_options(self, Py_ssize_t at, Py_ssize_t end) except -1 nogil
