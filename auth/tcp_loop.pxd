cimport cython
from libc.stdint cimport int64_t, uint64_t
from auth.raw cimport Hatch
from auth.tcp_connections cimport Connections

cdef Py_ssize_t FAILURES, LEFT, TCP_ACCEPTED, TCP_EVICTED, TCP_PAUSES, TCP_REFUSED
cdef Py_ssize_t ANSWERING, CLOSED, ENDED, LAST, NEEDED, NOBODY, READING, RESTING, RING, UNREAD, WRITING
cdef Py_ssize_t ACCEPT_BATCH, ACCEPT_PAUSE, MAX_CONNECTIONS, MAX_EVENTS, MAX_STREAM_QUERIES, MAX_STREAM_UNSENT
cdef uint64_t BELL, MAX_PLACES

cdef class TcpLoop(Connections):
    cdef Hatch hatch
    cdef int[::1] listeners
    cdef int[::1] listener_places
    cdef unsigned char[::1] paused
    cdef int reason
    cdef int is_behind
    cdef Py_ssize_t called
    cdef Py_ssize_t given
    cdef readonly Py_ssize_t turns
    cdef int ready
    cdef int event
    cdef Py_ssize_t current
    cdef Py_ssize_t octets
    cdef Py_ssize_t failed
    cdef Py_ssize_t pipeline

    cdef int turn(self) except -1 nogil
    cdef int tell(self) except -1 nogil
    @cython.locals(connection=Py_ssize_t)
    cdef int hear(self, uint64_t tag, int is_over) except -1 nogil
    @cython.locals(connection=Py_ssize_t, _=Py_ssize_t)
    cdef int go_on(self) except -1 nogil
    @cython.locals(_=Py_ssize_t)
    cdef int accept_some(self, Py_ssize_t listener) except -1 nogil
    @cython.locals(connection=Py_ssize_t, accepted=int)
    cdef int accept_one(self, Py_ssize_t listener) except -1 nogil
    @cython.locals(client=uint64_t, victim=Py_ssize_t)
    cdef int admit(self, Py_ssize_t connection, Py_ssize_t place) except -1 nogil
    @cython.locals(victim=Py_ssize_t)
    cdef int pause(self, Py_ssize_t listener) except -1 nogil
    @cython.locals(listener=Py_ssize_t)
    cdef int resume_accepting(self) except -1 nogil
    @cython.locals(octets=Py_ssize_t, keepalive=Py_ssize_t)
    cdef int read(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(answered=Py_ssize_t, whole=Py_ssize_t)
    cdef int settle(self, Py_ssize_t connection) except -1 nogil
    cdef int begin_part(self, Py_ssize_t connection) except -1 nogil
    cdef int await_more(self, Py_ssize_t connection, Py_ssize_t answered) except -1 nogil
    @cython.locals(octets=Py_ssize_t)
    cdef int put(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(sent=int)
    cdef int push(self, Py_ssize_t connection, Py_ssize_t octets) except -1 nogil
    cdef int follow_room(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(sent=int)
    cdef int push_rest(self, Py_ssize_t connection) except -1 nogil
