cimport cython
from libc.stdint cimport uint64_t
from auth.image_engine cimport ImageEngine
from auth.raw cimport Hatch, Reactor
from auth.raw_datagrams cimport Datagrams
from auth.reply_tally cimport ReplyTally
from image.responder cimport Responder

cdef Py_ssize_t DROPPED, FAILURES, LEFT, LEFT_DROPPED, LOOP_PART, RECEIVE_ERRORS, REQUEST_UDP, REQUEST_V4, REQUEST_V6, SEND_ERRORS
cdef Py_ssize_t ALIGNMENT, NOTHING, IPV4_OCTETS, IPV6_OCTETS, QUERY_OCTETS, PREPARE, FETCH_ZONE, LOCATE, FETCH_NODE, FETCH_FRAGMENT, ANSWER, DONE, STAGES
cdef int QUERY_SHIFT, SPARE
cdef uint64_t BELL

cdef class Loop(Reactor):
    cdef Hatch hatch
    cdef readonly ReplyTally tally
    cdef readonly ImageEngine engine
    cdef int[::1] descriptors
    cdef unsigned char[::1] wildcards
    cdef int[::1] busy
    cdef readonly Py_ssize_t busy_count
    cdef int pause
    cdef Responder responder
    cdef Py_ssize_t called
    cdef Py_ssize_t place
    cdef Py_ssize_t place_told
    cdef Py_ssize_t slot
    cdef Py_ssize_t first
    cdef Py_ssize_t passing
    cdef unsigned char[::1] usable
    cdef Py_ssize_t count
    cdef Py_ssize_t at
    cdef Py_ssize_t given
    cdef readonly Py_ssize_t turns
    cdef Datagrams datagrams

    cdef int advance(self, Py_ssize_t stage) except -1 nogil
    cdef Py_ssize_t following(self) except -1 nogil
    cdef Py_ssize_t is_far(self) except -1 nogil
    cdef int turn(self) except -1 nogil
    cdef int tell(self) except -1 nogil
    @cython.locals(busy=int, ready=int, index=int, place=uint64_t, whole=int)
    cdef int look(self) except -1 nogil
    cdef int forget_busy(self, Py_ssize_t index) except -1 nogil
    @cython.locals(received=Py_ssize_t, octets=Py_ssize_t)
    cdef Py_ssize_t receive(self, Py_ssize_t place) except -1 nogil
    @cython.locals(together=Py_ssize_t, failed=Py_ssize_t)
    cdef int answer_batch(self) except -1 nogil
    @cython.locals(slot=Py_ssize_t)
    cdef int answer_some(self, Py_ssize_t end) except -1 nogil
    @cython.locals(octets=Py_ssize_t, usable=Py_ssize_t)
    cdef Py_ssize_t prepare(self, Py_ssize_t slot) except -1 nogil
    @cython.locals(is_v6=int, octets=Py_ssize_t, size=Py_ssize_t)
    cdef int answer(self, Py_ssize_t slot) except -1 nogil
    cdef int leave(self, Py_ssize_t slot) except -1 nogil
