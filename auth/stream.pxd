cimport cython
from auth.reply_tally cimport ReplyTally
from image.responder cimport Responder

cdef Py_ssize_t REQUEST_TCP, REQUEST_V4, REQUEST_V6, MAX_STREAM_UNSENT, PREFIX, HEADER_OCTETS, ANSWERS

cdef class StreamAnswers:
    cdef readonly object queries
    cdef readonly object replies
    cdef unsigned char[::1] octets
    cdef unsigned char[::1] sent
    cdef ReplyTally tally
    cdef Responder responder
    cdef readonly Py_ssize_t engaged
    cdef Py_ssize_t family
    cdef readonly Py_ssize_t taken
    cdef readonly Py_ssize_t written
    cdef readonly Py_ssize_t answered

    cpdef Py_ssize_t answer(self, Py_ssize_t end, Py_ssize_t most, Py_ssize_t is_v6) except -1
    @cython.locals(start=Py_ssize_t, length=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t, answers=Py_ssize_t)
    cdef int go_on(self, Py_ssize_t end, Py_ssize_t most) except -1
