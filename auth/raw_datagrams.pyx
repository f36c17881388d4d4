"""Batches of datagrams, received and answered without an object a packet; raw_datagrams.py is the same for the interpreter.

Whatever the network says, nothing here reads or writes beyond its own buffers; the loop checks the rest.
"""

import socket

from libc.errno cimport EAGAIN, EINTR, EIO, errno
from libc.stdint cimport uint16_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from auth.raw cimport Hatch

cdef extern from *:
    """
    #include <netinet/in.h>
    #include <netinet/udp.h>
    #include <string.h>
    #include <sys/socket.h>

    #ifndef UDP_SEGMENT
    #define UDP_SEGMENT 103 /* linux/udp.h */
    #endif
    #define BOB_CONTROL 64 /* the largest pktinfo, and a size of segments */
    #define BOB_SEGMENT_CONTROL CMSG_SPACE(sizeof(uint16_t))

    typedef union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } bob_name;
    typedef union { struct cmsghdr header; unsigned char octets[BOB_CONTROL]; } bob_control;

    /* A reply leaves from the address that was asked; its route is the kernel's choice, but within one link. */
    static socklen_t bob_turn_control(struct msghdr *message)
    {
        struct cmsghdr *each = message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL;
        if (each == NULL)
            return 0;
        if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(each);
            info->ipi_ifindex = 0;
            info->ipi_addr.s_addr = 0;
            return CMSG_SPACE(sizeof *info);
        }
        if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(each);
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
                info->ipi6_ifindex = 0;
            return CMSG_SPACE(sizeof *info);
        }
        return 0;
    }

    /* Behind so many octets of control data: the kernel is to cut the message into datagrams of this size (udp(7)). */
    static void bob_segment(void *control, size_t behind, uint16_t size)
    {
        struct cmsghdr *each = (struct cmsghdr *)((char *)control + behind);
        each->cmsg_level = IPPROTO_UDP;
        each->cmsg_type = UDP_SEGMENT;
        each->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(each), &size, sizeof size);
    }
    """
    const int BOB_CONTROL
    const size_t BOB_SEGMENT_CONTROL
    const int UDP_SEGMENT
    ctypedef int socklen_t
    ctypedef unsigned short sa_family_t
    const int AF_INET6
    const int MSG_DONTWAIT
    const int MSG_NOSIGNAL
    struct sockaddr:
        sa_family_t sa_family
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        uint16_t sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        uint16_t sin6_port
        in6_addr sin6_addr
    ctypedef struct bob_name:
        sockaddr any
        sockaddr_in v4
        sockaddr_in6 v6
    ctypedef struct bob_control:
        unsigned char octets[64]
    struct iovec:
        void *iov_base
        size_t iov_len
    struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    struct timespec:
        pass
    int recvmmsg(int, mmsghdr *, unsigned int, int, timespec *) nogil
    int sendmmsg(int, mmsghdr *, unsigned int, int) nogil
    Py_ssize_t sendmsg(int, msghdr *, int) nogil
    uint16_t ntohs(uint16_t) nogil
    socklen_t bob_turn_control(msghdr *) nogil
    void bob_segment(void *, size_t, uint16_t) nogil

from auth.raw import zeros
from auth.sizes import MAX_DATAGRAM, MAX_SEGMENT, MAX_SEGMENTED, MAX_SEGMENTS, MAX_UDP_SIZE, QUERY_OCTETS

cdef Py_ssize_t _QUERY = QUERY_OCTETS
cdef Py_ssize_t _REST = MAX_DATAGRAM - QUERY_OCTETS
cdef Py_ssize_t _SEGMENT = MAX_SEGMENT
cdef Py_ssize_t _SEGMENTED = MAX_SEGMENTED
cdef size_t _SEGMENTS = MAX_SEGMENTS


cdef class Datagrams:
    """A batch of datagrams and the replies to them. A query of more than QUERY_OCTETS is only good for being left."""

    def __cinit__(self, Py_ssize_t slots):
        cdef Py_ssize_t slot
        cdef mmsghdr *incoming
        cdef mmsghdr *outgoing
        cdef iovec *vectors
        self.slots = slots
        self.queries = zeros(slots * _QUERY, "B")
        self.replies = zeros(slots * MAX_UDP_SIZE, "B")
        self.query_octets = _address(self.queries)
        self.reply_octets = _address(self.replies)
        self.rest = <unsigned char *>calloc(slots, _REST)
        self.incoming = calloc(slots, sizeof(mmsghdr))
        self.outgoing = calloc(slots, sizeof(mmsghdr))
        self.vectors = calloc(2 * slots, sizeof(iovec))
        self.out_vectors = calloc(slots, sizeof(iovec))
        self.addresses = memoryview(bytearray(slots * sizeof(bob_name)))
        self.spacing = sizeof(bob_name)
        self.names = _address(self.addresses)
        self.controls = calloc(slots, sizeof(bob_control))
        if not (self.rest and self.incoming and self.outgoing and self.vectors and self.out_vectors and self.controls):
            raise MemoryError
        incoming, outgoing, vectors = <mmsghdr *>self.incoming, <mmsghdr *>self.outgoing, <iovec *>self.vectors
        for slot in range(slots):
            vectors[2 * slot].iov_base = self.query_octets + slot * _QUERY
            vectors[2 * slot].iov_len = _QUERY
            vectors[2 * slot + 1].iov_base = self.rest + slot * _REST
            vectors[2 * slot + 1].iov_len = _REST
            incoming[slot].msg_hdr.msg_iov = &vectors[2 * slot]
            incoming[slot].msg_hdr.msg_iovlen = 2
            incoming[slot].msg_hdr.msg_name = &(<bob_name *>self.names)[slot]
            outgoing[slot].msg_hdr.msg_iov = &(<iovec *>self.out_vectors)[slot]
            outgoing[slot].msg_hdr.msg_iovlen = 1
        self.used = slots
        self.segmenting = _can_segment()

    def __dealloc__(self):
        free(self.rest)
        free(self.incoming)
        free(self.outgoing)
        free(self.vectors)
        free(self.out_vectors)
        free(self.controls)

    cdef Py_ssize_t receive(self, int descriptor, int with_control) noexcept nogil:
        """Receive what there is; how many datagrams, -1 where it failed (0: nothing there)."""
        cdef mmsghdr *incoming = <mmsghdr *>self.incoming
        cdef Py_ssize_t slot
        cdef int count
        for slot in range(self.used):
            incoming[slot].msg_hdr.msg_namelen = sizeof(bob_name)
            incoming[slot].msg_hdr.msg_control = &(<bob_control *>self.controls)[slot] if with_control else NULL
            incoming[slot].msg_hdr.msg_controllen = BOB_CONTROL if with_control else 0
        self.used = self.queued = self.parts = self.segment = 0
        count = recvmmsg(descriptor, incoming, <unsigned int>self.slots, MSG_DONTWAIT, NULL)
        if count >= 0:
            self.used = count
            return count
        return 0 if errno == EAGAIN or errno == EINTR else -1

    cdef Py_ssize_t size(self, Py_ssize_t slot) noexcept nogil:
        """Octets of a query; it begins at slot * QUERY_OCTETS."""
        return (<mmsghdr *>self.incoming)[slot].msg_len

    cdef int port(self, Py_ssize_t slot) noexcept nogil:
        """Of the client; 0 too where it has no address."""
        cdef bob_name *name = &(<bob_name *>self.names)[slot]
        if (<mmsghdr *>self.incoming)[slot].msg_hdr.msg_namelen == 0:
            return 0
        return ntohs(name.v6.sin6_port if name.any.sa_family == AF_INET6 else name.v4.sin_port)

    cdef int is_v6(self, Py_ssize_t slot) noexcept nogil:
        """The family of the client."""
        return (<bob_name *>self.names)[slot].any.sa_family == AF_INET6

    cdef Py_ssize_t address(self, Py_ssize_t slot) noexcept nogil:
        """Where the client's address is, in `addresses`: 4 or 16 octets."""
        cdef bob_name *name = &(<bob_name *>self.names)[slot]
        cdef void *address = &name.v6.sin6_addr if name.any.sa_family == AF_INET6 else <void *>&name.v4.sin_addr
        return <char *>address - <char *>self.names

    cdef int reply(self, Py_ssize_t slot, Py_ssize_t at, Py_ssize_t octets) noexcept nogil:
        """Send the reply at `at` with the others.

        What goes to one client in a row, equally long, is one message for the kernel, which cuts it up behind the most
        part of its way: a front end that asks from few ports is answered at half the cost.
        """
        cdef msghdr *query = &(<mmsghdr *>self.incoming)[slot].msg_hdr
        cdef socklen_t control = bob_turn_control(query)
        cdef iovec *part = &(<iovec *>self.out_vectors)[self.parts]
        cdef msghdr *message
        part.iov_base = self.reply_octets + at
        part.iov_len = octets
        self.parts += 1
        if octets <= self.segment and self._join(query, control, octets):
            return 0
        message = &(<mmsghdr *>self.outgoing)[self.queued].msg_hdr
        message.msg_iov = part
        message.msg_iovlen = 1
        message.msg_name = query.msg_name
        message.msg_namelen = query.msg_namelen
        message.msg_control = &(<bob_control *>self.controls)[slot]
        message.msg_controllen = control
        self.queued += 1
        self.segment = octets if self.segmenting and octets <= _SEGMENT else 0
        self.segmented = octets
        return 0

    cdef int _join(self, const void *header, size_t control, Py_ssize_t octets) noexcept nogil:
        """Add the last part to the last message; 0 where it is for another client, or there is no room."""
        cdef const msghdr *query = <const msghdr *>header
        cdef msghdr *message = &(<mmsghdr *>self.outgoing)[self.queued - 1].msg_hdr
        cdef size_t before = message.msg_controllen - (BOB_SEGMENT_CONTROL if message.msg_iovlen > 1 else 0)
        if message.msg_namelen != query.msg_namelen or memcmp(message.msg_name, query.msg_name, query.msg_namelen) != 0:
            return 0
        if before != control or (control and memcmp(message.msg_control, query.msg_control, control) != 0):
            return 0
        if message.msg_iovlen == _SEGMENTS or self.segmented + octets > _SEGMENTED:
            return 0
        if message.msg_iovlen == 1:
            bob_segment(message.msg_control, before, <uint16_t>self.segment)
            message.msg_controllen = before + BOB_SEGMENT_CONTROL
        message.msg_iovlen += 1
        self.segmented += octets
        if octets < self.segment:  # only the last one may be shorter
            self.segment = 0
        return 1

    cdef Py_ssize_t send(self, int descriptor) noexcept nogil:
        """Send the replies; how many the system did not take."""
        cdef mmsghdr *outgoing = <mmsghdr *>self.outgoing
        cdef Py_ssize_t sent = 0, failed = 0
        cdef int count
        while sent < self.queued:
            count = sendmmsg(descriptor, &outgoing[sent], <unsigned int>(self.queued - sent), MSG_DONTWAIT | MSG_NOSIGNAL)
            if count > 0:
                sent += count
            elif errno == EAGAIN:  # its buffer is full: the clients ask again
                while sent < self.queued:
                    failed += outgoing[sent].msg_hdr.msg_iovlen
                    sent += 1
            elif errno != EINTR:
                failed += self._send_apart(descriptor, &outgoing[sent].msg_hdr) if outgoing[sent].msg_hdr.msg_iovlen > 1 else 1
                sent += 1
        self.queued = self.parts = self.segment = 0
        return failed

    cdef Py_ssize_t _send_apart(self, int descriptor, void *header) noexcept nogil:
        """Send one by one what the system does not cut up; how many it did not take either."""
        cdef msghdr *together = <msghdr *>header
        cdef msghdr message = together[0]
        cdef Py_ssize_t failed = 0
        cdef size_t part = 0
        if errno == EIO:  # its device cannot (udp_send_skb() of Linux); EINVAL is about this message: a small MTU
            self.segmenting = 0
        message.msg_iovlen = 1
        message.msg_controllen = together.msg_controllen - BOB_SEGMENT_CONTROL
        while part < together.msg_iovlen:
            message.msg_iov = &together.msg_iov[part]
            part += 1
            if sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0:
                failed += 1
        return failed

    cdef int leave(self, Py_ssize_t slot, uint64_t tag, Hatch hatch) noexcept nogil:
        """Put a query into the hatch; 0 where there is no room."""
        cdef msghdr *query = &(<mmsghdr *>self.incoming)[slot].msg_hdr
        cdef Py_ssize_t octets = self.size(slot)
        cdef Py_ssize_t head = octets if octets < _QUERY else _QUERY
        cdef socklen_t control = bob_turn_control(query)
        return hatch.put(
            tag, query.msg_name, query.msg_namelen, query.msg_control, control,
            self.query_octets + slot * _QUERY, head, self.rest + slot * _REST, octets - head,
        )


def _can_segment():
    """Whether the kernel cuts messages up (Linux 4.18); an older one would send them whole."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.getsockopt(socket.IPPROTO_UDP, UDP_SEGMENT)
        except OSError:
            return False
    return True


cdef unsigned char *_address(object buffer):
    """Where a buffer that is kept begins."""
    cdef unsigned char[::1] view = buffer
    return &view[0]
