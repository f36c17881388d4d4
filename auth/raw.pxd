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
