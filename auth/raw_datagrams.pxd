from libc.stdint cimport uint64_t
from auth.raw cimport Hatch

cdef class Datagrams:
    cdef readonly Py_ssize_t slots
    cdef readonly object queries
    cdef readonly object replies
    cdef readonly object addresses
    cdef readonly Py_ssize_t spacing
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
