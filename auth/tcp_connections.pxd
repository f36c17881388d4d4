cimport cython
from libc.stdint cimport int64_t, uint64_t
from auth.connections cimport ConnectionTable
from auth.raw cimport Reactor
from auth.raw_streams cimport Streams
from auth.reply_tally cimport ReplyTally
from auth.rings cimport Rings
from auth.stream cimport StreamAnswers

cdef Py_ssize_t ANSWERING, CLOSED, IDLE, LAST, MAX_CONNECTIONS, RESTING, RING, TCP_TIMEOUTS, UNREAD
cdef uint64_t LATER, NUMBER
cdef int FOREVER

cdef class Connections(Reactor):
    cdef readonly ReplyTally tally
    cdef readonly StreamAnswers answers
    cdef Streams streams
    cdef readonly ConnectionTable table
    cdef unsigned char[::1] states
    cdef unsigned char[::1] last
    cdef unsigned char[::1] followed
    cdef unsigned char[::1] over
    cdef unsigned int[::1] turned
    cdef int[::1] places
    cdef int64_t[::1] since
    cdef int64_t[::1] began
    cdef Rings parts
    cdef Rings again
    cdef Rings held
    cdef int64_t resume
    cdef int64_t time
    cdef readonly Py_ssize_t limit
    cdef Py_ssize_t scarce
    cdef Py_ssize_t per_client
    cdef int64_t idle_timeout
    cdef Py_ssize_t keepalive
    cdef int64_t message_timeout
    cdef int64_t write_timeout

    @cython.locals(turned=uint64_t)
    cdef uint64_t tag_of(self, Py_ssize_t connection) except? 0 nogil
    @cython.locals(connection=Py_ssize_t, is_it=int)
    cdef Py_ssize_t connection_of(self, uint64_t tag) except -1 nogil
    @cython.locals(end=int64_t, now=int64_t, connection=Py_ssize_t)
    cdef int until(self) except -2 nogil
    cdef int64_t earlier(self, int64_t end, Py_ssize_t connection, int64_t timeout) except -1 nogil
    @cython.locals(connection=Py_ssize_t)
    cdef int expire(self) except -1 nogil
    @cython.locals(connection=Py_ssize_t)
    cdef int expire_standing(self, Py_ssize_t standing, int64_t timeout) except -1 nogil
    cdef int time_out(self, Py_ssize_t connection) except -1 nogil
    cdef int follow_on(self, Py_ssize_t connection) except -1 nogil
    cdef int rest(self, Py_ssize_t connection) except -1 nogil
    cdef int close_connection(self, Py_ssize_t connection) except -1 nogil
    cdef int resume_accepting(self) except -1 nogil
