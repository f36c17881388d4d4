from libc.stdint cimport uint64_t
from auth.raw cimport Hatch

cdef class Streams:
    cdef readonly object queries
    cdef readonly object replies
    cdef readonly object address
    cdef unsigned char *located
    cdef Py_ssize_t most
    cdef unsigned char *received
    cdef unsigned char *sent
    cdef Py_ssize_t room
    cdef Py_ssize_t sendable
    cdef void *all
    cdef readonly int ended
    cdef readonly int more
    cdef readonly int reason

    cdef int accept(self, int listener, Py_ssize_t number) noexcept nogil
    cdef int descriptor(self, Py_ssize_t number) noexcept nogil
    cdef Py_ssize_t locate(self, Py_ssize_t number) noexcept nogil
    cdef uint64_t client(self, Py_ssize_t number) noexcept nogil
    cdef Py_ssize_t receive(self, Py_ssize_t number) noexcept nogil
    cdef int keep(self, Py_ssize_t number, Py_ssize_t start, Py_ssize_t end) noexcept nogil
    cdef Py_ssize_t kept(self, Py_ssize_t number) noexcept nogil
    cdef Py_ssize_t whole(self, Py_ssize_t number, Py_ssize_t most) noexcept nogil
    cdef int put(self, Py_ssize_t number, Py_ssize_t octets, uint64_t tag, Hatch hatch) noexcept nogil
    cdef int forget(self, Py_ssize_t number, Py_ssize_t octets) noexcept nogil
    cdef int send(self, Py_ssize_t number, Py_ssize_t octets) noexcept nogil
    cdef int send_rest(self, Py_ssize_t number) noexcept nogil
    cdef int close(self, Py_ssize_t number) noexcept nogil
