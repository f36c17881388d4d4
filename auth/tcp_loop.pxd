cimport cython
from libc.stdint cimport int64_t, uint64_t
from auth.connections cimport ConnectionTable
from auth.raw cimport Hatch, Reactor
from auth.raw_streams cimport Streams
from auth.reply_tally cimport ReplyTally
from auth.rings cimport Rings
from auth.stream cimport StreamAnswers

cdef Py_ssize_t FAILURES, LEFT, TCP_ACCEPTED, TCP_EVICTED, TCP_PAUSES, TCP_REFUSED, TCP_TIMEOUTS
cdef Py_ssize_t IDLE, NEEDED, NOBODY, UNREAD, CLOSED, ENDED, LAST, RESTING, READING, ANSWERING, WRITING, RING
cdef Py_ssize_t ACCEPT_BATCH, ACCEPT_PAUSE, MAX_CONNECTIONS, MAX_EVENTS, MAX_STREAM_QUERIES, MAX_STREAM_UNSENT
cdef uint64_t BELL, LATER, NUMBER, MAX_PLACES
cdef int FOREVER

cdef class TcpLoop(Reactor):
    cdef Hatch hatch
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
    cdef int[::1] listeners
    cdef int[::1] listener_places
    cdef unsigned char[::1] paused
    cdef int64_t resume
    cdef int reason
    cdef int is_behind
    cdef Py_ssize_t called
    cdef Py_ssize_t given
    cdef readonly Py_ssize_t turns
    cdef int64_t time
    cdef int ready
    cdef int event
    cdef Py_ssize_t current
    cdef Py_ssize_t octets
    cdef Py_ssize_t failed
    cdef readonly Py_ssize_t limit
    cdef Py_ssize_t scarce
    cdef Py_ssize_t per_client
    cdef int64_t idle_timeout
    cdef Py_ssize_t keepalive
    cdef int64_t message_timeout
    cdef int64_t write_timeout
    cdef Py_ssize_t pipeline

    cdef int turn(self) except -1 nogil
    cdef int tell(self) except -1 nogil
    @cython.locals(connection=Py_ssize_t)
    cdef int hear(self, uint64_t tag, int is_over) except -1 nogil
    @cython.locals(connection=Py_ssize_t, _=Py_ssize_t)
    cdef int go_on(self) except -1 nogil
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
    @cython.locals(_=Py_ssize_t)
    cdef int accept_some(self, Py_ssize_t listener) except -1 nogil
    @cython.locals(connection=Py_ssize_t, accepted=int)
    cdef int accept_one(self, Py_ssize_t listener) except -1 nogil
    @cython.locals(client=uint64_t, victim=Py_ssize_t)
    cdef int admit(self, Py_ssize_t connection, Py_ssize_t place) except -1 nogil
    @cython.locals(victim=Py_ssize_t)
    cdef int pause(self, Py_ssize_t listener) except -1 nogil
    @cython.locals(listener=Py_ssize_t)
    cdef int accept_again(self) except -1 nogil
    @cython.locals(octets=Py_ssize_t, keepalive=Py_ssize_t)
    cdef int read(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(answered=Py_ssize_t, whole=Py_ssize_t)
    cdef int settle(self, Py_ssize_t connection) except -1 nogil
    cdef int await_more(self, Py_ssize_t connection, Py_ssize_t answered) except -1 nogil
    cdef int follow_on(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(octets=Py_ssize_t)
    cdef int put(self, Py_ssize_t connection) except -1 nogil
    cdef int rest(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(sent=int)
    cdef int push(self, Py_ssize_t connection, Py_ssize_t octets) except -1 nogil
    cdef int follow_room(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(sent=int)
    cdef int push_rest(self, Py_ssize_t connection) except -1 nogil
    cdef int close_connection(self, Py_ssize_t connection) except -1 nogil
