cimport cython
from auth.image_engine cimport ImageEngine
from auth.reply_tally cimport ReplyTally

cdef Py_ssize_t NOTHING, REQUEST_TCP, REQUEST_V4, REQUEST_V6, STREAM_PART, MAX_STREAM_UNSENT, PREFIX, HEADER_OCTETS, IPV6_OCTETS

cdef class StreamAnswers:
    cdef readonly object queries
    cdef readonly object replies
    cdef unsigned char[::1] octets
    cdef unsigned char[::1] sent
    cdef ReplyTally tally
    cdef readonly ImageEngine engine
    cdef readonly unsigned char[::1] address
    cdef Py_ssize_t address_octets
    cdef readonly Py_ssize_t taken
    cdef readonly Py_ssize_t written
    cdef readonly Py_ssize_t answered
    cdef readonly Py_ssize_t dropped

    cdef Py_ssize_t answer(self, Py_ssize_t end, Py_ssize_t most, Py_ssize_t address_octets, Py_ssize_t keepalive) except -1 nogil
    @cython.locals(start=Py_ssize_t, length=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t)
    cdef int go_on(self, Py_ssize_t end, Py_ssize_t most) except -1 nogil
