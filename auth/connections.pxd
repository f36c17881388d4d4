cimport cython
from libc.stdint cimport uint64_t
from auth.rings cimport Rings

cdef Py_ssize_t IDLE, UNREAD, NEEDED, NOBODY, NO_ROOM, BUCKETS, MAX_CONNECTIONS
cdef uint64_t BUCKET_SHIFT, MASK

cdef class ConnectionTable:
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t used
    cdef Py_ssize_t spare
    cdef int[::1] spares
    cdef Py_ssize_t lists
    cdef Rings standings
    cdef unsigned char[::1] standing
    cdef Rings own
    cdef int[::1] clients
    cdef uint64_t[::1] client_of
    cdef int[::1] counts
    cdef int[::1] links
    cdef int[::1] buckets
    cdef Py_ssize_t clients_used
    cdef Py_ssize_t spare_client
    cdef uint64_t secret

    cdef Py_ssize_t number(self) except -1 nogil
    cdef int drop(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(number=Py_ssize_t)
    cdef Py_ssize_t victim(self, uint64_t client, Py_ssize_t limit, Py_ssize_t per_client) except -2 nogil
    @cython.locals(found=Py_ssize_t)
    cdef Py_ssize_t most_dispensable(self) except -2 nogil
    @cython.locals(ring=Py_ssize_t, unread=Py_ssize_t, connection=Py_ssize_t)
    cdef Py_ssize_t first_of_client(self, Py_ssize_t number) except -2 nogil
    cdef Py_ssize_t oldest(self, Py_ssize_t standing) except -1 nogil
    @cython.locals(number=Py_ssize_t)
    cdef int add(self, Py_ssize_t connection, uint64_t client) except -1 nogil
    cdef int touch(self, Py_ssize_t connection) except -1 nogil
    cdef int stand(self, Py_ssize_t connection, Py_ssize_t standing) except -1 nogil
    @cython.locals(number=Py_ssize_t)
    cdef int remove(self, Py_ssize_t connection) except -1 nogil
    @cython.locals(mixed=uint64_t)
    cdef Py_ssize_t bucket(self, uint64_t client) except -1 nogil
    @cython.locals(number=Py_ssize_t)
    cdef Py_ssize_t find(self, uint64_t client) except -1 nogil
    @cython.locals(number=Py_ssize_t, bucket=Py_ssize_t)
    cdef Py_ssize_t add_client(self, uint64_t client) except -1 nogil
    @cython.locals(bucket=Py_ssize_t, before=Py_ssize_t)
    cdef int remove_client(self, Py_ssize_t number) except -1 nogil
