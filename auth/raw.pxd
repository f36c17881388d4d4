from libc.stdint cimport int64_t, uint64_t

cdef class Reactor:
    cdef int epoll
    cdef int bell
    cdef void *events

    cdef int listen(self, int descriptor, uint64_t tag) noexcept nogil
    cdef int follow(self, int descriptor, uint64_t tag) noexcept nogil
    cdef int follow_both(self, int descriptor, uint64_t tag) noexcept nogil
    cdef int unlisten(self, int descriptor) noexcept nogil
    cdef int turn(self) except -1 nogil
    cdef int wait(self, int milliseconds) noexcept nogil
    cdef int doze(self) noexcept nogil
    cdef uint64_t tag(self, int index) noexcept nogil
    cdef int is_over(self, int index) noexcept nogil
    cdef int silence(self) noexcept nogil
    cdef int64_t now(self) noexcept nogil
    cdef int64_t nanoseconds(self) noexcept nogil
    cdef int64_t seconds(self) noexcept nogil

cdef class Hatch:
    cdef public Py_ssize_t most
    cdef int bell
    cdef unsigned char *octets
    cdef uint64_t capacity
    cdef uint64_t written
    cdef uint64_t read
    cdef readonly uint64_t passed  # messages that were put in, ever
    cdef readonly uint64_t taken  # messages that were taken out, ever

    cdef Py_ssize_t waiting(self) noexcept nogil
    cdef int put(self, uint64_t tag, const void *name, Py_ssize_t names, const void *control, Py_ssize_t controls, const void *head, Py_ssize_t heads, const void *tail, Py_ssize_t tails) noexcept nogil
    cdef int ring(self) noexcept nogil

cdef class Datagrams:
    cdef readonly Py_ssize_t slots
    cdef readonly object queries
    cdef readonly object replies
    cdef readonly object addresses
    cdef unsigned char *query_octets
    cdef unsigned char *reply_octets
    cdef unsigned char *rest
    cdef void *incoming
    cdef void *outgoing
    cdef void *vectors
    cdef void *out_vectors
    cdef void *names
    cdef void *controls
    cdef Py_ssize_t used
    cdef Py_ssize_t queued  # messages to be sent
    cdef Py_ssize_t parts  # replies in them
    cdef int segmenting
    cdef Py_ssize_t segment  # octets of the first reply of the last message, if another may join it
    cdef Py_ssize_t segmented  # octets of the last message

    cdef Py_ssize_t receive(self, int descriptor, int with_control) noexcept nogil
    cdef Py_ssize_t size(self, Py_ssize_t slot) noexcept nogil
    cdef int port(self, Py_ssize_t slot) noexcept nogil
    cdef int is_v6(self, Py_ssize_t slot) noexcept nogil
    cdef Py_ssize_t address(self, Py_ssize_t slot) noexcept nogil
    cdef int reply(self, Py_ssize_t slot, Py_ssize_t at, Py_ssize_t octets) noexcept nogil
    cdef int _join(self, const void *query, size_t control, Py_ssize_t octets) noexcept nogil
    cdef Py_ssize_t send(self, int descriptor) noexcept nogil
    cdef Py_ssize_t _send_apart(self, int descriptor, void *message) noexcept nogil
    cdef int leave(self, Py_ssize_t slot, uint64_t tag, Hatch hatch) noexcept nogil
