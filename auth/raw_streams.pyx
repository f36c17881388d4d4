"""System calls and buffers of TCP connections, without an object for each; raw_streams.py is the same for the interpreter.

A connection is a number. Octets are received into one buffer for all, and only what is less than a message, or may not be
answered yet, is kept by its connection, in memory of just that size; so are replies that the client does not take.
"""

from libc.errno cimport EAGAIN, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, errno
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memmove

cdef extern from *:
    """
    #include <netinet/in.h>
    #include <stdint.h>
    #include <sys/socket.h>
    #include <unistd.h>

    typedef union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } bob_end;

    static const void *bob_address(const bob_end *end)
    {
        if (end->any.sa_family == AF_INET6)
            return &end->v6.sin6_addr;
        return &end->v4.sin_addr;
    }

    /* An IPv4 address, or the first 64 bits of an IPv6 address: what no two hosts share (RFC 4291 section 2.5.1). */
    static uint64_t bob_client(const bob_end *end)
    {
        uint64_t number = 0;
        if (end->any.sa_family == AF_INET6) {
            for (int at = 0; at < 8; at++)
                number = number << 8 | end->v6.sin6_addr.s6_addr[at];
            return number;
        }
        return ntohl(end->v4.sin_addr.s_addr);
    }
    """
    ctypedef int socklen_t
    ctypedef unsigned short sa_family_t
    const int AF_INET6
    const int MSG_DONTWAIT
    const int MSG_NOSIGNAL
    const int SOCK_NONBLOCK
    const int SOCK_CLOEXEC
    struct sockaddr:
        sa_family_t sa_family
    ctypedef struct bob_end:
        sockaddr any
    int accept4(int, sockaddr *, socklen_t *, int) nogil
    Py_ssize_t c_recv "recv"(int, void *, size_t, int) nogil
    Py_ssize_t c_send "send"(int, const void *, size_t, int) nogil
    int c_close "close"(int) nogil
    const void *bob_address(const bob_end *) nogil
    uint64_t bob_client(const bob_end *) nogil

from auth.sizes import MAX_IN_FRONT
from image.layout import IPV4_OCTETS, IPV6_OCTETS

cdef Py_ssize_t _V4 = IPV4_OCTETS
cdef Py_ssize_t _V6 = IPV6_OCTETS
cdef Py_ssize_t _IN_FRONT = MAX_IN_FRONT
cdef Py_ssize_t _PREFIX = 2  # octets of the length before each message (RFC 1035 section 4.2.2)
cdef Py_ssize_t _HEADER = 12  # octets of the shortest message

ctypedef struct Stream:
    unsigned char *kept
    unsigned char *unsent
    uint32_t kept_octets
    uint32_t unsent_octets
    uint32_t unsent_at
    int descriptor
    uint32_t end_octets
    bob_end end


cdef class Streams:
    """Connections by their numbers."""

    def __cinit__(self, Py_ssize_t most, queries, replies, address):
        """For numbers from 1 to `most`; `queries` is received into, `replies` sent from; see locate() for `address`."""
        cdef unsigned char[::1] received = queries
        cdef unsigned char[::1] located = address
        cdef unsigned char[::1] sent = replies
        self.queries = queries
        self.replies = replies
        self.address = address
        self.located = &located[0]
        if located.shape[0] < IPV6_OCTETS:
            raise ValueError("no room for an address")
        self.most = most
        self.received = &received[0]
        self.sent = &sent[0]
        self.room = received.shape[0]
        self.sendable = sent.shape[0]
        self.all = calloc(most + 1, sizeof(Stream))
        if self.all == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.all)

    cdef int accept(self, int listener, Py_ssize_t number) noexcept nogil:
        """Accept a connection: 1; 0 where none waits, -1 for want of descriptors or memory (`reason`), 2 where it is gone."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        cdef socklen_t octets = sizeof(bob_end)
        cdef int descriptor = accept4(listener, &stream.end.any, &octets, SOCK_NONBLOCK | SOCK_CLOEXEC)
        if descriptor >= 0:
            stream.descriptor = descriptor
            stream.end_octets = octets
            return 1
        if errno == EAGAIN:
            return 0
        self.reason = errno
        if errno == EMFILE or errno == ENFILE or errno == ENOBUFS or errno == ENOMEM:
            return -1
        return 2

    cdef int descriptor(self, Py_ssize_t number) noexcept nogil:
        """Of a connection."""
        return (<Stream *>self.all)[number].descriptor

    cdef Py_ssize_t locate(self, Py_ssize_t number) noexcept nogil:
        """Put the address of its client into `address`; how many octets it has."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        cdef Py_ssize_t octets = _V6 if stream.end.any.sa_family == AF_INET6 else _V4
        memcpy(self.located, bob_address(&stream.end), octets)
        return octets

    cdef uint64_t client(self, Py_ssize_t number) noexcept nogil:
        """Who counts as one client: an IPv4 address, or the IPv6 network of a host."""
        return bob_client(&(<Stream *>self.all)[number].end)

    cdef Py_ssize_t receive(self, Py_ssize_t number) noexcept nogil:
        """Receive behind what is kept; octets of both in `queries`, or -1 where a long message is still not whole.

        `more`: there may be more. `ended`: 1 where the client sends nothing more, 2 where it is gone.
        """
        cdef Stream *stream = &(<Stream *>self.all)[number]
        cdef Py_ssize_t kept = stream.kept_octets, wanted = 0, room = self.room - kept
        cdef unsigned char *into = self.received + kept
        cdef unsigned char *larger
        cdef Py_ssize_t count
        self.more = self.ended = 0
        if kept > _IN_FRONT:
            wanted = _PREFIX + (stream.kept[0] << 8 | stream.kept[1])
            if kept >= wanted:
                memcpy(self.received, stream.kept, kept)
                self.more = 1
                return kept
            larger = <unsigned char *>realloc(stream.kept, wanted)
            if larger == NULL:
                self.ended = 2
                return -1
            stream.kept = larger
            into = larger + kept
            room = wanted - kept
        elif kept:
            memcpy(self.received, stream.kept, kept)
        count = c_recv(stream.descriptor, into, room, MSG_DONTWAIT)
        if count == 0:
            self.ended = 1
        elif count < 0:
            count = 0
            if errno == EINTR:
                self.more = 1
            elif errno != EAGAIN:
                self.ended = 2
        else:
            self.more = count == room
        if kept <= _IN_FRONT:
            return kept + count
        stream.kept_octets = <uint32_t>(kept + count)
        if count < room:
            return -1
        memcpy(self.received, stream.kept, wanted)
        return wanted

    cdef int keep(self, Py_ssize_t number, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        """Keep these octets of `queries`, and only these; 0 for want of memory."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        cdef Py_ssize_t octets = end - start
        cdef unsigned char *place
        if octets == 0:
            free(stream.kept)
            stream.kept = NULL
            stream.kept_octets = 0
            return 1
        if start == 0 and octets == stream.kept_octets:  # the same as before
            return 1
        place = <unsigned char *>realloc(stream.kept, octets)
        if place == NULL:
            return 0
        memcpy(place, self.received + start, octets)
        stream.kept = place
        stream.kept_octets = <uint32_t>octets
        return 1

    cdef Py_ssize_t kept(self, Py_ssize_t number) noexcept nogil:
        """Octets that are kept."""
        return (<Stream *>self.all)[number].kept_octets

    cdef Py_ssize_t whole(self, Py_ssize_t number, Py_ssize_t most) noexcept nogil:
        """Octets of the whole messages that are kept, of `most` at most; -1 where the first has a length that none has."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        cdef Py_ssize_t at = 0, octets
        while most > 0 and at + _PREFIX <= stream.kept_octets:
            octets = stream.kept[at] << 8 | stream.kept[at + 1]
            if octets < _HEADER:
                return at if at else -1
            if at + _PREFIX + octets > stream.kept_octets:
                break
            at += _PREFIX + octets
            most -= 1
        return at

    cdef int put(self, Py_ssize_t number, Py_ssize_t octets, uint64_t tag, Hatch hatch) noexcept nogil:
        """Put the first octets of what is kept into the hatch; 0 where there is no room."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        return hatch.put(tag, &stream.end, stream.end_octets, stream.kept, 0, stream.kept, octets, stream.kept, 0)

    cdef int forget(self, Py_ssize_t number, Py_ssize_t octets) noexcept nogil:
        """Keep all but the first octets."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        if octets >= stream.kept_octets:
            free(stream.kept)
            stream.kept = NULL
            stream.kept_octets = 0
            return 0
        stream.kept_octets -= <uint32_t>octets
        memmove(stream.kept, stream.kept + octets, stream.kept_octets)
        return 0

    cdef int send(self, Py_ssize_t number, Py_ssize_t octets) noexcept nogil:
        """Send so many octets of `replies`: 1; 0 where the rest waits to be sent, -1 where the client is gone."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        cdef Py_ssize_t count = _send(stream.descriptor, self.sent, octets)
        if count < 0 or count == octets:
            return 1 if count == octets else -1
        stream.unsent = <unsigned char *>malloc(octets - count)
        if stream.unsent == NULL:
            return -1
        memcpy(stream.unsent, self.sent + count, octets - count)
        stream.unsent_octets = <uint32_t>(octets - count)
        stream.unsent_at = 0
        return 0

    cdef int send_rest(self, Py_ssize_t number) noexcept nogil:
        """Send what waits to be sent, as send()."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        cdef Py_ssize_t octets = stream.unsent_octets - stream.unsent_at
        cdef Py_ssize_t count = _send(stream.descriptor, stream.unsent + stream.unsent_at, octets)
        if count < 0:
            return -1
        stream.unsent_at += <uint32_t>count
        if count < octets:
            return 0
        free(stream.unsent)
        stream.unsent = NULL
        return 1

    def load(self, octets):
        """Put octets at the beginning of `replies`."""
        cdef const unsigned char[::1] view = octets
        if view.shape[0] > self.sendable:
            raise ValueError(f"{view.shape[0]} octets of replies")
        memcpy(self.sent, &view[0], view.shape[0])

    cdef int close(self, Py_ssize_t number) noexcept nogil:
        """Close a connection; what is kept and unsent is lost."""
        cdef Stream *stream = &(<Stream *>self.all)[number]
        c_close(stream.descriptor)
        free(stream.kept)
        free(stream.unsent)
        stream.kept = stream.unsent = NULL
        stream.kept_octets = 0
        stream.descriptor = -1
        return 0


cdef Py_ssize_t _send(int descriptor, unsigned char *octets, Py_ssize_t count) noexcept nogil:
    """How many octets the system took; -1 where the client is gone."""
    cdef Py_ssize_t sent = c_send(descriptor, octets, count, MSG_DONTWAIT | MSG_NOSIGNAL)
    while sent < 0 and errno == EINTR:
        sent = c_send(descriptor, octets, count, MSG_DONTWAIT | MSG_NOSIGNAL)
    if sent < 0 and errno == EAGAIN:
        return 0
    return sent
